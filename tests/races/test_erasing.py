"""Erasing a person against a booking for that person: one of the two sees the other."""

from __future__ import annotations

import pytest

ADA = {"name": "Ada", "email": "ada@example.org"}
WISHES = {
    "by the same details": lambda _customer_id: {"details": {"customer": ADA}},
    "by the customer's id": lambda customer_id: {"customer_id": customer_id},
}
ways = pytest.mark.parametrize("way", WISHES)
undone = pytest.mark.parametrize("move", ["cancel_booking", "complete_booking", "mark_no_show"])


@pytest.fixture
def known(shop):
    """A customer without bookings to come."""
    return shop.insert("customers", **ADA)


@pytest.fixture
def cancelled(shop, known):
    """A cancelled booking of the customer's; its id."""
    booking_id = shop.book(shop.slot(), customer_id=known)
    assert shop.move("cancel_booking", booking_id)["outcome"] == "CANCELLED"
    return booking_id


@ways
def test_who_erases_waits_for_a_booking_in_flight_and_is_refused(shop, sessions, known, way):
    booker, eraser = sessions.app(), sessions.app()
    with booker.connection.transaction():
        booked = booker.claim(shop.slot(), **WISHES[way](known))
        erased = eraser.begin_and_wait_for_lock(eraser.call, "erase_customer", customer_id=known)
    answer = erased.result()
    assert answer["outcome"] == "CUSTOMER_IN_USE"
    assert [one["booking_id"] for one in answer["facts"]["bookings"]] == [str(booked["booking_id"])]
    assert shop.rows("SELECT name FROM customers WHERE vendor_id = %s") == [{"name": "Ada"}]


@ways
def test_a_booking_that_waits_for_who_erases_is_never_for_who_was_erased(
    shop, sessions, known, way
):
    booker, eraser = sessions.app(), sessions.app()
    slot = shop.slot()
    with eraser.connection.transaction():
        assert eraser.call("erase_customer", customer_id=known)["outcome"] == "ERASED"
        booking = booker.begin_and_wait_for_lock(booker.claim, slot, **WISHES[way](known))
    answer = booking.result()
    if way == "by the customer's id":
        assert answer["outcome"] == "CUSTOMER_NOT_FOUND"
        assert shop.rows("SELECT FROM bookings WHERE vendor_id = %s") == []
    else:
        assert answer["outcome"] == "CONFIRMED"
        assert answer["facts"]["customer"] == {
            **ADA,
            "phone": None,
            "id": answer["facts"]["customer"]["id"],
        }
        assert answer["facts"]["customer"]["id"] != str(known)


@undone
def test_no_booking_to_come_is_confirmed_again_for_who_was_erased(shop, known, move):
    booking_id = shop.book(shop.slot(), customer_id=known)
    shop.move(move, booking_id)
    assert shop.call("erase_customer", customer_id=known)[0]["outcome"] == "ERASED"
    with shop.unchanged():
        answer = shop.move("confirm_booking", booking_id)
    assert (answer["outcome"], answer["changed"]) == ("CUSTOMER_NOT_FOUND", False)
    assert answer["facts"] == {"customer_id": str(known)}


@undone
def test_who_erases_waits_for_a_confirmation_in_flight_and_is_refused(shop, sessions, known, move):
    booking_id = shop.book(shop.slot(), customer_id=known)
    shop.move(move, booking_id)
    confirmer, eraser = sessions.app(), sessions.app()
    with confirmer.connection.transaction():
        confirmed = confirmer.call("confirm_booking", booking_id=booking_id)
        assert confirmed["outcome"] == "CONFIRMED"
        erased = eraser.begin_and_wait_for_lock(eraser.call, "erase_customer", customer_id=known)
    answer = erased.result()
    assert answer["outcome"] == "CUSTOMER_IN_USE"
    assert [one["booking_id"] for one in answer["facts"]["bookings"]] == [str(booking_id)]


@undone
def test_a_confirmation_that_waits_for_who_erases_finds_the_customer_no_more(
    shop, sessions, known, move
):
    booking_id = shop.book(shop.slot(), customer_id=known)
    shop.move(move, booking_id)
    confirmer, eraser = sessions.app(), sessions.app()
    with eraser.connection.transaction():
        assert eraser.call("erase_customer", customer_id=known)["outcome"] == "ERASED"
        confirmed = confirmer.begin_and_wait_for_lock(
            confirmer.call, "confirm_booking", booking_id=booking_id
        )
    assert confirmed.result()["outcome"] == "CUSTOMER_NOT_FOUND"


def test_a_confirmation_that_still_has_to_get_the_customer_and_who_erases_do_not_deadlock(
    shop, sessions, known
):
    service_id = shop.insert("services", name="Haircut", duration_minutes=60)
    booking_id = shop.book(shop.slot(), customer_id=known, service_id=service_id)
    shop.move("cancel_booking", booking_id)
    blocker, confirmer, eraser = sessions.owner(), sessions.app(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM services WHERE id = %s FOR UPDATE", [service_id])
        # It has the booking, waits for the service, and gets to the customer last.
        confirmed = confirmer.begin_and_wait_for_lock(
            confirmer.call, "confirm_booking", booking_id=booking_id
        )
        erased = eraser.begin_and_wait_for_lock(eraser.call, "erase_customer", customer_id=known)
    assert confirmed.result()["outcome"] == "CONFIRMED"
    assert erased.result()["outcome"] == "CUSTOMER_IN_USE"


@ways
def test_who_erases_waits_for_a_booking_without_the_customer_in_hand(
    shop, sessions, known, cancelled, way
):
    # Whoever books over a lapsed hold of their own has that hold, and wants the customer next.
    slot = shop.slot(11, 12)
    hold = shop.lapsed_hold(slot, customer_id=known)
    blocker, booker, eraser = sessions.owner(), sessions.app(), sessions.app()
    booker.connection.execute("SET lock_timeout = '2s'")
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM bookings WHERE id = %s FOR UPDATE", [cancelled])
        erased = eraser.begin_and_wait_for_lock(eraser.call, "erase_customer", customer_id=known)
        booked = booker.claim(slot, **WISHES[way](known))
        assert booked["outcome"] == "CONFIRMED"
        assert not erased.done()
    answer = erased.result()
    assert answer["outcome"] == "CUSTOMER_IN_USE"
    assert [one["booking_id"] for one in answer["facts"]["bookings"]] == [str(booked["booking_id"])]
    assert shop.booking(hold)["status"] == "expired"


def test_who_erases_begins_again_after_it_waited_for_a_booking(shop, sessions, known, cancelled):
    blocker, eraser = sessions.owner(), sessions.app()
    shop.move("change_booking", cancelled, changes={"notes": "by the window"})
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM bookings WHERE id = %s FOR UPDATE", [cancelled])
        erased = eraser.begin_and_wait_for_lock(eraser.call, "erase_customer", customer_id=known)
    assert (erased.result()["outcome"], erased.result()["changed"]) == ("ERASED", True)
    assert shop.booking(cancelled)["notes"] is None
    assert shop.rows("SELECT name FROM customers WHERE vendor_id = %s") == [{"name": None}]
