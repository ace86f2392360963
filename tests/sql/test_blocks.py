"""block_time and unblock_time: closing time under the same laws as any booking."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.shop import Shop, at


def block(shop, start, end, **more):
    given = {"provider_id": shop.provider_id, "start": at(start), "end": at(end)} | more
    return shop.call("block_time", **given)[0]


def test_published_time_is_closed_and_what_is_not_published_is_left_out(shop):
    slots = [shop.slot(9, 11), shop.slot(12, 13), shop.slot(13, 17)]
    answer = block(shop, 10, 14, reason="repairs")
    assert answer["outcome"] == "CONFIRMED"
    facts = answer["facts"]
    assert (facts["kind"], facts["status"], facts["notes"]) == ("block", "confirmed", "repairs")
    assert (facts["customer"], facts["price"]) == (None, None)
    spans = [(c["during"].lower, c["during"].upper) for c in shop.claims(answer["booking_id"])]
    assert spans == [(at(10), at(11)), (at(12), at(13)), (at(13), at(14))]
    assert facts["slot_ids"] == [str(slot) for slot in slots]
    refused = shop.claim(slots[0], start=at(10), end=at(11))
    assert (refused["outcome"], refused["facts"]["reason"]) == ("BOOKING_CONFLICT", "blocked")
    assert shop.claim(slots[0], start=at(9), end=at(10))["outcome"] == "CONFIRMED"


def test_all_places_are_closed_unless_a_number_is_named(shop):
    whole, some = shop.slot(9, 10, capacity=5), shop.slot(10, 11, capacity=5)
    assert block(shop, 9, 10)["facts"]["quantity"] == 5
    assert block(shop, 10, 11, quantity=2)["facts"]["quantity"] == 2
    assert shop.claim(whole)["outcome"] == "BOOKING_CONFLICT"
    assert shop.claim(some, quantity=3)["outcome"] == "CONFIRMED"


def test_all_places_of_slots_that_differ_in_capacity_are_no_one_number(shop):
    shop.slot(9, 10, capacity=5)
    shop.slot(10, 11, capacity=4)
    with shop.unchanged():
        answer = block(shop, 9, 11)
    assert answer["outcome"] == "VALIDATION_ERROR"
    assert answer["facts"]["reason"] == "capacities_differ"
    assert block(shop, 9, 11, quantity=4)["outcome"] == "CONFIRMED"


def test_bookings_in_the_way_are_named_and_stay(shop):
    slot = shop.slot(9, 12, capacity=2)
    booking_id = shop.book(slot, start=at(10), end=at(11), details={"customer": {"name": "Ada"}})
    with shop.unchanged():
        answer = block(shop, 9, 12)
        part = block(shop, 10, 11, quantity=2)
    assert answer["outcome"] == part["outcome"] == "INSUFFICIENT_INVENTORY"
    (in_the_way,) = answer["facts"]["bookings"]
    assert in_the_way == {
        "booking_id": str(booking_id), "start": "2040-01-02T10:00:00Z",
        "end": "2040-01-02T11:00:00Z", "time_zone": "Europe/Rome", "quantity": 1,
    }  # fmt: skip
    assert block(shop, 11, 12)["outcome"] == "CONFIRMED"
    shop.book(slot, start=at(10), end=at(11))
    assert block(shop, 10, 11)["outcome"] == "BOOKING_CONFLICT"


def test_a_lapsed_hold_does_not_stand_in_a_blocks_way(shop):
    hold = shop.lapsed_hold(shop.slot(9, 10))
    assert block(shop, 9, 10)["outcome"] == "CONFIRMED"
    assert shop.booking(hold)["status"] == "expired"


def test_the_past_can_be_blocked(shop):
    slot = shop.slot("2020-01-06T09:00Z", "2020-01-06T10:00Z")
    past = {"start": "2020-01-06T09:00Z", "end": "2020-01-06T10:00Z"}
    answer = shop.call("block_time", provider_id=shop.provider_id, **past)[0]
    assert answer["facts"]["slot_ids"] == [str(slot)]


def test_another_providers_time_stays_open(shop):
    shop.slot(9, 10)
    others = shop.slot(9, 10, provider_id=shop.provider())
    assert block(shop, 9, 10)["outcome"] == "CONFIRMED"
    assert shop.claim(others)["outcome"] == "CONFIRMED"


@pytest.mark.parametrize("times", [(7, 8), (12, 13)])
def test_there_is_nothing_to_close_where_nothing_is_published(shop, times):
    shop.slot(9, 10)
    with shop.unchanged():
        assert block(shop, *times)["outcome"] == "SLOT_NOT_FOUND"


def test_a_stranger_cannot_close_ones_time(shop):
    shop.slot(9, 10)
    stranger = Shop(shop.app, shop.owner)
    with shop.unchanged():
        for provider_id in (shop.provider_id, uuid.uuid4()):
            answer = block(stranger, 9, 10, provider_id=provider_id)
            assert answer["outcome"] == "SLOT_NOT_FOUND"


def test_a_range_that_is_none_is_refused(shop):
    shop.slot(9, 10)
    with shop.unchanged():
        assert block(shop, 10, 9)["outcome"] == "INVALID_DATE_RANGE"


@pytest.mark.parametrize("missing", ["provider_id", "start", "end"])
def test_a_broken_caller_hears_an_error_of_ours(shop, missing):
    given = {"provider_id": shop.provider_id, "start": at(9), "end": at(10), missing: None}
    with shop.unchanged(), pytest.raises(psycopg.Error) as error:
        shop.call("block_time", **given)
    assert error.value.sqlstate == "SK001"


def test_a_block_is_lifted_once_and_its_time_can_be_booked_again(shop):
    slot = shop.slot(9, 10)
    block_id = block(shop, 9, 10)["booking_id"]
    with shop.unchanged():
        stale = shop.move("unblock_time", block_id, expected_version=4)
    assert stale["outcome"] == "PRECONDITION_FAILED"
    answer = shop.move("unblock_time", block_id, expected_version=1)
    assert (answer["outcome"], answer["changed"]) == ("CANCELLED", True)
    with shop.unchanged():
        assert shop.move("unblock_time", block_id)["changed"] is False
    assert [event["kind"] for event in shop.events(block_id)] == ["confirmed", "cancelled"]
    assert shop.claim(slot)["outcome"] == "CONFIRMED"


def test_a_block_beside_which_slots_are_published_again_and_again_gives_up_and_leaves_nothing(shop):
    shop.slot(9, 17)
    # As somebody who publishes while each try is under way.
    shop.owner.execute(
        "CREATE FUNCTION publish_an_hour() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO slots (vendor_id, provider_id, location_id, capacity, during)"
        " VALUES (NEW.vendor_id, NEW.provider_id, NEW.location_id, 1,"
        " '[2040-01-02 17:00Z,2040-01-02 18:00Z)');"
        " RETURN NEW; END $$;"
        " CREATE TRIGGER publishes_an_hour BEFORE INSERT ON bookings"
        " FOR EACH ROW EXECUTE FUNCTION publish_an_hour()"
    )
    try:
        with shop.unchanged():
            assert block(shop, 10, 18)["outcome"] == "CONCURRENCY_ABORT"
    finally:
        shop.owner.execute("DROP FUNCTION publish_an_hour CASCADE")
    assert block(shop, 10, 18)["outcome"] == "CONFIRMED"
