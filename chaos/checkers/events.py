"""The history of each booking retells exactly how it came to be what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.evidence import Evidence

MOVES = {
    None: {"requested", "held", "confirmed"},
    "requested": {"confirmed", "declined", "cancelled", "expired"},
    "held": {"confirmed", "cancelled", "expired"},
    "confirmed": {"completed", "no_show", "cancelled"},
    "completed": {"no_show", "confirmed"},
    "no_show": {"completed", "confirmed"},
    "cancelled": {"confirmed"},
}
# Whoever writes rows by hand may tell nothing of them.
TOLD = """
    SELECT b.id, b.status, b.version, b.quantity, b.slot_ids,
           EXISTS (SELECT 1 FROM operations o WHERE o.token = b.token AND o.kind = 'book')
           AND NOT EXISTS (
               SELECT 1 FROM operations o WHERE o.token = b.token AND o.door = 'owner'),
           e.sequence, e.kind, e.changes
    FROM bookings b LEFT JOIN events e ON e.booking_id = b.id ORDER BY b.id, e.sequence
"""
FIRST = {"status", "quantity", "slot_ids"}
ORPHANS = """
    SELECT DISTINCT e.booking_id FROM events e LEFT JOIN bookings b ON b.id = e.booking_id
    WHERE b.id IS NULL
"""


def _retold(evidence: Evidence) -> Iterator[Finding]:
    for booking, rows in groupby(evidence.query(TOLD), key=lambda row: row[:6]):
        booking_id, status, version, quantity, slot_ids, asked_for = booking
        events = [row[6:] for row in rows if row[6] is not None]
        kinds = [kind for _, kind, _ in events]
        about = f"booking {booking_id} ({status}, version {version}): {kinds}"
        if [sequence for sequence, *_ in events] != list(range(1, version + 1)):
            yield Finding("history_with_gaps", about)
        told = None
        for _, kind, changes in events:
            if kind in {"changed", "rescheduled"}:
                continue
            if kind not in MOVES.get(told, set()):
                yield Finding("impossible_move", f"{about}: from {told} to {kind}")
            yield from _untrue(about, told, kind, json.loads(changes))
            told = kind
        if told != status:
            yield Finding("history_untrue", about)
        changes = [json.loads(changes) for *_, changes in events]
        if asked_for and events and not changes[0].keys() >= FIRST:
            yield Finding("history_tells_too_little", f"{about}: of the first {changes[0]}")
        yield from _retold_otherwise(about, changes, "quantity", quantity)
        yield from _retold_otherwise(about, changes, "slot_ids", json.loads(slot_ids))
    for (booking_id,) in evidence.query(ORPHANS):
        yield Finding("history_of_nothing", f"booking {booking_id}")


def _untrue(about: str, told: str | None, kind: str, changes: dict[str, Any]) -> Iterator[Finding]:
    """What a row written by hand leaves out is not held against it."""
    status = changes.get("status")
    if status is not None and (status.get("from"), status.get("to")) != (told, kind):
        yield Finding("history_untrue", f"{about}: {kind} says {status}")


def _retold_otherwise(
    about: str, events: list[dict[str, Any]], name: str, now: Any
) -> Iterator[Finding]:
    """Each event that tells of it begins where the one before has ended, and the last ends here.

    Of a row written by hand none may.
    """
    told = [changes[name] for changes in events if name in changes]
    if not told:
        return
    values = [None, *(change.get("to") for change in told)]
    if [change.get("from") for change in told] != values[:-1] or values[-1] != now:
        yield Finding("history_untrue", f"{about}: of {name} it says {told}, and it is {now}")


EVENTS = Checker(
    "events_retell_the_state",
    "The events of a booking are numbered without gaps, the first tells how it came to be, each"
    " move is a lawful one, and the last is its state.",
    _retold,
    "SELECT count(*) FROM events",
    required=True,
)
