"""Time that schedules give no more, kept for its bookings: nobody else's, at once and for good."""

from __future__ import annotations

from datetime import timedelta

import pytest

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


def test_of_a_long_slot_only_what_is_not_wanted_is_closed(rota, shop):
    price = {"amount": 4500, "currency": "EUR"}
    rota.apply(rota.wanted((9, 17), whole=False))
    early, late = rota.book(9.5, 10), rota.book(15, 16)
    shorter = rota.wanted((9, 12), (13, 14), whole=False, capacity=2, price=price)
    told = rota.apply(shorter)
    assert in_the_way(told) == [str(late)]
    assert rota.hours() == [(9, 9.5), (9.5, 16)]
    assert rota.closed() == [(12, 13), (14, 16)]
    assert {(one["capacity"], one["price_amount"]) for one in rota.slots()} == {(2, 4500)}
    slot = rota.slot_at(9.5)
    rota.book(11, 12)
    for start, end in ((11.5, 12.5), (12, 13), (14.5, 15), (9.5, 16)):
        assert shop.claim(slot, start=at(start), end=at(end))["outcome"] == "SLOT_NOT_FOUND"
    (listed,) = shop.call("list_availability", **{"from": at(10.5), "to": at(24)})
    assert (listed["available"], listed["status"]) == (0, "available")
    spans = [(one["start"][11:16], one["end"][11:16], one["available"]) for one in listed["free"]]
    assert spans == [
        ("09:30", "10:00", 1), ("10:00", "11:00", 2), ("11:00", "12:00", 1), ("13:00", "14:00", 2),
    ]  # fmt: skip
    with shop.unchanged():
        rota.apply(shorter)
    shop.move("cancel_booking", late)
    shop.move("cancel_booking", early)
    told = rota.apply(shorter)
    assert (rota.hours(), rota.closed()) == ([(9, 12), (13, 14)], [])


def test_between_the_bookings_of_a_long_slot_that_is_to_be_cut_all_that_is_wanted_is_open(
    rota, shop
):
    rota.apply(rota.wanted((9, 17), whole=False))
    early, late = rota.book(9, 10), rota.book(16, 17)
    halves = [(8 + n / 2, 8.5 + n / 2) for n in range(20) if n not in {8, 9}]
    told = rota.apply(rota.wanted(*halves))
    assert rota.hours() == [(8, 8.5), (8.5, 9), (9, 17), (17, 17.5), (17.5, 18)]
    assert rota.closed() == [(9, 10), (12, 13), (16, 17)]
    assert in_the_way(told) == [str(early), str(late)]
    between = rota.book(10.25, 12)
    assert shop.claim(rota.slot_at(9), start=at(12), end=at(12.5))["outcome"] == "SLOT_NOT_FOUND"
    shop.move("cancel_booking", late)
    assert shop.claim(rota.slot_at(9), start=at(16), end=at(17))["outcome"] == "SLOT_NOT_FOUND"
    shop.move("cancel_booking", between)
    rota.apply(rota.wanted(*halves))
    assert rota.hours()[2:4] == [(9, 10), (10, 10.5)]
    assert rota.closed() == [(9, 10)]
