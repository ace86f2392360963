"""publish_slots, resize_slot and delete_slot: what a provider offers, and what may not change."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.shop import Shop, at


def hours(*pairs, **more):
    return [{"start": at(start), "end": at(end), **more} for start, end in pairs]


def test_slots_are_published_in_the_order_of_the_request(shop):
    answer = shop.publish(hours((11, 12), (9, 10), (10, 11), capacity=3))
    assert (answer["outcome"], answer["replayed"]) == ("PUBLISHED", False)
    assert answer["facts"] == {"published": 3, "skipped": 0}
    rows = {row["id"]: row for row in shop.rows("SELECT * FROM slots WHERE vendor_id = %s")}
    published = [rows[slot_id] for slot_id in answer["slot_ids"]]
    assert [slot["during"].lower for slot in published] == [at(11), at(9), at(10)]
    assert {slot["capacity"] for slot in published} == {3}
    assert {slot["location_id"] for slot in published} == {shop.location_id}


def test_what_is_left_out_is_one_place_at_the_providers_location_without_a_price(shop):
    slot_id = shop.slot()
    slot = shop.rows("SELECT * FROM slots WHERE vendor_id = %s AND id = %s", slot_id)[0]
    assert (slot["capacity"], slot["price_amount"], slot["price_currency"]) == (1, None, None)
    assert slot["location_id"] == shop.location_id


def test_a_slot_may_be_at_another_location_and_have_a_price(shop):
    other = shop.location()
    price = {"amount": 4500, "currency": "EUR"}
    slot_id = shop.slot(location_id=str(other), price=price)
    described = shop.call("describe_slot", slot_id=slot_id)[0]["describe_slot"]
    assert (described["location_id"], described["price"]) == (str(other), price)


def test_a_hundred_thousand_slots_are_published_in_one_call(shop):
    slots = [
        {"start": (at(0) + timedelta(minutes=15 * n)).isoformat(),
         "end": (at(0) + timedelta(minutes=15 * (n + 1))).isoformat(), "capacity": 2}
        for n in range(100_000)
    ]  # fmt: skip
    # Some seconds on a quiet machine; the role's limit is for one that serves.
    shop.app.execute("SET statement_timeout = '60s'")
    began = time.monotonic()
    answer = shop.publish(slots)
    print(f"100,000 slots in {time.monotonic() - began:.1f} s")
    assert answer["facts"] == {"published": 100_000, "skipped": 0}
    assert len(set(answer["slot_ids"])) == 100_000
    counted = shop.rows("SELECT count(*) AS n FROM slots WHERE vendor_id = %s")
    assert counted == [{"n": 100_000}]
    shop.app.execute("RESET statement_timeout")


@pytest.mark.parametrize(
    "wanted, index, other",
    [
        ([(7, 8), (9.5, 11)], 1, (9, 10)),
        ([(9, 10)], 0, (9, 10)),
        ([(8, 12), (12, 13)], 0, (9, 10)),
        ([(9.25, 9.5)], 0, (9, 10)),
    ],
)
def test_an_overlap_with_a_published_slot_is_refused_whole_and_names_the_offender(
    shop, wanted, index, other
):
    existing = shop.slot(9, 10)
    with shop.unchanged():
        answer = shop.publish(hours(*wanted))
    assert (answer["outcome"], answer["slot_ids"]) == ("SLOT_OVERLAP", [])
    facts = answer["facts"]
    assert (facts["index"], facts["slot_id"]) == (index, str(existing))
    assert facts["start"] == f"{at(wanted[index][0]):%Y-%m-%dT%H:%M:%SZ}"
    assert facts["other_end"] == f"{at(other[1]):%Y-%m-%dT%H:%M:%SZ}"


def test_of_several_offenders_the_first_of_the_request_is_named(shop):
    shop.slot(9, 10)
    shop.slot(11, 12)
    answer = shop.publish(hours((20, 22), (11, 13), (9, 10), (21, 23)))
    assert (answer["facts"]["index"], answer["facts"]["start"]) == (1, "2040-01-02T11:00:00Z")


@pytest.mark.parametrize(
    "wanted", [[(9, 11), (10, 12)], [(10, 12), (9, 11)], [(9, 17), (7, 8), (10, 11)]]
)
def test_slots_of_one_request_that_overlap_are_refused_whole(shop, wanted):
    with shop.unchanged():
        answer = shop.publish(hours(*wanted))
    assert answer["outcome"] == "SLOT_OVERLAP"
    assert answer["facts"]["slot_id"] is None


def test_what_overlaps_can_be_skipped(shop):
    shop.slot(9, 10)
    answer = shop.publish(hours((8, 9), (9, 9.5), (10, 11)), on_overlap="skip")
    assert answer["facts"] == {"published": 2, "skipped": 1}
    assert len(answer["slot_ids"]) == 2


@pytest.mark.parametrize(
    "change, outcome, reason",
    [
        ({"end": at(9)}, "INVALID_DATE_RANGE", "end_not_after_start"),
        ({"end": at(8)}, "INVALID_DATE_RANGE", "end_not_after_start"),
        ({"end": None}, "VALIDATION_ERROR", "start_and_end_needed"),
        ({"start": "-infinity"}, "VALIDATION_ERROR", "start_and_end_needed"),
        ({"capacity": 0}, "VALIDATION_ERROR", "capacity_out_of_range"),
        ({"capacity": 100_001}, "VALIDATION_ERROR", "capacity_out_of_range"),
        ({"price": {"amount": 5}}, "VALIDATION_ERROR", "price_invalid"),
        ({"price": {"currency": "EUR"}}, "VALIDATION_ERROR", "price_invalid"),
        ({"price": {"amount": -5, "currency": "EUR"}}, "VALIDATION_ERROR", "price_invalid"),
        ({"price": {"amount": 5, "currency": "euro"}}, "VALIDATION_ERROR", "price_invalid"),
        ({"location_id": str(uuid.uuid4())}, "LOCATION_NOT_FOUND", None),
    ],
)
def test_a_slot_that_cannot_be_is_refused_by_its_place_in_the_request(
    shop, change, outcome, reason
):
    wanted = [*hours((7, 8)), hours((9, 10))[0] | change, *hours((20, 19))]
    with shop.unchanged():
        answer = shop.publish(wanted)
    assert answer["outcome"] == outcome
    assert (answer["facts"]["index"], answer["facts"].get("reason")) == (1, reason)


def test_a_provider_must_be_there_and_not_archived(shop):
    stranger = Shop(shop.app, shop.owner)
    archived = shop.provider()
    shop.owner.execute("UPDATE providers SET archived_at = now() WHERE id = %s", [archived])
    for provider_id in (uuid.uuid4(), stranger.provider_id, archived):
        with shop.unchanged():
            answer = shop.publish(hours((9, 10)), provider_id)
        assert answer["outcome"] == "PROVIDER_NOT_FOUND"


def test_a_location_must_be_the_vendors_own(shop):
    theirs = Shop(shop.app, shop.owner).location_id
    answer = shop.publish(hours((9, 10), location_id=str(theirs)))
    assert answer["outcome"] == "LOCATION_NOT_FOUND"


@pytest.mark.parametrize(
    "broken", [{"slots": None}, {"slots": Jsonb({})}, {"on_overlap": "merge"}, {"on_overlap": None}]
)
def test_a_broken_caller_hears_an_error_of_ours(shop, broken):
    given = {"provider_id": shop.provider_id, "slots": Jsonb([])} | broken
    with shop.unchanged(), pytest.raises(psycopg.Error) as error:
        shop.call("publish_slots", **given)
    assert error.value.sqlstate == "SK001"


def resize(shop, slot_id, **change):
    return shop.call("resize_slot", slot_id=slot_id, **change)[0]


def test_a_slot_is_moved_grown_and_priced_together_with_its_claims(shop):
    slot = shop.slot(9, 12, capacity=3)
    booking_id = shop.book(slot, start=at(10), end=at(11), quantity=2)
    change = {"start": at(8), "end": at(11), "capacity": 5,
              "price": {"amount": 700, "currency": "EUR"}}  # fmt: skip
    answer = resize(shop, slot, **change)
    assert (answer["outcome"], answer["changed"]) == ("RESIZED", True)
    facts = answer["facts"]
    assert (facts["start"], facts["end"]) == ("2040-01-02T08:00:00Z", "2040-01-02T11:00:00Z")
    assert (facts["capacity"], facts["location_id"]) == (5, str(shop.location_id))
    assert (facts["price"], facts["version"]) == ({"amount": 700, "currency": "EUR"}, 2)
    (claim,) = shop.claims(booking_id)
    assert (claim["slot_during"].lower, claim["slot_capacity"]) == (at(8), 5)
    assert claim["during"].lower == at(10)


def test_what_is_not_named_stays_and_a_price_can_be_taken_away(shop):
    slot = shop.slot(capacity=3, price={"amount": 700, "currency": "EUR"})
    with shop.unchanged():
        answer = resize(shop, slot)
        same = resize(shop, slot, capacity=3, start=at(9), end=at(10))
    assert (answer["changed"], same["changed"]) == (False, False)
    without = resize(shop, slot, price=Jsonb(None))
    assert (without["facts"]["price"], without["facts"]["capacity"]) == (None, 3)


def test_half_a_price_leaves_the_other_half_as_it_is(shop):
    slot = shop.slot(price={"amount": 700, "currency": "EUR"})
    dearer = resize(shop, slot, price={"amount": 900})
    assert dearer["facts"]["price"] == {"amount": 900, "currency": "EUR"}
    elsewhere = resize(shop, slot, price={"currency": "USD"})
    assert elsewhere["facts"]["price"] == {"amount": 900, "currency": "USD"}


@pytest.mark.parametrize(
    "change",
    [{"start": at(10.5)}, {"end": at(10.5)}, {"start": at(12), "end": at(14)}, {"capacity": 1}],
    ids=["later", "earlier", "elsewhere", "smaller"],
)
def test_a_slot_cannot_shrink_under_its_bookings_and_names_them(shop, change):
    slot = shop.slot(9, 12, capacity=3)
    booking_id = shop.book(slot, start=at(10), end=at(11), quantity=2)
    with shop.unchanged():
        answer = resize(shop, slot, **change)
    assert (answer["outcome"], answer["changed"]) == ("SLOT_IN_USE", False)
    assert answer["facts"]["bookings"] == [{
        "booking_id": str(booking_id), "start": "2040-01-02T10:00:00Z",
        "end": "2040-01-02T11:00:00Z", "quantity": 2, "time_zone": "Europe/Rome",
    }]  # fmt: skip


def test_only_the_bookings_that_would_not_fit_are_named(shop):
    slot = shop.slot(9, 12, capacity=3)
    early = shop.book(slot, start=at(9), end=at(10))
    pair = shop.book(slot, start=at(11), end=at(12), quantity=2)
    for change, in_the_way in (({"start": at(10)}, early), ({"capacity": 1}, pair)):
        facts = resize(shop, slot, **change)["facts"]
        assert [booking["booking_id"] for booking in facts["bookings"]] == [str(in_the_way)]


def test_a_slot_can_shrink_around_its_bookings(shop):
    slot = shop.slot(9, 12, capacity=3)
    shop.book(slot, start=at(10), end=at(11))
    answer = resize(shop, slot, start=at(10), end=at(11), capacity=1)
    assert answer["outcome"] == "RESIZED"


def test_a_lapsed_hold_does_not_keep_a_slot_from_shrinking_or_going(shop):
    slots = [shop.slot(9, 10, capacity=2), shop.slot(10, 11)]
    holds = [shop.lapsed_hold(slots[0], quantity=2), shop.lapsed_hold(slots[1])]
    assert resize(shop, slots[0], capacity=1)["outcome"] == "RESIZED"
    assert shop.call("delete_slot", slot_id=slots[1])[0]["outcome"] == "DELETED"
    assert {shop.booking(hold)["status"] for hold in holds} == {"expired"}


def test_a_slot_cannot_be_moved_over_its_neighbour(shop):
    slot, neighbour = shop.slot(9, 10), shop.slot(10, 11)
    with shop.unchanged():
        answer = resize(shop, slot, end=at(10.5))
    assert (answer["outcome"], answer["facts"]["slot_id"]) == ("SLOT_OVERLAP", str(neighbour))


@pytest.mark.parametrize(
    "change, outcome",
    [
        ({"end": at(9)}, "INVALID_DATE_RANGE"),
        ({"start": "-infinity"}, "INVALID_DATE_RANGE"),
        ({"capacity": 0}, "VALIDATION_ERROR"),
        ({"capacity": 100_001}, "VALIDATION_ERROR"),
        ({"price": {"amount": 5}}, "VALIDATION_ERROR"),
        ({"location_id": uuid.uuid4()}, "LOCATION_NOT_FOUND"),
        ({"capacity": 2, "expected_version": 9}, "PRECONDITION_FAILED"),
    ],
)
def test_a_change_that_cannot_be_is_refused(shop, change, outcome):
    slot = shop.slot(9, 10)
    with shop.unchanged():
        assert resize(shop, slot, **change)["outcome"] == outcome


def test_a_slot_is_deleted_unless_it_is_booked(shop):
    free, booked = shop.slot(9, 10), shop.slot(10, 11)
    booking_id = shop.book(booked)
    with shop.unchanged():
        answer = shop.call("delete_slot", slot_id=booked)[0]
        stale = shop.call("delete_slot", slot_id=free, expected_version=5)[0]
    assert answer["outcome"] == "SLOT_IN_USE"
    assert answer["facts"]["bookings"][0]["booking_id"] == str(booking_id)
    assert stale["outcome"] == "PRECONDITION_FAILED"
    deleted = shop.call("delete_slot", slot_id=free, expected_version=1)[0]
    assert (deleted["outcome"], deleted["changed"]) == ("DELETED", True)
    shop.move("cancel_booking", booking_id)
    assert shop.call("delete_slot", slot_id=booked)[0]["outcome"] == "DELETED"
    assert shop.call("delete_slot", slot_id=booked)[0]["outcome"] == "SLOT_NOT_FOUND"


def test_another_vendors_slot_can_be_neither_changed_nor_deleted(shop):
    slot, stranger = shop.slot(), Shop(shop.app, shop.owner)
    with shop.unchanged():
        assert resize(stranger, slot, capacity=5)["outcome"] == "SLOT_NOT_FOUND"
        assert stranger.call("delete_slot", slot_id=slot)[0]["outcome"] == "SLOT_NOT_FOUND"
        assert stranger.call("describe_slot", slot_id=slot)[0]["describe_slot"] is None


def test_a_slot_keeps_its_place_for_as_long_as_somebody_is_to_come_there(shop):
    slot, elsewhere = shop.slot(), shop.location()
    booking = shop.book(slot)
    with shop.unchanged():
        answer = resize(shop, slot, location_id=elsewhere)
    assert answer["outcome"] == "SLOT_IN_USE"
    assert [row["booking_id"] for row in answer["facts"]["bookings"]] == [str(booking)]
    shop.move("cancel_booking", booking)
    assert resize(shop, slot, location_id=elsewhere)["facts"]["location_id"] == str(elsewhere)
