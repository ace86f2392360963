"""As many open bookings as the vendor allows, however many are made at one moment."""

from __future__ import annotations

import pytest

from tests.racing import codes

CROWD, MOST = 10, 2


def _bounded(arena, most: int | None = MOST) -> list:
    arena.shop.owner.execute(
        "UPDATE vendors SET open_bookings_max = %s WHERE id = %s", [most, arena.shop.vendor_id]
    )
    return [arena.shop.slot(hour, hour + 1) for hour in range(CROWD)]


def _race(arena, slots) -> dict[str, int]:
    """What ten racers were answered, each of whom books a slot of their own."""
    clients = arena.http(CROWD)
    answers = arena.race(
        [
            (client, lambda client=client, slot=slot: client.book(slot))
            for client, slot in zip(clients, slots, strict=True)
        ],
        *slots,
    )
    return dict(codes(answers))


def test_ten_at_once_with_one_mail_address_get_exactly_as_many_as_allowed(arena):
    slots = _bounded(arena)
    # Ten slots and ten names: nothing but the address is the same.
    assert _race(arena, slots) == {"CONFIRMED": MOST, "BOOKING_LIMIT_REACHED": CROWD - MOST}
    assert sorted(arena.bookings().values()) == ["confirmed"] * MOST
    arena.sweep()


def test_without_a_maximum_the_same_ten_all_get_their_place_and_wait_for_nobody(arena):
    assert _race(arena, _bounded(arena, None)) == {"CONFIRMED": CROWD}


@pytest.mark.parametrize("other", ["mail", "number"])
def test_who_shares_an_address_or_a_number_waits_and_nobody_else_does(shop, sessions, other):
    shop.owner.execute("UPDATE vendors SET open_bookings_max = 1 WHERE id = %s", [shop.vendor_id])
    first, second, third = (shop.slot(hour, hour + 1) for hour in (9, 10, 11))
    ada = {"name": "Ada", "email": "ada@example.org", "phone": "+44 20 7946 0001"}
    same = {"mail": {"email": "ADA@example.org"}, "number": {"phone": "0044 (20) 79460001"}}[other]
    actor = {"type": "customer"}

    def claim(session, slot, customer):
        return session.claim(slot, details={"customer": {"name": "X", **customer}}, actor=actor)

    holder, twin, stranger = sessions.app(), sessions.app(), sessions.app()
    with holder.connection.transaction():
        assert claim(holder, first, ada)["outcome"] == "CONFIRMED"
        waits = twin.begin_and_wait_for_lock(claim, twin, second, same)
        found = claim(stranger, third, {"email": "bob@example.org", "phone": "+49 30 1"})
        assert found["outcome"] == "CONFIRMED"
    assert waits.result()["outcome"] == "BOOKING_LIMIT_REACHED"


def test_a_cancelled_booking_is_confirmed_again_only_within_the_maximum(shop):
    shop.owner.execute("UPDATE vendors SET open_bookings_max = 1 WHERE id = %s", [shop.vendor_id])
    customer = {"customer": {"name": "Ada", "email": "ada@example.org"}}
    actor = {"type": "customer"}
    first = shop.book(shop.slot(9, 10), details=customer, actor=actor)
    shop.call("cancel_booking", booking_id=first, actor=actor)
    shop.book(shop.slot(10, 11), details=customer, actor=actor)
    again = shop.call("confirm_booking", booking_id=first, actor=actor)[0]
    assert again["outcome"] == "BOOKING_LIMIT_REACHED"
    by_vendor = shop.call("confirm_booking", booking_id=first, actor={"type": "vendor"})[0]
    assert by_vendor["outcome"] == "CONFIRMED"
