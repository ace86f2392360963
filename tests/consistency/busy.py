"""A vendor in whose calendar everything has happened that may: none of it is a finding."""

from __future__ import annotations

from datetime import timedelta

from tests.leave import Leave
from tests.rota import Rota
from tests.shop import Shop, at

ADA = {"name": "Ada", "email": "ada@example.org"}
KEY = "a key of sixteen characters and more"


def have_a_busy_day(shop: Shop) -> None:
    """All statuses, nights, parts, quantities, blocks, holds, replays, changed slots."""
    long, seats, spare = shop.slot(9, 17), shop.slot(18, 19, capacity=5), shop.slot(20, 21)
    nights = shop.nights(5, capacity=3, provider_id=shop.provider())
    _part_of_a_long_slot(shop, long)
    _seats(shop, seats)
    shop.book(*nights, quantity=2, details={"customer": ADA})
    shop.move("mark_no_show", shop.book(*nights[1:4]))
    shop.move("cancel_booking", shop.book(nights[4]))
    shop.move("complete_booking", shop.book(nights[0]))
    assert shop.claim(*nights[:2])["outcome"] == "BOOKING_CONFLICT"
    for capacity in (9, 4):
        shop.call("resize_slot", slot_id=seats, capacity=capacity)
    shop.call("resize_slot", slot_id=long, start=at(8), location_id=shop.location())
    shop.call("delete_slot", slot_id=spare)
    shop.call("expire_holds")
    _together_and_with_buffers(shop)
    _time_off(shop)
    _closed_time(shop)


def _part_of_a_long_slot(shop: Shop, long) -> None:
    first = shop.book(long, start=at(9), end=at(10), idempotency_key=KEY)
    again = shop.claim(long, start=at(9), end=at(10), idempotency_key=KEY)
    assert (again["replayed"], again["booking_id"]) == (True, first)
    shop.move("cancel_booking", first)
    shop.move("confirm_booking", first)
    shop.book(long, start=at(10), end=at(11), hold_for=timedelta(minutes=5))
    # Somebody takes its place, another is swept up, the third nobody has noticed yet.
    shop.lapsed_hold(long, start=at(12), end=at(13))
    shop.book(long, start=at(12), end=at(12.5))
    shop.lapsed_hold(long, start=at(13), end=at(14))
    block = shop.call("block_time", provider_id=shop.provider_id, start=at(14), end=at(15))[0]
    shop.call("unblock_time", booking_id=block["booking_id"])
    shop.call("block_time", provider_id=shop.provider_id, start=at(14), end=at(15), reason="Tea")


def _seats(shop: Shop, seats) -> None:
    shop.move("cancel_booking", shop.book(seats, quantity=5))
    two = shop.book(seats, quantity=2, details={"customer": ADA})
    for move in ("complete_booking", "mark_no_show", "complete_booking", "confirm_booking"):
        shop.move(move, two)
    held = shop.book(seats, hold_for=timedelta(minutes=5))
    shop.move("confirm_booking", held)
    shop.call("change_booking", booking_id=held, changes={"notes": "By the window", "guests": 3})
    assert shop.claim(seats, quantity=4)["outcome"] == "INSUFFICIENT_INVENTORY"


def _together_and_with_buffers(shop: Shop) -> None:
    shop.book(shop.slot(33, 34), shop.slot(33, 34, provider_id=shop.provider()))
    massage = shop.service(60, buffer_before_minutes=10, buffer_after_minutes=20)
    shop.book(shop.slot(35, 40), start=at(36), end=at(37), service_id=massage)
    # The first of two nights lasts longer than when it was booked.
    nights = shop.nights(2, provider_id=shop.provider())
    shop.book(*nights)
    (first,) = shop.rows(
        "SELECT upper(during) AS until FROM slots WHERE vendor_id = %s AND id = %s", nights[0]
    )
    later = first["until"] + timedelta(minutes=30)
    assert shop.call("resize_slot", slot_id=nights[0], end=later)[0]["outcome"] == "RESIZED"


def _time_off(shop: Shop) -> None:
    leave = Leave(shop)
    long = shop.slot(50, 56, capacity=3)
    shop.book(long, start=at(51), end=at(52))
    moved, ended = leave.busy(50, 53), leave.busy(54, 55)
    leave.move(moved, 51.5, 54.5)
    leave.end(ended)
    shop.call("resize_slot", slot_id=long, capacity=4)
    assert leave.blocks()


def _closed_time(shop: Shop) -> None:
    rota = Rota(shop)
    rota.apply(rota.wanted((60, 61), (62, 70), whole=False))
    gone = rota.book(60, 61)
    rota.book(63, 64)
    rota.apply(rota.wanted((62, 63.5), whole=False))
    shop.move("cancel_booking", gone)
    shop.call("block_time", provider_id=shop.provider_id, start=at(60), end=at(61))
    assert rota.closed()
