"""Nobody is refused without a reason, and what is said of the reason is true."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.levels import KNOWN, Capacity, Slots, Steps, by_part
from chaos.checkers.locked import locked_by_nobody
from chaos.checkers.published import Calendars
from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS
from chaos.evidence import Evidence, Span, moment

# When slots were first asked to go: few, and so not looked for among all that was asked of a slot.
# Of one that is there in the end, what nobody heard of deleted nothing.
DELETED = """
    WITH gone AS MATERIALIZED (
        SELECT a.slot_id, min(o.began) AS began FROM operations o JOIN aims a ON a.n = o.n
        WHERE o.kind = 'delete_slot' AND (
            o.result = 'ok' OR o.result = 'unknown'
            AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.id = a.slot_id))
        GROUP BY a.slot_id)
"""
REFUSED = f"""
    {DELETED}
    SELECT a.slot_id, a.starts, a.ends, o.n, o.began, o.ended, o.code, o.quantity, o.kind,
           o.attacker, json_extract(o.answer, '$.available')
    FROM operations o JOIN aims a ON a.n = o.n
    WHERE o.result = 'fail' AND o.code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY')
      -- A block names a time: once the slot may be gone, it is about another that took its place.
      AND NOT (o.kind = 'block' AND EXISTS (
          SELECT 1 FROM gone WHERE gone.slot_id = a.slot_id AND gone.began <= o.ended))
    ORDER BY a.slot_id, a.starts, a.ends, o.began
"""
AIMS = "SELECT count(*) FROM aims WHERE n = ?"
WHO = """
    SELECT n, attacker, kind, quantity, code, json_extract(asked, '$.slots') FROM operations
    WHERE n = ?
"""
SAID = """
    SELECT n, attacker, kind, code, quantity, json_extract(answer, '$.available') FROM operations
    WHERE result = 'fail' AND code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY')
      AND json_extract(answer, '$.available') IS NOT NULL
"""
IN_USE = """
    SELECT a.slot_id, a.starts, a.ends, o.n, o.began, o.ended, o.kind, o.attacker,
           json_extract(o.asked, '$.capacity')
    FROM operations o JOIN aims a ON a.n = o.n
    WHERE o.result = 'fail' AND o.code = 'SLOT_IN_USE'
    ORDER BY a.slot_id, a.starts, a.ends, o.began
"""
BY_HAND = f"""
    SELECT o.began,
           CASE o.result WHEN 'unknown' THEN o.began + {ANSWERED_WITHIN_SECONDS} ELSE o.ended END,
           1
    FROM aims a JOIN operations o ON o.n = a.n
    WHERE a.slot_id = ? AND o.door = 'owner' AND o.kind IN ('book', 'cancel')
"""
OVERLAPS = """
    SELECT n, attacker, began, ended, asked FROM operations
    WHERE kind = 'publish' AND result = 'fail' AND code = 'SLOT_OVERLAP' ORDER BY began
