"""Time that schedules give no more, kept for its bookings: nobody else's, at once and for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from tests.rota import Rota, counts, in_the_way
from tests.shop import Shop, at
from tests.sweep import assert_clean

MORNING = [(9.0, 10.0), (10.0, 11.0), (11.0, 12.0)]


@pytest.fixture
def rota(shop: Shop) -> Rota:
    """A schedule of the shop's provider; the laws and promises hold after the test."""
    rota = Rota(shop)
    yield rota
    assert_clean(shop.owner, shop.vendor_id)


def test_closed_time_is_nobodys_once_its_booking_is_cancelled(rota, shop):
    rota.apply(rota.wanted(*MORNING, (13, 17), whole=False, capacity=2))
    short, long = rota.book(9, 10), rota.book(14, 15)
    slots = rota.slot_at(9), rota.slot_at(13)
    told = rota.apply([])
    assert in_the_way(told) == [str(short), str(long)]
    assert rota.closed() == rota.hours() == [(9, 10), (14, 15)]
    for booking in (short, long):
        shop.move("cancel_booking", booking)
    for slot, start in zip(slots, (9, 14), strict=True):
        for part in ({}, {"start": at(start), "end": at(start + 0.5)}):
            refused = shop.claim(slot, **part)
            assert (refused["outcome"], refused["facts"]["reason"]) == ("SLOT_NOT_FOUND", "closed")
    assert shop.move("confirm_booking", short)["outcome"] == "SLOT_NOT_FOUND"
    window = {"from": at(0), "to": at(24)}
    assert shop.call("list_availability", **window) == []
    shown = shop.rows("SELECT available_count FROM slot_availability WHERE vendor_id = %s")
    assert {one["available_count"] for one in shown} == {0}
    blocked = shop.call("block_time", provider_id=shop.provider_id, start=at(14), end=at(15))
    assert blocked[0]["outcome"] == "CONFIRMED", "what is closed twice is closed"
    assert counts(rota.apply([])) == (0, 1, 0, 1)
    assert rota.hours() == [(14, 15)]


def test_whoever_has_closed_time_keeps_it_and_may_do_with_it_what_they_may_with_any(rota, shop):
    rota.apply(rota.wanted(*MORNING))
    held = shop.book(rota.slot_at(9), hold_for=timedelta(minutes=5))
    booked = rota.book(10, 11)
    rota.apply([])
    assert shop.move("confirm_booking", held)["outcome"] == "CONFIRMED"
    assert shop.move("complete_booking", booked)["outcome"] == "COMPLETED"
    assert shop.move("confirm_booking", booked)["outcome"] == "CONFIRMED"


def test_a_day_that_is_opened_again_is_a_day_like_any_other(rota, shop):
    rota.apply(rota.wanted(*MORNING))
    rota.book(9, 10)
    cancelled = rota.book(10, 11)
    rota.apply([])
    shop.move("cancel_booking", cancelled)
    assert counts(rota.apply(rota.wanted(*MORNING))) == (1, 0, 0, 2)
    assert rota.closed() == []
    assert shop.move("confirm_booking", cancelled)["outcome"] == "CONFIRMED"
    with shop.unchanged():
        rota.apply(rota.wanted(*MORNING))


def test_a_slot_changed_by_hand_is_open_from_start_to_end(rota, shop):
    rota.apply(rota.wanted((9, 10), capacity=2))
    rota.book(9, 10)
    rota.apply([])
    (changed,) = shop.call("resize_slot", slot_id=rota.slot_at(9), capacity=2)
    assert changed["facts"]["closed"] == []
    rota.book(9, 10)


def test_of_what_is_booked_only_what_is_not_wanted_is_closed(rota, shop):
    price = {"amount": 4500, "currency": "EUR"}
    rota.apply(rota.wanted((9, 17), whole=False))
    noon, late = rota.book(11, 13.5), rota.book(15, 16)
    shorter = rota.wanted((9, 12), (13, 14), whole=False, capacity=2, price=price)
    told = rota.apply(shorter)
    assert in_the_way(told) == [str(noon), str(late)]
    assert rota.hours() == [(9, 11), (11, 13.5), (13.5, 14), (15, 16)]
    assert rota.closed() == [(12, 13), (15, 16)]
    assert {(one["capacity"], one["price_amount"]) for one in rota.slots()[:3]} == {(2, 4500)}
    slot = rota.slot_at(11)
    rota.book(11, 12)
    for start, end in ((11.5, 12.5), (12, 13), (11, 13.5)):
        assert shop.claim(slot, start=at(start), end=at(end))["outcome"] == "SLOT_NOT_FOUND"
    (listed,) = shop.call("list_availability", **{"from": at(11), "to": at(13.5)})
    assert (listed["available"], listed["status"]) == (0, "available")
    spans = [(one["start"][11:16], one["end"][11:16], one["available"]) for one in listed["free"]]
    assert spans == [("13:00", "13:30", 1)]
    with shop.unchanged():
        rota.apply(shorter)
    for booking in (noon, late):
        shop.move("cancel_booking", booking)
    rota.apply(shorter)
    assert (rota.hours(), rota.closed()) == ([(9, 12), (13, 14)], [])


