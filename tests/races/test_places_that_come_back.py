"""Book, cancel, book again: a place that comes back is given away once more, and only once."""

from __future__ import annotations

import pytest

from tests.racing import codes


def test_a_cancelled_place_can_be_booked_again_and_the_first_customer_has_lost_it(arena):
    slot = arena.shop.slot()
    ada, bob = arena.http(2)
    first = ada.book(slot)
    assert (bob.book(slot).status, bob.book(slot).code) == (409, "BOOKING_CONFLICT")
    assert ada.move("cancel_booking", first.booking_id).code == "CANCELLED"
    second = bob.book(slot)
    assert (second.status, second.code) == (201, "CONFIRMED")
    assert ada.move("confirm_booking", first.booking_id).code == "BOOKING_CONFLICT"
    assert arena.bookings() == {first.booking_id: "cancelled", second.booking_id: "confirmed"}
    arena.sweep()


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_a_place_cancelled_amid_a_crowd_goes_to_at_most_one_of_it(arena, way):
    slot = arena.shop.slot()
    first, *crowd = arena.crowd(way, 12)
    booked = first.book(slot).booking_id
    # Who asks while the place is taken is refused without waiting: only the cancelling can wait.
    cancelling = arena.race([(first, lambda: first.move("cancel_booking", booked))], slot)
    assert codes(cancelling) == {"CANCELLED": 1}
    answers = arena.race(
        [(client, lambda client=client: client.book(slot)) for client in crowd], slot
    )
    assert codes(answers) == {"CONFIRMED": 1, "BOOKING_CONFLICT": 10}
    arena.sweep()


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_a_cancelled_booking_and_a_crowd_contend_for_its_place_as_equals(arena, way):
    slot = arena.shop.slot()
    first, *crowd = arena.crowd(way, 12)
    booked = first.book(slot).booking_id
    first.move("cancel_booking", booked)
    racers = [(client, lambda client=client: client.book(slot)) for client in crowd]
    racers += [(first, lambda: first.move("confirm_booking", booked))]
    answers = arena.race(racers, slot)
    assert codes(answers) == {"CONFIRMED": 1, "BOOKING_CONFLICT": 11}
    assert list(arena.bookings().values()).count("confirmed") == 1
    arena.sweep()


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_ten_cancellations_of_one_booking_at_once_cancel_it_once(arena, way):
    slot = arena.shop.slot()
    clients = arena.crowd(way, 10)
    booked = clients[0].book(slot).booking_id
    answers = arena.race(
        [
            (client, lambda client=client: client.move("cancel_booking", booked))
            for client in clients
        ],
        slot,
    )
    assert codes(answers) == {"CANCELLED": 10}
    assert [event["kind"] for event in arena.shop.events(booked)] == ["confirmed", "cancelled"]
    arena.sweep()


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_a_lapsed_hold_on_the_last_place_is_given_to_one_of_a_crowd(arena, way):
    slot = arena.shop.slot()
    lapsed = arena.shop.lapsed_hold(slot)
    clients = arena.crowd(way, 20)
    racers = [(client, lambda client=client: client.book(slot)) for client in clients[1:]]
    racers += [(clients[0], lambda: clients[0].move("confirm_booking", lapsed))]
    answers = arena.race(racers, slot)
    assert codes(answers) == {"CONFIRMED": 1, "BOOKING_CONFLICT": 18, "HOLD_EXPIRED": 1}
    assert arena.bookings()[lapsed] == "expired"
    arena.sweep()
