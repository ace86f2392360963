"""One booking an idempotency key, for whoever asked the same; for others none of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.evidence import Evidence

KEYED = """
    SELECT o.key, o.n, o.attacker, o.result, o.code, o.token, o.booking_id, o.began, o.ended,
           o.door, b.id, o.replayed
    FROM operations o LEFT JOIN bookings b ON b.token = o.token
    WHERE o.key IS NOT NULL AND o.kind = 'book' ORDER BY o.key, o.began
"""
REMEMBERED = """
    SELECT k.key, k.booking_id, b.id, (
        SELECT count(*) FROM operations o WHERE o.key = k.key AND o.token = b.token)
    FROM keys k LEFT JOIN bookings b ON b.id = k.booking_id
"""
REFUSED = {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY", "SLOT_NOT_FOUND"}
FORGOTTEN = """
    SELECT o.n, o.attacker, o.key FROM operations o
    WHERE o.key IS NOT NULL AND o.kind = 'book' AND o.result = 'ok'
      AND NOT EXISTS (SELECT 1 FROM keys k WHERE k.key = o.key)
"""
KEYLESS = "SELECT n, attacker FROM operations WHERE replayed AND key IS NULL"


def _keys(evidence: Evidence) -> Iterator[Finding]:
    for key, rows in groupby(evidence.query(KEYED), key=lambda row: row[0]):
        yield from _one_key(key, [row[1:] for row in rows])
    for key, booking_id, there, asked in evidence.query(REMEMBERED):
        if there is None:
            yield Finding("key_to_nowhere", f"key {key}: booking {booking_id}")
        elif not asked:
            yield Finding("key_of_another", f"key {key}: booking {booking_id}")
    for n, attacker, key in evidence.query(FORGOTTEN):
        yield Finding("key_forgotten", f"operation {n} by {attacker}, key {key}")
    for n, attacker in evidence.query(KEYLESS):
        yield Finding("replayed_from_nothing", f"operation {n} by {attacker} sent no key")


def _one_key(  # noqa: C901 - one look at all that was asked with one key
    key: str, rows: list[tuple[Any, ...]]
) -> Iterator[Finding]:
    """The operations of one key, in order of their beginning."""
    won = [row for row in rows if row[2] == "ok"]
    bookings = {row[5] for row in won}
    if len(bookings) > 1:
        yield Finding("two_bookings_one_key", f"key {key}: {', '.join(sorted(bookings))}")
    if len({row[4] for row in won}) > 1:
        yield Finding("answered_for_another", f"key {key}: two requests succeeded")
    # Who may have had the key: those who succeeded, and those whose answer nobody heard but whose
    # booking is there.
    holders = [row for row in rows if row[2] == "ok" or (row[2] == "unknown" and row[9])]
    if len(bookings) == 1 and len([row for row in won if not row[10]]) > 1:
        yield Finding("not_said_to_be_replayed", f"key {key}: two say that they made the booking")
    for row in won:
        # (The server itself asks again when it loses the database under a request with a key.)
        asked = any(h is not row and h[4] == row[4] and h[6] <= row[7] for h in holders)
        if row[10] and row[8] != "http" and not asked:
            about = f"operation {row[0]} by {row[1]}, key {key}: nobody had asked before"
            yield Finding("replayed_from_nothing", about)
    for n, attacker, result, code, token, _, began, ended, *_ in rows:
        if result != "fail":
            continue
        about = f"operation {n} by {attacker}, key {key}: {code}"
        if code == "IDEMPOTENCY_CONFLICT":
            if not any(h[4] != token and (ended is None or h[6] <= ended) for h in holders):
                yield Finding("key_refused_for_no_reason", about)
        elif code in REFUSED and any(h[4] == token and h[7] <= began for h in won):
            yield Finding("success_forgotten", about)


KEYS = Checker(
    "one_booking_a_key",
    "Whoever sends a request again with its key gets the one booking of it, and is told that it was"
    " there; who uses the key for another request gets nothing, and only then is a key refused.",
    _keys,
    "SELECT count(*) FROM operations WHERE key IS NOT NULL AND kind = 'book'",
)