def test_a_slot_is_cut_between_its_bookings_and_the_rest_is_as_the_new_week_says(rota, shop):
    rota.apply(rota.wanted((9, 17), whole=False))
    early, late = rota.book(9, 10), rota.book(16, 16.5)
    slot = rota.slot_at(9)
    halves = [(8 + n / 2, 8.5 + n / 2) for n in range(20) if n not in {8, 9}]
    told = rota.apply(rota.wanted(*halves))
    # An hour is none of the halves; the half is.
    assert in_the_way(told) == [str(early)]
    assert counts(told) == (15, 0, 2, 0)
    assert rota.hours() == [*halves[:2], (9, 10), *halves[4:]]
    assert rota.closed() == [(9, 10)]
    moved = rota.slot_at(16)
    assert (rota.slot_at(9), shop.booking(early)["version"]) == (slot, 1)
    assert (shop.claims(late)[0]["slot_id"], shop.booking(late)["slot_ids"]) == (moved, [moved])
    event = shop.events(late)[-1]
    assert (event["kind"], event["sequence"], shop.booking(late)["version"]) == ("changed", 2, 2)
    assert event["changes"] == {"slot_ids": {"from": [str(slot)], "to": [str(moved)]}}
    assert shop.violations() == []
    shop.move("cancel_booking", late)
    assert shop.move("confirm_booking", late)["outcome"] == "CONFIRMED"
    shop.move("cancel_booking", early)
    assert shop.claim(slot, start=at(9), end=at(9.5))["outcome"] == "SLOT_NOT_FOUND"
    rota.apply(rota.wanted(*halves))
    assert (rota.hours(), rota.closed()) == (halves, [])


def test_fewer_places_close_only_where_more_are_taken(rota, shop):
    rota.apply(rota.wanted((9, 17), whole=False, capacity=3))
    crowd = [rota.book(9, 10) for _ in range(3)]
    # Dealt the third place, of which there will be none.
    others = [rota.book(15, 16) for _ in range(3)]
    for booking in others[:2]:
        shop.move("cancel_booking", booking)
    fewer = rota.wanted((9, 17), whole=False, capacity=2)
    assert in_the_way(rota.apply(fewer)) == [str(one) for one in crowd]
    assert rota.closed() == [(9, 10)]
    assert [(one["start"], one["capacity"]) for one in rota.slots()] == [(at(9), 3), (at(10), 2)]
    assert rota.hours() == [(9, 10), (10, 17)]
    rota.book(15, 16)
    with shop.unchanged():
        rota.apply(fewer)


def test_another_place_is_published_at_once_around_the_bookings_at_the_old_one(rota, shop):
    rota.apply(rota.wanted((9, 17), whole=False))
    bookings = [rota.book(9, 10), rota.book(10, 11), rota.book(16, 17)]
    there = rota.wanted((9, 17), whole=False, location_id=str(shop.location()))
    assert in_the_way(rota.apply(there)) == [str(one) for one in bookings]
    # Bookings side by side have one slot between them.
    assert rota.hours() == [(9, 11), (11, 16), (16, 17)]
    assert rota.closed() == [(9, 11), (16, 17)]
    assert [one["location_id"] == shop.location_id for one in rota.slots()] == [True, False, True]
    assert [shop.booking(one)["version"] for one in bookings] == [1, 1, 2]
    with shop.unchanged():
        rota.apply(there)


def test_a_booking_of_several_slots_follows_each_that_is_cut(rota, shop):
    rota.apply(rota.wanted((9, 13), (13, 17), whole=False))
    slots = [rota.slot_at(9), rota.slot_at(13)]
    for start, end in ((9, 10), (16, 17)):
        rota.book(start, end)
    (answer,) = shop.call("claim_slot_and_create_booking", slot_ids=slots, start=at(12), end=at(14))
    booking = answer["booking_id"]
    assert in_the_way(rota.apply(rota.wanted((9, 10), (12, 13), (13, 14), (16, 17)))) == []
    assert rota.hours() == [(9, 10), (12, 13), (13, 14), (16, 17)]
    assert shop.booking(booking)["slot_ids"] == [rota.slot_at(12), rota.slot_at(13)]
    assert rota.slot_at(13) == slots[1]
    assert [event["kind"] for event in shop.events(booking)] == ["confirmed", "changed"]
    assert shop.violations() == []
    assert shop.move("cancel_booking", booking)["outcome"] == "CANCELLED"


def test_booked_time_that_a_week_has_closed_stays_closed_when_its_slot_has_begun(rota, shop):
    hour = (datetime.now(UTC) - at(0)) // timedelta(hours=1)
    (begun,) = shop.rows(
        "INSERT INTO slots"
        " (vendor_id, provider_id, location_id, schedule_id, capacity, during, closed)"
        " VALUES (%s, %s, %s, %s, 12, tstzrange(%s, %s), '{}') RETURNING id",
        *(shop.provider_id, shop.location_id, rota.schedule_id, at(hour), at(hour + 6)),
    )
    booking = rota.book(hour + 2, hour + 3)
    shop.owner.execute(
        "UPDATE slots SET closed = tstzmultirange(tstzrange(%s, %s)) WHERE id = %s",
        [at(hour + 2), at(hour + 3), begun["id"]],
    )

    def publish(length: float) -> dict:
        starts = [hour + n * length for n in range(int(6 / length))]
        wanted = rota.wanted(*[(start, start + length) for start in starts], capacity=12)
        given = {"wanted": Jsonb(wanted), "now": datetime.now(UTC)}
        return shop.call("close_begun_slot", provider_id=shop.provider_id, **given)[0]

    # As if it had not begun: half hours do not hold the booking, and hours do.
    with shop.unchanged():
        told = publish(0.5)
    assert (told["changed"], in_the_way(told["facts"])) == (False, [str(booking)])
    assert (publish(1)["changed"], rota.closed()) == (True, [])
