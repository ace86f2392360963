"""Damage for checkers to find: a database without its constraints, and what breaks each law."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from tests import raw
from tests.shop import Shop, at

LOOSEN = """
    SELECT CASE WHEN contypid <> 0
        THEN format('ALTER DOMAIN %s DROP CONSTRAINT %I', contypid::regtype, conname)
        ELSE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname) END
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'x', 'n')
      AND NOT (contype = 'n' AND conkey && (
          SELECT COALESCE(array_agg(k), '{}') FROM pg_constraint p, unnest(p.conkey) AS k
          WHERE p.conrelid = pg_constraint.conrelid AND p.contype = 'p'))
    ORDER BY contype = 'n'
"""


def loosen(superuser: psycopg.Connection) -> None:
    """Drop every constraint but the primary keys, and let history be changed."""
    for (statement,) in superuser.execute(LOOSEN).fetchall():
        superuser.execute(statement)
    superuser.execute("ALTER TABLE events DISABLE TRIGGER ALL")
    # The functions name these two; they are there again, and exclude nothing.
    for table in ("slots", "claims"):
        superuser.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_no_overlap"
            " EXCLUDE USING gist (vendor_id WITH =) WHERE (false)"
        )


@dataclass(frozen=True)
class Damage:
    """What is planted, and the findings that it must lead to: `checks` of the product's own
    consistency function, `kinds` of the independent sweep. `unseen`: those of the checks that do
    not find it when they look at what has changed since an hour ago: it is of no booking.
    """

    name: str
    plant: Callable[[Shop], object]
    checks: set[str]
    kinds: set[str]
    unseen: frozenset[str] | set[str] = frozenset()


FIT = "claims_fit_slot_and_booking"
TWICE = "no_unit_claimed_twice"
CLAIMS = "occupying_bookings_have_their_claims"
CAPACITY = "bookings_within_capacity"
MATCH = "bookings_match_their_claims"
SLOTS = "slots_do_not_overlap"
EVENTS = "events_retell_bookings"
KEYS = "idempotency_keys_point_to_bookings"
ORPHANS = "nothing_is_orphaned"
LAPSED = "no_hold_is_long_lapsed"


def _booked(shop: Shop, nights: int = 1, capacity: int = 3) -> tuple[list[uuid.UUID], uuid.UUID]:
    slots = shop.nights(nights, capacity=capacity)
    return slots, shop.book(*slots)


def _change(table: str, assignment: str, extra: str = "") -> Callable[[Shop], object]:
    """Book three nights, then change a row of them by hand."""

    def plant(shop: Shop) -> object:
        _booked(shop, 3)
        where = "vendor_id = %s" + (f" AND {extra}" if extra else "")
        return shop.owner.execute(
            f"UPDATE {table} SET {assignment} WHERE {where}", [shop.vendor_id]
        )

    return plant


def _delete(table: str, extra: str) -> Callable[[Shop], object]:
    def plant(shop: Shop) -> object:
        _booked(shop, 3)
        return shop.owner.execute(
            f"DELETE FROM {table} WHERE vendor_id = %s AND {extra}", [shop.vendor_id]
        )

    return plant


def _raw_booking(shop: Shop, slot: uuid.UUID, **how: object) -> None:
    """A booking by hand, with the event that goes with it."""
    booking_id = raw.book(shop.owner, shop, slot, **how)
    shop.owner.execute(
        "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
        " SELECT vendor_id, id, 1, status, '{}', '{}' FROM bookings WHERE id = %s",
        [booking_id],
    )


def _twice(shop: Shop) -> None:
    slot = shop.slot(capacity=3)
    shop.book(slot)
    _raw_booking(shop, slot)


def _twice_and_too_many(shop: Shop) -> None:
    slot = shop.slot()
    shop.book(slot)
    _raw_booking(shop, slot)


def _twice_in_part(shop: Shop) -> None:
    slot = shop.slot(9, 17, capacity=3)
    shop.book(slot, start=at(9), end=at(12))
    shop.book(slot, start=at(13), end=at(14))
    during = {"during": "[2040-01-02T11:59Z,2040-01-02T13:00Z)"}
    _raw_booking(shop, slot, booking=during, claim=during)


def _overlapping_slots(shop: Shop) -> None:
    shop.slot(9, 11)
    columns = "vendor_id, provider_id, location_id, during, capacity"
    shop.owner.execute(
        f"INSERT INTO slots ({columns}) SELECT vendor_id, provider_id, location_id,"
        " tstzrange(lower(during) + interval '1 hour', upper(during)), capacity"
        " FROM slots WHERE vendor_id = %s",
        [shop.vendor_id],
    )


def _beyond(shop: Shop) -> None:
    slot = shop.slot()
    shop.book(slot)
    _raw_booking(shop, slot, units="{[2,3)}")


def _never_claimed(shop: Shop) -> None:
    _raw_booking(shop, shop.slot(), ordinals=())


def _lost_event(shop: Shop) -> None:
    booking_id = shop.book(shop.slot(), hold_for=timedelta(minutes=5))
    shop.move("confirm_booking", booking_id)
    shop.move("complete_booking", booking_id)
    shop.owner.execute("DELETE FROM events WHERE booking_id = %s AND sequence = 2", [booking_id])


def _event_of_nothing(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
        " VALUES (%s, uuidv7(), 1, 'confirmed', '{}', '{}')",
        [shop.vendor_id],
    )


def _key_to_nowhere(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO idempotency_keys (vendor_id, key, fingerprint, booking_id)"
        " VALUES (%s, 'a key that leads nowhere', '', uuidv7())",
        [shop.vendor_id],
    )


def _old_hold(shop: Shop) -> None:
    booking_id = shop.lapsed_hold(shop.slot())
    shop.owner.execute(
        "UPDATE bookings SET hold_expires_at = now() - interval '1 day' WHERE id = %s", [booking_id]
    )


def _slot(assignment: str) -> Callable[[Shop], object]:
    """Publish a slot that nobody books, then change its row by hand."""
    return lambda shop: shop.owner.execute(
        f"UPDATE slots SET {assignment} WHERE id = %s", [shop.slot()]
    )


SECOND = "ordinal = 2"
LATER = "during = tstzrange(lower(during) + interval '1 hour', upper(during))"
NOWHERE = "location_id = vendor_id"
DAMAGES = [
    Damage("a unit claimed twice", _twice, {TWICE}, {"unit_claimed_twice"}),
    Damage(
        "the only place booked twice",
        _twice_and_too_many,
        {TWICE, CAPACITY},
        {"unit_claimed_twice", "beyond_capacity"},
    ),
    Damage("a unit claimed twice for a minute", _twice_in_part, {TWICE}, {"unit_claimed_twice"}),
    Damage(
        "a place that is not there",
        _beyond,
        {FIT, CAPACITY},
        {"claim_of_no_such_unit", "beyond_capacity"},
    ),
    Damage("slots that overlap", _overlapping_slots, {SLOTS}, {"slots_overlap"}, {SLOTS}),
    Damage("never claimed", _never_claimed, {CLAIMS}, {"half_booking"}),
    Damage("the first night lost", _delete("claims", "ordinal = 1"), {CLAIMS}, {"half_booking"}),
    Damage("a middle night lost", _delete("claims", SECOND), {CLAIMS}, {"half_booking"}),
    Damage("the last night lost", _delete("claims", "ordinal = 3"), {CLAIMS}, {"half_booking"}),
    Damage("all nights lost", _delete("claims", "true"), {CLAIMS}, {"half_booking"}),
    Damage(
        "cancelled but claiming",
        _change("bookings", "status = 'cancelled'"),
        {FIT, EVENTS},
        {"idle_but_claiming", "history_untrue"},
    ),
    Damage(
        "fewer nights than it says",
        _change("bookings", "claim_count = 4"),
        {FIT, CLAIMS},
        {"half_booking"},
    ),
    Damage(
        "the slot deleted",
        _delete("slots", "lower(during) < '2040-01-03'"),
        {FIT},
        {"claim_of_no_slot"},
    ),
    Damage(
        "the slot moved",
        _change(
            "slots",
            "during = tstzrange('2041-01-01', '2041-01-02')",
            "lower(during) < '2040-01-03'",
        ),
        {FIT},
        {"claim_outside_slot"},
    ),
    Damage(
        "the slot given to another provider",
        _change("slots", "provider_id = vendor_id"),
        {FIT, ORPHANS},
        {"claim_of_other_provider"},
    ),
    Damage(
        "the booking deleted",
        _delete("bookings", "true"),
        {FIT, EVENTS},
        {"claim_of_no_booking", "history_of_nothing"},
        {FIT, EVENTS},
    ),
    Damage("wrong quantity", _change("bookings", "quantity = 2"), {FIT}, {"wrong_quantity"}),
    Damage(
        "no unit",
        _change("claims", "units = '{}'", SECOND),
        {FIT},
        {"claim_of_no_such_unit", "wrong_quantity"},
    ),
    Damage(
        "unit nought",
        _change("claims", "units = '{[0,1)}'", SECOND),
        {FIT},
        {"claim_of_no_such_unit"},
    ),
    Damage(
        "another provider",
        _change("claims", "provider_id = vendor_id", SECOND),
        {FIT},
        {"claim_of_other_provider"},
    ),
    Damage(
        "a night from nowhere",
        _change("claims", "during = tstzrange('2041-01-01', '2041-01-02')", SECOND),
        {FIT, MATCH},
        {"claim_outside_slot"},
    ),
    Damage(
        "an endless night",
        _change("claims", "during = tstzrange(lower(during), NULL)", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "an empty night",
        _change("claims", "during = 'empty'", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "a night without times",
        _change("claims", "during = NULL", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "NULL for units",
        _change("claims", "units = NULL", SECOND),
        {FIT},
        {"claim_of_no_such_unit", "wrong_quantity"},
    ),
    Damage(
        "NULL for the provider",
        _change("claims", "provider_id = NULL", SECOND),
        {FIT},
        {"claim_of_other_provider"},
    ),
    Damage(
        "NULL for the slot",
        _change("claims", "slot_id = NULL", SECOND),
        {FIT, MATCH},
        {"claim_of_no_slot"},
    ),
    Damage(
        "another shape of the slot", _change("claims", "slot_capacity = 9", SECOND), {FIT}, set()
    ),
    Damage(
        "NULL for the slot's times", _change("claims", "slot_during = NULL", SECOND), {FIT}, set()
    ),
    Damage(
        "all events lost",
        _delete("events", "true"),
        {EVENTS},
        {"history_with_gaps", "history_untrue"},
    ),
    Damage(
        "an event of another story",
        _change("events", "kind = 'cancelled'"),
        {EVENTS},
        {"history_untrue"},
    ),
    Damage("an event lost in the middle", _lost_event, {EVENTS}, {"history_with_gaps"}),
    Damage(
        "a version nobody wrote an event for",
        _change("bookings", "version = 2"),
        {EVENTS},
        {"history_with_gaps"},
    ),
    Damage("an event of no booking", _event_of_nothing, {EVENTS}, {"history_of_nothing"}, {EVENTS}),
    Damage(
        "a buffer that nobody claimed",
        _change("bookings", "buffer_after_minutes = 5"),
        {MATCH},
        set(),
    ),
    Damage("a later start than its claims", _change("bookings", LATER), {MATCH}, set()),
    Damage(
        "another order of slots",
        _change("bookings", "slot_ids = slot_ids[2:3] || slot_ids[1]"),
        {MATCH},
        set(),
    ),
    Damage("a place that never was", _change("bookings", NOWHERE), {ORPHANS}, set()),
    Damage(
        "an unknown customer and service",
        _change("bookings", "customer_id = vendor_id, service_id = vendor_id"),
        {ORPHANS},
        set(),
    ),
    Damage("the calendar's owner deleted", _delete("providers", "true"), {ORPHANS}, set()),
    Damage("a key to nowhere", _key_to_nowhere, {KEYS}, {"key_to_nowhere"}),
    Damage("a hold of yesterday", _old_hold, {LAPSED}, set()),
    Damage(
        "a slot without times", _slot("during = NULL"), {SLOTS}, {"slot_without_times"}, {SLOTS}
    ),
    Damage("a slot without places", _slot("capacity = 0"), {SLOTS}, set(), {SLOTS}),
]
