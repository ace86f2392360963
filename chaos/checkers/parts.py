"""Whoever asked for a part, for joined slots or for several providers at once has just that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.places import OCCUPYING
from chaos.checkers.published import Calendars
from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS
from chaos.evidence import Evidence, moment

# By the request that the booking carries the mark of; the first, if it was sent again.
ASKED = f"""
    SELECT b.id, o.n, a.slot_id, max(a.starts, s.starts), min(a.ends, s.ends), s.provider_id
    FROM bookings b
    JOIN operations o ON o.n = (
        SELECT min(first.n) FROM operations first
        WHERE first.token = b.token AND first.kind = 'book')
    JOIN aims a ON a.n = o.n JOIN slots s ON s.id = a.slot_id
    WHERE b.status IN {OCCUPYING!r} ORDER BY b.id
"""
CLAIMED = """
    SELECT c.slot_id, c.starts, c.ends, c.provider_id FROM claims c WHERE c.booking_id = ?
"""
BLOCKED = f"""
    SELECT b.id, o.n, o.began,
           CASE o.result WHEN 'ok' THEN o.ended ELSE o.began + {ANSWERED_WITHIN_SECONDS} END,
           o.asked
    FROM bookings b
    JOIN operations o ON o.n = (
        SELECT min(first.n) FROM operations first
        WHERE first.token = b.token AND first.kind = 'block')
    WHERE b.kind = 'block' AND b.status IN {OCCUPYING!r} ORDER BY o.began
"""
CLOSED = """
    SELECT c.slot_id, c.starts, c.ends, c.provider_id, max(s.starts, ?), min(s.ends, ?)
    FROM claims c JOIN slots s ON s.id = c.slot_id WHERE c.booking_id = ?
"""
ABORTED = """
    SELECT n, attacker, door, kind, code FROM operations
    WHERE code IN ('40P01', 'CONCURRENCY_ABORT')
      AND NOT EXISTS (SELECT 1 FROM operations WHERE door = 'owner')
"""


def _held_otherwise(evidence: Evidence) -> Iterator[Finding]:
    for booking_id, rows in groupby(evidence.query(ASKED), key=lambda row: str(row[0])):
        those = list(rows)
        wanted = {row[2:] for row in those}
        held = set(evidence.query(CLAIMED, [booking_id]))
        if held != wanted:
            about = f"booking {booking_id}, asked for by operation {those[0][1]}"
            yield Finding(_kind(wanted, held), f"{about}: {_words(held ^ wanted)}")
    yield from _closed_otherwise(evidence)


def _closed_otherwise(evidence: Evidence) -> Iterator[Finding]:
    """A block names a provider and a time, and closes all that is published of it then."""
    calendars = Calendars(evidence)
    for booking_id, n, began, ended, text in evidence.query(BLOCKED):
        asked = json.loads(text)
        provider_id, span = asked["provider_id"], (moment(asked["start"]), moment(asked["end"]))
        about = f"block {booking_id}, asked for by operation {n}"
        held = set()
        for slot_id, starts, ends, owner, *wanted in evidence.query(CLOSED, [*span, booking_id]):
            held.add(slot_id)
            if owner != provider_id:
                yield Finding("provider_left_out", f"{about}: slot {slot_id} of {owner}")
            elif [starts, ends] != wanted:
                words = f"slot {slot_id} from {starts} to {ends}"
                yield Finding("another_part_than_asked", f"{about}: {words}")
        for slot in calendars.between(provider_id, began, ended):
            surely = slot.told <= began and ended <= slot.going
            if surely and slot.meets(span) and slot.slot_id not in held:
                yield Finding("slot_left_out", f"{about}: slot {slot.slot_id}")


def _kind(wanted: set[tuple[Any, ...]], held: set[tuple[Any, ...]]) -> str:
    """The worst that is wrong: a provider that is not held at all, a slot, or the time."""
    if {row[3] for row in wanted} != {row[3] for row in held}:
        return "provider_left_out"
    if {row[0] for row in wanted} != {row[0] for row in held}:
        return "slot_left_out"
    return "another_part_than_asked"


def _words(rows: set[tuple[Any, ...]]) -> str:
    return ", ".join(f"slot {row[0]} from {row[1]} to {row[2]}" for row in sorted(rows, key=str))


def _aborted(evidence: Evidence) -> Iterator[Finding]:
    for n, attacker, door, kind, code in evidence.query(ABORTED):
        yield Finding("aborted", f"operation {n} by {attacker}, {kind} by {door}: {code}")


HELD_AS_ASKED = Checker(
    "time_is_held_as_asked",
    "Whoever occupies holds just the time asked for of each slot asked for, of every provider; a"
    " block closes all that was published of its time.",
    _held_otherwise,
    f"SELECT (SELECT count(DISTINCT id) FROM ({ASKED})) + (SELECT count(*) FROM ({BLOCKED}))",
)
NEVER_ABORTED = Checker(
    "claims_are_never_aborted",
    "In whatever order claims name slots and providers, they do not deadlock one another, and"
    " whoever looked finds what was seen, as long as nobody writes rows by hand.",
    _aborted,
    "SELECT count(*) FROM operations"
    " WHERE kind = 'book' AND json_array_length(asked, '$.slots') > 1",
)
