"""Whoever moves a booking, or asks for it again, hears what fits a state it may have been in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.places import OCCUPYING
from chaos.checkers.stands import Story, stories
from chaos.evidence import Evidence

# To where each move leads, and from which states it is allowed, or has nothing left to do.
TARGETS = {
    "confirm": "confirmed",
    "complete": "completed",
    "no_show": "no_show",
    "cancel": "cancelled",
    "unblock": "cancelled",
}
ALLOWED = {
    "confirm": {"requested", "held", "completed", "no_show", "cancelled", "confirmed"},
    "complete": {"confirmed", "no_show", "completed"},
    "no_show": {"confirmed", "completed", "no_show"},
    "cancel": {"requested", "held", "confirmed", "cancelled"},
    "unblock": {"requested", "held", "confirmed", "cancelled"},
}
EVERY = {*OCCUPYING, "cancelled", "expired", "declined"}
NOT_OVER = {"requested", "held", "confirmed"}
# Only who claims again meets these.
NO_PLACE = {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY", "SLOT_NOT_FOUND"}
# Why a state that would allow it may not be enough, over HTTP: who asks, and when.
OTHERWISE = {"not_begun", "has_begun", "cancelled_by_vendor", "closed_to_customers"}
ANSWERS = """
    SELECT booking_id, n, attacker, door, kind, began, ended, result, code, replayed, answer
    FROM operations
    WHERE booking_id IS NOT NULL AND (
        result = 'ok' AND kind IN ('confirm', 'complete', 'no_show', 'cancel', 'unblock')
        OR result = 'ok' AND kind = 'book'
        OR result = 'fail' AND (
            code IN ('BOOKING_STATE_CONFLICT', 'HOLD_EXPIRED')
            OR kind = 'cancel' AND code = 'NO_ROWS'
            OR kind = 'confirm'
                AND code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY', 'SLOT_NOT_FOUND')))
    ORDER BY booking_id, began
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody heard of a booking, between `began` and `ended`."""

    number: int
    attacker: str
    door: str
    kind: str
    began: float
    ended: float
    result: str
    code: str
    replayed: bool
    said: dict[str, Any]

    @property
    def about(self) -> str:
        """Who heard what, for people to read."""
        return (
            f"operation {self.number} by {self.attacker}, {self.kind} by {self.door}: {self.code}"
        )

    @property
    def tells_now(self) -> bool:
        """Whether it tells the booking as it is now; the function tells how it was made."""
        return self.replayed and self.door == "http"

    def fits(self) -> set[str]:  # noqa: PLR0911 - a table of cases
        """The states from which it can be answered so; none: it never can."""
        allowed = ALLOWED.get(self.kind, set())
        if self.kind == "book":
            return {self.code.lower()} if self.tells_now else EVERY
        if self.result == "ok":
            return allowed if self.code == TARGETS[self.kind].upper() else set()
        if self.code == "HOLD_EXPIRED":
            return {"expired"}
        if self.code in NO_PLACE:
            return {"cancelled"}
        if self.code == "NO_ROWS":
            return EVERY - NOT_OVER
        if self.door == "http" and self.said.get("reason") in OTHERWISE:
            return EVERY
        status = self.said.get("status")
        return (EVERY if status is None else {status}) - allowed


def _unfit(evidence: Evidence) -> Iterator[Finding]:
    for story, answers in _heard(evidence):
        for answer in answers:
            fits, possible = answer.fits(), possible_states(story, answer)
            about = f"booking {story.booking_id}: {answer.about} {answer.said or ''}"
            if not fits:
                refused = answer.result == "fail"
                yield Finding("refused_though_allowed" if refused else "answered_untruly", about)
            elif answer.kind == "book" and not answer.tells_now and answer.code != _made_as(story):
                yield Finding("answered_untruly", f"{about}: it was asked for as {_made_as(story)}")
            elif not fits & possible:
                moved = answer.result == "ok" and answer.kind != "book"
                kind = "done_though_not_allowed" if moved else "answered_untruly"
                yield Finding(kind, f"{about}: it can only have been {_either(possible)}")


def _made_as(story: Story) -> str:
    return "CONFIRMED" if story.hold is None else "HELD"


def _either(states: set[str]) -> str:
    return " or ".join(sorted(states))


def _heard(evidence: Evidence) -> Iterator[tuple[Story, list[Answer]]]:
    """Each story with what was heard of it: both are read once, in the order of the bookings."""
    rows = groupby(evidence.query(ANSWERS), key=lambda row: str(row[0]))
    booking_id, those = next(rows, (None, iter(())))
    for story in stories(evidence):
        while booking_id is not None and booking_id < story.booking_id:
            booking_id, those = next(rows, (None, iter(())))
        if booking_id == story.booking_id:
            yield story, [_answer(row) for row in those]


def _answer(row: tuple[Any, ...]) -> Answer:
    _, n, attacker, door, kind, began, ended, result, code, replayed, said = row
    until = math.inf if ended is None else ended
    told = json.loads(said) if result == "fail" else {}
    return Answer(n, attacker, door, kind, began, until, result, code, bool(replayed), told)


def possible_states(story: Story, answer: Answer) -> set[str]:
    """Where the booking may have been at some moment of the answer's time, but for what that did.

    Whatever had ended before something else began that was surely done and over by then, is past.
    """
    others = [act for act in story.acts if act.number != answer.number and act.kind in TARGETS]
    past = max(
        (act.began for act in others if act.surely and act.ended <= answer.began),
        default=-math.inf,
    )
    states = {
        TARGETS[act.kind] for act in others if act.began <= answer.ended and act.ended >= past
    }
    if past > -math.inf:
        # Whoever names a booking knows of it: nothing comes before its making. And what has lapsed
        # is never moved again.
        return states
    states.add("confirmed" if story.hold is None else "held")
    if story.hold is not None and answer.ended >= story.begun + story.known_hold - story.slack:
        states.add("expired")
    return states


STATES = Checker(
    "moves_fit_the_state",
    "Whoever moves a booking, or asks for it again, is refused or obeyed as a state demands in"
    " which the booking may have been, and is told of no other.",
    _unfit,
    "SELECT count(*) FROM operations WHERE kind IN ('confirm', 'complete', 'no_show', 'cancel',"
    " 'unblock') AND result <> 'unknown'",
)
