"""Erasing a person against a booking for that person: one of the two sees the other."""

from __future__ import annotations

import pytest

ADA = {"name": "Ada", "email": "ada@example.org"}
WISHES = {
    "by the same details": lambda _customer_id: {"details": {"customer": ADA}},
    "by the customer's id": lambda customer_id: {"customer_id": customer_id},
}
ways = pytest.mark.parametrize("way", WISHES)


@pytest.fixture
def known(shop):
    """A customer without bookings to come."""
    return shop.insert("customers", **ADA)


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
