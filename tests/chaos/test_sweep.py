"""The sweep finds damage that was planted for it, and nothing in a vendor that is in order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from chaos.sweep import CHECKS, sweep
from tests import raw
from tests.shop import Shop, at
from tests.sweep import assert_clean

Outlaw = Callable[[], psycopg.Connection]
LAWS = {
    "claims": [
        "claims_no_overlap",
        "claims_inside_slot",
        "claims_within_capacity",
        "claims_units_are_quantity",
        "claims_booking_occupies",
        "claims_ordinal",
    ],
    "slots": ["slots_no_overlap"],
}


@pytest.fixture
def shop(app_connection, owner) -> Shop:
    return Shop(app_connection, owner)


@pytest.fixture
def lawless(database, shop) -> Iterator[Outlaw]:
    """Drops the laws when called, and gives a connection that keys and triggers do not bind.

    Not earlier: the functions that make what is to be damaged need the constraints.
    """
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:

        def break_laws() -> psycopg.Connection:
            for table, constraints in LAWS.items():
                for constraint in constraints:
                    shop.owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
            connection.execute("ALTER TABLE events DISABLE TRIGGER ALL")
            connection.execute("SET session_replication_role = replica")
            return connection

        yield break_laws


def take_a_place_twice(shop: Shop, lawless: Outlaw) -> None:
    slot = shop.slot(capacity=3)
    shop.book(slot)
    raw.book(lawless(), shop, slot, units="{[1,2)}")


def take_more_places_than_there_are(shop: Shop, lawless: Outlaw) -> None:
    slot = shop.slot(capacity=2)
    shop.book(slot, quantity=2)
    raw.book(lawless(), shop, slot, units="{[3,4)}")


def take_too_many_only_where_parts_meet(shop: Shop, lawless: Outlaw) -> None:
    slot = shop.slot(9, 17, capacity=2)
    shop.book(slot, start=at(9), end=at(12))
    shop.book(slot, start=at(11), end=at(17))
    part = {"during": f"[{at(11.5).isoformat()},{at(13).isoformat()})"}
    raw.book(lawless(), shop, slot, units="{[3,4)}", claim=part)


def claim_outside_the_slot(shop: Shop, lawless: Outlaw) -> None:
    part = {"during": f"[{at(12).isoformat()},{at(13).isoformat()})"}
    slot = shop.slot(9, 10)
    raw.book(lawless(), shop, slot, claim=part)


def claim_a_place_that_is_not_there(shop: Shop, lawless: Outlaw) -> None:
    slot = shop.slot()
    raw.book(lawless(), shop, slot, units="{[7,8)}")


def claim_for_another_provider(shop: Shop, lawless: Outlaw) -> None:
    slot = shop.slot()
    raw.book(lawless(), shop, slot, claim={"provider_id": shop.provider()})


def lose_the_slot(shop: Shop, lawless: Outlaw) -> None:
    slot = shop.slot()
    shop.book(slot)
    lawless().execute("DELETE FROM slots WHERE id = %s", [slot])


def cancel_and_keep_the_places(shop: Shop, lawless: Outlaw) -> None:
    booking_id = shop.book(shop.slot())
    lawless().execute("UPDATE bookings SET status = 'cancelled' WHERE id = %s", [booking_id])


def lose_the_booking(shop: Shop, lawless: Outlaw) -> None:
    booking_id = shop.book(shop.slot())
    lawless().execute("DELETE FROM bookings WHERE id = %s", [booking_id])


def lose_a_night(shop: Shop, lawless: Outlaw) -> None:
    booking_id = shop.book(*shop.nights(3))
    lawless().execute("DELETE FROM claims WHERE booking_id = %s AND ordinal = 2", [booking_id])


def lose_every_claim(shop: Shop, lawless: Outlaw) -> None:
    booking_id = shop.book(shop.slot())
    lawless().execute("DELETE FROM claims WHERE booking_id = %s", [booking_id])


def hold_fewer_places_than_booked(shop: Shop, lawless: Outlaw) -> None:
    booking_id = shop.book(shop.slot(capacity=3), quantity=2)
    lawless().execute("UPDATE claims SET units = '{[1,2)}' WHERE booking_id = %s", [booking_id])


def publish_twice(shop: Shop, lawless: Outlaw) -> None:
    one, other = shop.slot(9, 10), shop.slot(10, 11)
    lawless().execute(
        "UPDATE slots SET during = (SELECT during FROM slots WHERE id = %s) WHERE id = %s",
        [one, other],
    )


def lose_a_line_of_history(shop: Shop, lawless: Outlaw) -> None:
    booking_id = shop.book(shop.slot())
    shop.move("cancel_booking", booking_id)
    lawless().execute("DELETE FROM events WHERE booking_id = %s AND sequence = 1", [booking_id])


def tell_another_end_of_the_story(shop: Shop, lawless: Outlaw) -> None:
    booking_id = shop.book(shop.slot())
    lawless().execute("UPDATE events SET kind = 'cancelled' WHERE booking_id = %s", [booking_id])


def keep_a_key_of_nothing(shop: Shop, lawless: Outlaw) -> None:
    raw.insert(
        lawless(),
        "idempotency_keys",
        {
            "vendor_id": shop.vendor_id,
            "key": "a key that names nothing",
            "fingerprint": b"\x01" * 32,
            "booking_id": uuid.uuid4(),
        },
    )


def keep_two_keys_of_one_booking(shop: Shop, lawless: Outlaw) -> None:
    slot = shop.slot()
    shop.book(slot, idempotency_key="the key that made it")
    lawless().execute(
        "INSERT INTO idempotency_keys (vendor_id, key, fingerprint, booking_id)"
        " SELECT vendor_id, 'a key that did not', fingerprint, booking_id FROM idempotency_keys"
    )


DAMAGES: dict[str, list[Callable[[Shop, Outlaw], None]]] = {
    "places_taken_twice": [take_a_place_twice],
    "places_beyond_capacity": [
        take_more_places_than_there_are,
        take_too_many_only_where_parts_meet,
    ],
    "claims_beside_their_slot": [
        claim_outside_the_slot,
        claim_a_place_that_is_not_there,
        claim_for_another_provider,
        lose_the_slot,
    ],
    "claims_without_booking": [cancel_and_keep_the_places, lose_the_booking],
    "bookings_without_their_places": [
        lose_a_night,
        lose_every_claim,
        hold_fewer_places_than_booked,
    ],
    "slots_that_overlap": [publish_twice],
    "history_with_gaps": [lose_a_line_of_history, tell_another_end_of_the_story],
    "keys_without_one_booking": [keep_a_key_of_nothing, keep_two_keys_of_one_booking],
}


@pytest.mark.parametrize(
    "check, damage",
    [(check, damage) for check, damages in DAMAGES.items() for damage in damages],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_sweep_finds_planted_damage_and_names_the_promise(shop, lawless, check, damage):
    assert_clean(shop.owner, shop.vendor_id)
    damage(shop, lawless)
    found = sweep(shop.owner, shop.vendor_id)
    assert check in {violation.check for violation in found}, found
    with pytest.raises(AssertionError, match=check):
        assert_clean(shop.owner, shop.vendor_id)


def test_every_check_is_shown_damage():
    assert set(DAMAGES) == set(CHECKS)


def test_the_sweep_finds_nothing_in_a_vendor_that_is_in_order(shop):
    long, class_ = shop.slot(9, 17), shop.slot(18, 19, capacity=12)
    nights = shop.nights(3, provider_id=shop.provider())
    shop.book(class_, quantity=5, idempotency_key="the class, once")
    shop.book(class_, quantity=7)
    for start in range(9, 17):
        shop.book(long, start=at(start), end=at(start + 1))
    held = shop.book(*nights, hold_for=timedelta(minutes=5))
    shop.move("confirm_booking", held)
    shop.move("cancel_booking", held)
    shop.move("confirm_booking", held)
    shop.lapsed_hold(shop.slot(8, 9))
    by_hand = raw.book(shop.owner, shop, shop.slot(7, 8))
    closed = {"start": at(6), "end": at(7)}
    shop.slot(6, 7)
    shop.call("block_time", provider_id=shop.provider_id, **closed, actor={"type": "vendor"})
    assert_clean(shop.app, shop.vendor_id, raw=[by_hand])


def test_the_sweep_looks_at_one_vendor_only(shop, lawless):
    take_a_place_twice(shop, lawless)
    assert_clean(shop.owner, Shop(shop.app, shop.owner).vendor_id)
