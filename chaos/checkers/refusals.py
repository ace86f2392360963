"""Nobody is refused without a reason, nothing is offered or shown that was not there."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.levels import Slots, Steps
from chaos.evidence import Evidence, Span

# When slots were first asked to go: few, and so not looked for among all that was asked of a slot.
DELETED = """
    WITH gone AS MATERIALIZED (
        SELECT a.slot_id, min(o.began) AS began FROM operations o JOIN aims a ON a.n = o.n
        WHERE o.kind = 'delete_slot' AND o.result <> 'fail' GROUP BY a.slot_id)
"""
REFUSED = f"""
    {DELETED}
    SELECT a.slot_id, a.starts, a.ends, o.n, o.began, o.ended, o.code, o.quantity, o.kind,
           o.attacker
    FROM operations o JOIN aims a ON a.n = o.n
    WHERE o.result = 'fail' AND o.code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY')
      -- A block names a time: once the slot may be gone, it is about another that took its place.
      AND NOT (o.kind = 'block' AND EXISTS (
          SELECT 1 FROM gone WHERE gone.slot_id = a.slot_id AND gone.began <= o.ended))
    ORDER BY a.slot_id, a.starts, a.ends, o.began
"""
IN_USE = """
    SELECT a.slot_id, a.starts, a.ends, o.n, o.began, o.ended, o.code, 0, o.kind, o.attacker
    FROM operations o JOIN aims a ON a.n = o.n
    WHERE o.result = 'fail' AND o.code = 'SLOT_IN_USE'
    ORDER BY a.slot_id, a.starts, a.ends, o.began
"""
GONE = f"""
    {DELETED}
    SELECT o.n, o.attacker, o.kind, o.code FROM operations o
    WHERE o.result = 'fail' AND o.code = 'SLOT_NOT_FOUND'
      AND NOT EXISTS (
          SELECT 1 FROM aims a JOIN gone ON gone.slot_id = a.slot_id
          WHERE a.n = o.n AND gone.began <= o.ended)
"""
OFFERS = """
    SELECT f.slot_id, f.starts, f.ends, f.n, f.began, f.ended, f.places, o.quantity, o.attacker
    FROM offers f JOIN operations o ON o.n = f.n WHERE f.what = ?
    ORDER BY f.slot_id, f.starts, f.ends, f.began
"""
Row = tuple[Any, ...]


def _by_part(slots: Slots, rows: Iterator[Row]) -> Iterator[tuple[str, Span, Iterator[Row]]]:
    """The rest of the rows by their first three columns: a slot that is known, and the part."""
    for (slot_id, starts, ends), those in groupby(rows, key=lambda row: row[:3]):
        if slot_id in slots.first:
            yield slot_id, (starts, ends), (row[3:] for row in those)


def _false_refusals(evidence: Evidence) -> Iterator[Finding]:
    """One slot that was full is reason enough for a request of several."""
    slots = Slots(evidence)
    aims_of = "SELECT count(*) FROM aims WHERE n = ?"
    without_reason: Counter[int] = Counter()
    about: dict[int, tuple[str, str]] = {}
    for slot_id, span, rows in _by_part(slots, evidence.query(REFUSED)):
        capacity, taken = slots.capacity(slot_id), slots.possibly(slot_id, span)
        as_if: Steps | None = None
        for n, began, ended, code, quantity, kind, attacker in rows:
            until = math.inf if ended is None else ended
            places = capacity.least(began, until)
            # A block asks for all places, and is refused as soon as one is taken.
            wanted = quantity or 1 if kind != "block" else places
            needed = places if code == "BOOKING_CONFLICT" else places - wanted + 1
            if kind == "block":
                needed = 1
            if taken.reaches(needed, began, until):
                continue
            if as_if is None:
                as_if = slots.possibly(slot_id, span, lapsing=False)
            lapsed = as_if.reaches(needed, began, until)
            name = "refused_for_a_lapsed_hold" if lapsed else "refused_for_no_reason"
            without_reason[n] += 1
            words = f"operation {n} by {attacker}, {kind} {wanted} of slot {slot_id}: {code}"
            about[n] = (name, words)
    for n, number in without_reason.items():
        if number == evidence.one(aims_of, [n]):
            yield Finding(*about[n])
    yield from _false_in_use(evidence, slots)
    for n, attacker, kind, code in evidence.query(GONE):
        words = f"operation {n} by {attacker}, {kind}: {code}, but nobody deleted the slot"
        yield Finding("not_found_for_no_reason", words)


def _false_in_use(evidence: Evidence, slots: Slots) -> Iterator[Finding]:
    for slot_id, span, rows in _by_part(slots, evidence.query(IN_USE)):
        taken = slots.possibly(slot_id, span)
        for n, began, ended, code, _, kind, attacker in rows:
            if not taken.reaches(1, began, math.inf if ended is None else ended):
                words = f"operation {n} by {attacker}, {kind} of slot {slot_id}: {code}"
                yield Finding("in_use_by_nobody", words)


def _false_offers(evidence: Evidence) -> Iterator[Finding]:
    slots = Slots(evidence)
    for slot_id, span, rows in _by_part(slots, evidence.query(OFFERS, ["alternative"])):
        capacity, taken = slots.capacity(slot_id), slots.surely(slot_id, span)
        for n, began, ended, places, quantity, attacker in rows:
            room = capacity.most(began, ended) - max(places, quantity or 1)
            if not taken.falls_to(room, began, ended):
                words = f"operation {n} by {attacker} was offered {places} of slot {slot_id}"
                yield Finding("alternative_was_taken", words)


def _false_showings(evidence: Evidence) -> Iterator[Finding]:
    slots = Slots(evidence)
    for what in ("shown", "part"):
        for slot_id, span, rows in _by_part(slots, evidence.query(OFFERS, [what])):
            capacity, surely = slots.capacity(slot_id), slots.surely(slot_id, span)
            possibly = slots.possibly(slot_id, span)
            pieces: list[Steps] | None = None
            for n, began, ended, places, _, attacker in rows:
                words = f"operation {n} by {attacker} was shown {places} free of slot {slot_id}"
                if not surely.falls_to(capacity.most(began, ended) - places, began, ended):
                    yield Finding("shown_free_but_taken", words)
                least = capacity.least(began, ended) - places
                taken = [possibly]
                if what == "part" and not places:
                    # Nothing is free for a while: but not the same people need to have all of it.
                    cells = slots.cells(slot_id, span)
                    pieces = pieces or [slots.possibly(slot_id, cell) for cell in cells]
                    taken = pieces
                if not all(steps.reaches(least, began, ended) for steps in taken):
                    yield Finding("shown_taken_but_free", words)


REFUSALS = Checker(
    "refusals_have_reasons",
    "Whoever was refused, was refused because somebody held the place, or may have, at some moment"
    " between question and answer; a lapsed hold is no reason.",
    _false_refusals,
    "SELECT count(*) FROM operations WHERE result = 'fail' AND code IN ('BOOKING_CONFLICT',"
    " 'INSUFFICIENT_INVENTORY', 'SLOT_IN_USE', 'SLOT_NOT_FOUND')",
)
ALTERNATIVES = Checker(
    "alternatives_were_free",
    "What is offered instead was free at some moment between question and answer.",
    _false_offers,
    "SELECT count(*) FROM offers WHERE what = 'alternative'",
)
AVAILABILITY = Checker(
    "availability_was_true",
    "What an availability list shows was so at some moment between question and answer.",
    _false_showings,
    "SELECT count(*) FROM offers WHERE what IN ('shown', 'part')",
)
