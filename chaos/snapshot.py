"""The rows of a run as they stand when it is over, read in one snapshot and streamed.

Statements of our own on the tables: no function and no view of the product is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from chaos.stage import phones

Row = tuple[Any, ...]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BOUNDS = "lower({0}), upper({0}), lower_inc({0}) AND NOT upper_inc({0}) AND NOT isempty({0})"
OURS = "b.vendor_id = %(vendor)s AND b.provider_id = ANY(%(providers)s::uuid[])"
# Nobody's own: whoever is erased, and whom a run has made, by their address.
PEOPLE = "(c.erased_at IS NOT NULL OR c.email LIKE %(keys)s)"
# Who knows a person writes the request's mark, or the number.
WORDS = "ARRAY[%(words)s, %(phones)s]"
TOLD = "(VALUES ('changes', e.changes::text), ('actor', e.actor::text), ('request', e.request_id))"
LEFT = f"""
    SELECT 'customers', c.id::text, c.id::text, f.field, f.text FROM customers c
    CROSS JOIN LATERAL (
        VALUES ('name', c.name), ('email', c.email), ('phone', c.phone), ('note', c.note)
    ) AS f (field, text)
    WHERE c.vendor_id = %(vendor)s AND c.erased_at IS NOT NULL AND f.text IS NOT NULL
    UNION ALL
    SELECT 'bookings', b.id::text, c.id::text, f.key, f.value FROM bookings b
    JOIN customers c ON c.vendor_id = b.vendor_id AND c.id = b.customer_id
    CROSS JOIN LATERAL jsonb_each_text(to_jsonb(b)) AS f
    WHERE {OURS} AND c.erased_at IS NOT NULL AND f.value LIKE ANY ({WORDS})
    UNION ALL
    SELECT 'events', b.id::text, b.customer_id::text, f.field, f.text
    FROM events e JOIN bookings b ON b.vendor_id = e.vendor_id AND b.id = e.booking_id
    CROSS JOIN LATERAL {TOLD} AS f (field, text)
    WHERE {OURS} AND f.text LIKE ANY ({WORDS})
    UNION ALL
    SELECT 'idempotency_keys', k.key, NULL, 'made', k.made::text FROM idempotency_keys k
    WHERE k.vendor_id = %(vendor)s AND k.made::text LIKE ANY ({WORDS})
    UNION ALL
    SELECT 'import_refs', r.row_id::text, NULL, 'ref', r.ref FROM import_refs r
    WHERE r.vendor_id = %(vendor)s AND r.ref LIKE ANY ({WORDS})
"""
READ = {
    "slots": f"SELECT id::text, provider_id::text, {BOUNDS.format('during')}, capacity"
    f" FROM slots b WHERE {OURS}",
    # What is erased of a booking takes the mark with it: the key tells which request made it.
    "bookings": "SELECT b.id::text, kind, status, quantity, claim_count, version, COALESCE("
    "metadata ->> 'chaos', CASE WHEN kind = 'block' THEN notes END, rtrim(made.key, '-')),"
    " array_to_json(slot_ids)::text, provider_id::text, guests FROM bookings b"
    " LEFT JOIN (SELECT k.booking_id, min(k.key) AS key FROM idempotency_keys k"
    "  WHERE k.vendor_id = %(vendor)s AND k.key LIKE %(keys)s GROUP BY k.booking_id) AS made"
    f" ON made.booking_id = b.id WHERE {OURS}",
    "claims": "SELECT booking_id::text, ordinal, slot_id::text, provider_id::text,"
    f" {BOUNDS.format('during')}, units::text FROM claims b WHERE {OURS}",
    "events": "SELECT e.booking_id::text, e.sequence, e.kind, e.changes::text FROM events e"
    " JOIN bookings b ON b.vendor_id = e.vendor_id AND b.id = e.booking_id"
    f" WHERE {OURS}",
    "keys": "SELECT k.key, k.booking_id::text FROM idempotency_keys k"
    " WHERE k.vendor_id = %(vendor)s AND k.key LIKE %(keys)s AND k.booking_id IS NOT NULL",
    "people": "SELECT c.id::text, c.erased_at IS NOT NULL FROM customers c"
    f" WHERE c.vendor_id = %(vendor)s AND {PEOPLE}",
    "guests": "SELECT b.id::text, c.id::text FROM bookings b JOIN customers c"
    f" ON c.vendor_id = b.vendor_id AND c.id = b.customer_id WHERE {OURS} AND {PEOPLE}",
    "remains": LEFT,
}


def read(
    connection: psycopg.Connection[Any], vendor_id: str, providers: Sequence[str], run_id: str
) -> dict[str, Iterator[Row]]:
    """The rows by table, to be read in this order, while the connection stays open.

    `run_id`: with what the run's idempotency keys begin. Raises psycopg.Error.
    """
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    values = {
        "vendor": vendor_id,
        "providers": list(providers),
        "keys": f"{run_id}%",
        "words": f"%{run_id}-%",
        "phones": f"%{phones(run_id)}%",
    }
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