"""
GONE = f"""
    {DELETED}
    SELECT o.n, o.attacker, o.kind, o.code FROM operations o
    WHERE o.result = 'fail' AND o.code = 'SLOT_NOT_FOUND'
      -- Who names no slot is judged by whoever knows what is open.
      AND EXISTS (SELECT 1 FROM aims a WHERE a.n = o.n)
      AND NOT EXISTS (
          SELECT 1 FROM aims a JOIN gone ON gone.slot_id = a.slot_id
          WHERE a.n = o.n AND gone.began <= o.ended)
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody was told that a slot, or a part of it, has too few places.

    `available`: how many are said to be left of the slot that has least; None: it is not said.
    """

    number: int
    began: float
    ended: float
    code: str
    quantity: int | None
    kind: str
    attacker: str
    available: int | None

    @property
    def left(self) -> int:
        """How many places are left at least where most are taken."""
        if self.code == "BOOKING_CONFLICT":
            return 0
        return self.available or 1

    def needed(self, places: int) -> int:
        """How many of these places must have been taken, at least, by others."""
        if self.code == "BOOKING_CONFLICT":
            return places
        if self.available is not None:
            return places - self.available
        # A block asks for all places, and is refused as soon as one is taken.
        return 1 if self.kind == "block" else places - (self.quantity or 1) + 1


def _false_refusals(evidence: Evidence) -> Iterator[Finding]:
    yield from _without_reason(evidence)
    yield from _misfits(evidence)
    slots = Slots(evidence)
    yield from _false_in_use(evidence, slots)
    yield from _false_overlaps(evidence)
    for n, attacker, kind, code in evidence.query(GONE):
        words = f"operation {n} by {attacker}, {kind}: {code}, but nobody deleted the slot"
        yield Finding("not_found_for_no_reason", words)
    yield from locked_by_nobody(evidence)


def _without_reason(evidence: Evidence) -> Iterator[Finding]:
    """One slot that was full is reason enough for a request of several; but what is said to be
    left must have been left of each of them.
    """
    slots = Slots(evidence)
    # Of how many of its slots each request was refused for no reason, and what was found last.
    times: Counter[int] = Counter()
    kinds: dict[int, str] = {}
    for slot_id, span, rows in by_part(slots, evidence.query(REFUSED)):
        judge = _Judge(slots, slot_id, span)
        for n, began, ended, *told in rows:
            refusal = Refusal(n, began, math.inf if ended is None else ended, *told)
            if kind := judge.without_reason(refusal):
                times[n] += 1
                kinds[n] = kind
            if not judge.may_have_left(refusal):
                words = f"operation {n} by {refusal.attacker}, {refusal.kind}: {refusal.code}"
                yield Finding("said_to_be_left_but_taken", f"{words}, of slot {slot_id}")
    for n, number in times.items():
        if number == evidence.one(AIMS, [n]):
            yield Finding(kinds[n], _words(*next(evidence.query(WHO, [n]))))


def _words(*row: Any) -> str:
    n, attacker, kind, quantity, code, slots = row
    return f"operation {n} by {attacker}, {kind} {quantity or 'all'} of {slots}: {code}"


class _Judge:
    """What was taken of one slot, or of a part of it, when somebody was refused."""

    def __init__(self, slots: Slots, slot_id: str, span: Span) -> None:
        self._slots, self._aim = slots, (slot_id, span)
        self._capacity: Capacity = slots.capacity(slot_id)
        self._taken = slots.possibly(slot_id, span)
        self._as_if: Steps | None = None
        self._surely: Steps | None = None

    def without_reason(self, refusal: Refusal) -> str:
        """The kind of finding; empty if others may have held so much as to refuse this."""
        when = (refusal.began, refusal.ended)
        needed = refusal.needed(self._capacity.least(*when))
        if self._taken.reaches(needed, *when):
            return ""
        if self._as_if is None:
            self._as_if = self._slots.possibly(*self._aim, lapsing=False)
        lapsed = self._as_if.reaches(needed, *when)
        return "refused_for_a_lapsed_hold" if lapsed else "refused_for_no_reason"

    def may_have_left(self, refusal: Refusal) -> bool:
        """Whether so many places as it says may have been free of this slot, too."""
        if not refusal.left:
            return True
        if self._surely is None:
            self._surely = self._slots.surely(*self._aim)
        when = (refusal.began, refusal.ended)
        return self._surely.falls_to(self._capacity.most(*when) - refusal.left, *when)


def _misfits(evidence: Evidence) -> Iterator[Finding]:
    """The code and the number of places left say the same: none, or some and yet too few."""
    for n, attacker, kind, code, quantity, available in evidence.query(SAID):
        few = available > 0 and (kind == "block" or not quantity or available < quantity)
        if available if code == "BOOKING_CONFLICT" else not few:
            words = f"operation {n} by {attacker}, {kind} {quantity}: {code}, {available} left"
            yield Finding("refused_in_contradiction", words)


def _false_in_use(evidence: Evidence, slots: Slots) -> Iterator[Finding]:
    """To be deleted, nobody must have any of it; to shrink, no more than what remains."""
    for slot_id, span, rows in by_part(slots, evidence.query(IN_USE)):
        taken, by_hand = slots.possibly(slot_id, span), None
        for n, began, ended, kind, attacker, capacity in rows:
            when = (began, math.inf if ended is None else ended)
            if taken.reaches((capacity or 0) + 1, *when):
                continue
            if by_hand is None:
                by_hand = Steps(evidence.query(BY_HAND, [slot_id]))
            # Whatever somebody who writes by hand is about to take is in the way of a new shape.
            if not by_hand.reaches(1, *when) or not taken.reaches(1, *when):
                words = f"operation {n} by {attacker}, {kind} of slot {slot_id} to {capacity or 0}"
                yield Finding("in_use_by_nobody", words)


def _false_overlaps(evidence: Evidence) -> Iterator[Finding]:
    calendars = Calendars(evidence)
    for n, attacker, began, ended, asked in evidence.query(OVERLAPS):
        wanted = json.loads(asked)
        times = [(moment(one["start"]), moment(one["end"])) for one in wanted["published"]]
        there = calendars.between(wanted["provider_id"], began, ended)
        if not any(slot.meets(time) for slot in there for time in times):
            words = f"operation {n} by {attacker}, publish {wanted['published']}"
            yield Finding("overlaps_nothing", words)


REFUSALS = Checker(
    "refusals_have_reasons",
    "Whoever was refused, was refused because somebody held the place, or may have, at some moment"
    " between question and answer, and is told truly how many are left; a lapsed hold is no reason."
    " Whoever could not wait did wait, and somebody else was at work.",
    _false_refusals,
    "SELECT count(*) FROM operations o WHERE result = 'fail' AND ("
    " code IN ('SLOT_OVERLAP', 'INVENTORY_LOCKED', '55P03', 'CONCURRENCY_ABORT', '40P01', '40001')"
    " OR code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY', 'SLOT_IN_USE', 'SLOT_NOT_FOUND')"
    f" AND EXISTS (SELECT 1 FROM aims a WHERE a.n = o.n AND a.slot_id IN ({KNOWN})))",
)
