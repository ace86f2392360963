"""What the tables' owner can write by hand, past every function: bookings and claims row by row."""

from __future__ import annotations

import uuid

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.shop import Row, Shop

BAD_RANGES = {
    "empty": "empty",
    "without a beginning": "(,2040-01-02T10:00Z)",
    "without an end": "[2040-01-02T09:00Z,)",
    "without either": "(,)",
    "from minus infinity": "[-infinity,2040-01-02T10:00Z)",
    "to infinity": "[2040-01-02T09:00Z,infinity)",
    "open at its beginning": "(2040-01-02T09:00Z,2040-01-02T10:00Z)",
    "closed at its end": "[2040-01-02T09:00Z,2040-01-02T10:00Z]",
    "wrongly bounded on both sides": "(2040-01-02T09:00Z,2040-01-02T10:00Z]",
}


def insert(connection: psycopg.Connection, table: str, row: Row) -> None:
    """Insert one row as it is."""
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        ),
        row,
    )


def slots_of(
    connection: psycopg.Connection, shop: Shop, slot_ids: tuple[uuid.UUID, ...]
) -> list[Row]:
    """The slots' rows in the order named, ranges as text."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "SELECT id, provider_id, location_id, during::text AS during, capacity FROM slots"
            " WHERE vendor_id = %s AND id = ANY (%s)",
            [shop.vendor_id, list(slot_ids)],
        ).fetchall()
    return sorted(found, key=lambda slot: slot_ids.index(slot["id"]))


def booking_row(shop: Shop, slots: list[Row], quantity: int = 1) -> Row:
    """A booking that fits its slots."""
    return {
        "vendor_id": shop.vendor_id,
        "id": uuid.uuid4(),
        "status": "confirmed",
        "quantity": quantity,
        "claim_count": len(slots),
        "provider_id": slots[0]["provider_id"],
        "location_id": slots[0]["location_id"],
        "slot_ids": [slot["id"] for slot in slots],
        "during": slots[0]["during"],
    }


def claim_row(booking: Row, slots: list[Row], ordinal: int, units: str) -> Row:
    """The booking's claim of its slot number `ordinal` (from 1)."""
    slot = slots[ordinal - 1]
    return {
        "vendor_id": booking["vendor_id"],
        "booking_id": booking["id"],
        "ordinal": ordinal,
        "claim_count": booking["claim_count"],
        "quantity": booking["quantity"],
        "slot_id": slot["id"],
        "provider_id": slot["provider_id"],
        "slot_during": slot["during"],
        "slot_capacity": slot["capacity"],
        "during": slot["during"],
        "units": units,
    }


def book(
    connection: psycopg.Connection,
    shop: Shop,
    *slot_ids: uuid.UUID,
    units: str = "{[1,2)}",
    quantity: int = 1,
    booking: Row | None = None,
    claim: Row | None = None,
    ordinals: tuple[int, ...] | None = None,
) -> uuid.UUID:
    """Insert a booking and its claims (or those of `ordinals`) in one transaction; its id.

    `booking` and `claim` change columns of what would otherwise be in order.
    """
    with connection.transaction():
        slots = slots_of(connection, shop, slot_ids)
        row = booking_row(shop, slots, quantity) | (booking or {})
        insert(connection, "bookings", row)
        chosen = range(1, len(slots) + 1) if ordinals is None else ordinals
        for ordinal in chosen:
            insert(connection, "claims", claim_row(row, slots, ordinal, units) | (claim or {}))
    booking_id: uuid.UUID = row["id"]
    return booking_id
