"""Some of everything that a vendor's data may hold, made by the functions and remembered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from tests.shop import Shop, at

VENDOR = {"type": "vendor"}
# Without these a claim, a slot or a customer would not be what it was.
TABLES = (
    *("vendors", "locations", "providers", "services", "customers", "api_keys"),
    *("slots", "bookings", "claims", "events", "idempotency_keys"),
)


@dataclass(frozen=True)
class Everyday:
    """The bookings by what became of them, and a request that may be repeated."""

    bookings: dict[str, uuid.UUID]
    key: str
    keyed_slot: uuid.UUID


def live(shop: Shop) -> Everyday:
    """A vendor's day: parts, seats, nights, holds, a block, a customer; every status but two."""
    yesterday = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    hour = timedelta(hours=1)
    past = [shop.slot(yesterday + n * hour, yesterday + (n + 1) * hour) for n in range(2)]
    long, seats = shop.slot(9, 17), shop.slot(18, 19, capacity=5)
    nights = shop.nights(4, capacity=2, provider_id=shop.provider())
    keyed, key = shop.slot(20, 21), uuid.uuid4().hex
    ada = {"customer": {"name": "Ada", "email": "ada@example.org"}, "notes": "By the window"}
    bookings = {
        "confirmed": shop.book(long, start=at(9), end=at(10), details=ada),
        "held": shop.book(long, start=at(10), end=at(11), hold_for=timedelta(hours=9)),
        "lapsed": shop.lapsed_hold(long, start=at(12), end=at(13)),
        "cancelled": shop.book(seats, quantity=5),
        "nights": shop.book(*nights),
        "completed": shop.book(past[0], actor=VENDOR),
        "no_show": shop.book(past[1], actor=VENDOR),
        "keyed": shop.book(keyed, idempotency_key=key, fingerprint=b"f" * 32),
    }
    return Everyday(_moved(shop, bookings), key, keyed)


def rows(connection: psycopg.Connection, vendor_id: uuid.UUID) -> dict[str, list[str]]:
    """Every row of the vendor, in every table, as JSON."""
    found = {}
    for table in TABLES:
        owner = "id" if table == "vendors" else "vendor_id"
        found[table] = [
            row
            for (row,) in connection.execute(
                f"SELECT to_jsonb(t) FROM {table} t WHERE {owner} = %s ORDER BY 1", [vendor_id]
            )
        ]
    return found


def _moved(shop: Shop, bookings: dict[str, uuid.UUID]) -> dict[str, uuid.UUID]:
    for function, which in (
        ("cancel_booking", "cancelled"),
        ("complete_booking", "completed"),
        ("mark_no_show", "no_show"),
    ):
        answer = shop.move(function, bookings[which], actor=VENDOR)
        assert answer["outcome"] == which.upper(), answer
    block = shop.call(
        "block_time", provider_id=shop.provider_id, start=at(14), end=at(15), reason="Lunch"
    )[0]
    return {**bookings, "block": block["booking_id"]}
