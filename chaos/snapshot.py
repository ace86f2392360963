"""The rows of a run as they stand when it is over, read in one snapshot and streamed.

Statements of our own on the tables: no function and no view of the product is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

Row = tuple[Any, ...]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BOUNDS = "lower({0}), upper({0}), lower_inc({0}) AND NOT upper_inc({0}) AND NOT isempty({0})"
OURS = "b.vendor_id = %(vendor)s AND b.provider_id = ANY(%(providers)s::uuid[])"
READ = {
    "slots": f"SELECT id::text, provider_id::text, {BOUNDS.format('during')}, capacity"
    f" FROM slots b WHERE {OURS}",
    "bookings": "SELECT id::text, kind, status, quantity, claim_count, version,"
    " COALESCE(metadata ->> 'chaos', CASE WHEN kind = 'block' THEN notes END),"
    f" array_to_json(slot_ids)::text, provider_id::text, guests FROM bookings b WHERE {OURS}",
    "claims": "SELECT booking_id::text, ordinal, slot_id::text, provider_id::text,"
    f" {BOUNDS.format('during')}, units::text FROM claims b WHERE {OURS}",
    "events": "SELECT e.booking_id::text, e.sequence, e.kind, e.changes::text FROM events e"
    " JOIN bookings b ON b.vendor_id = e.vendor_id AND b.id = e.booking_id"
    f" WHERE {OURS}",
    "keys": "SELECT k.key, k.booking_id::text FROM idempotency_keys k"
    " WHERE k.vendor_id = %(vendor)s AND k.key LIKE %(keys)s AND k.booking_id IS NOT NULL",
}


def read(
    connection: psycopg.Connection[Any], vendor_id: str, providers: Sequence[str], run_id: str
) -> dict[str, Iterator[Row]]:
    """The rows by table, to be read in this order, while the connection stays open.

    `run_id`: with what the run's idempotency keys begin. Raises psycopg.Error.
    """
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    values = {"vendor": vendor_id, "providers": list(providers), "keys": f"{run_id}%"}
    shapes: dict[str, Callable[[Row], Row]] = {"slots": _slot, "claims": _claim}
    return {
        table: _stream(connection, table, statement, values, shapes.get(table, tuple))
        for table, statement in READ.items()
    }


def _stream(
    connection: psycopg.Connection[Any],
    table: str,
    statement: str,
    values: dict[str, Any],
    shape: Callable[[Row], Row],
) -> Iterator[Row]:
    with connection.cursor(name=f"chaos_{table}") as cursor:
        cursor.itersize = 5000
        cursor.execute(statement.encode(), values)
        for row in cursor:
            yield shape(row)


def _slot(row: Row) -> Row:
    slot_id, provider_id, lower, upper, bounded, capacity = row
    return (slot_id, provider_id, *_span(lower, upper, bounded), capacity)


def _claim(row: Row) -> Row:
    *names, lower, upper, bounded, units = row
    return (*names, *_span(lower, upper, bounded), units)


def _span(lower: datetime | None, upper: datetime | None, bounded: object) -> Row:
    """Both ends of a half-open range; two NULLs for anything else."""
    if not bounded or lower is None or upper is None:
        return None, None
    return (lower - EPOCH) // MICROSECOND, (upper - EPOCH) // MICROSECOND
