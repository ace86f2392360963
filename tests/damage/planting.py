"""What damage is made of: a database without its constraints, and rows changed by hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from tests import raw
from tests.shop import Row, Shop

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
BUSY = "busy_blocks_match_their_bookings"
OPEN = "busy_time_is_closed"
TIMES = "times_are_possible"
ORPHANS = "nothing_is_orphaned"
LAPSED = "no_hold_is_long_lapsed"


def booked(shop: Shop, nights: int = 1, capacity: int = 3) -> tuple[list[uuid.UUID], uuid.UUID]:
    slots = shop.nights(nights, capacity=capacity)
    return slots, shop.book(*slots)


def change(table: str, assignment: str, extra: str = "") -> Callable[[Shop], object]:
    """Book three nights, then change a row of them by hand."""

    def plant(shop: Shop) -> object:
        booked(shop, 3)
        where = "vendor_id = %s" + (f" AND {extra}" if extra else "")
        return shop.owner.execute(
            f"UPDATE {table} SET {assignment} WHERE {where}", [shop.vendor_id]
        )

    return plant


def delete(table: str, extra: str) -> Callable[[Shop], object]:
    def plant(shop: Shop) -> object:
        booked(shop, 3)
        return shop.owner.execute(
            f"DELETE FROM {table} WHERE vendor_id = %s AND {extra}", [shop.vendor_id]
        )

    return plant


def raw_booking(shop: Shop, slot: uuid.UUID, **how: object) -> None:
    """A booking by hand, with the event that goes with it."""
    booking_id = raw.book(shop.owner, shop, slot, **how)
    shop.owner.execute(
        "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
        " SELECT vendor_id, id, 1, status, '{}', '{}' FROM bookings WHERE id = %s",
        [booking_id],
    )


def write(table: str, **columns: object) -> Callable[[Shop], object]:
    """Write a row by hand; columns named in `nowhere` refer to nothing there is."""

    def plant(shop: Shop) -> object:
        row: Row = {"vendor_id": shop.vendor_id, **columns}
        nowhere = dict.fromkeys(row.pop("nowhere", ()), shop.vendor_id)
        return raw.insert(shop.owner, table, {**row, **nowhere})

    return plant
