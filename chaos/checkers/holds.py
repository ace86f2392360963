"""A hold lasts as long as it was promised, and not a moment longer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from chaos.checkers import Checker, Finding
from chaos.checkers.stands import Story, stories
from chaos.evidence import Evidence

EXPIRED = """
    SELECT n, attacker, kind, code, ended, answer FROM operations
    WHERE booking_id = ? AND result = 'fail' AND code IN ('HOLD_EXPIRED', 'BOOKING_STATE_CONFLICT')
"""
STATUS = "SELECT status FROM bookings WHERE id = ?"


def _holds(evidence: Evidence) -> Iterator[Finding]:
    # Between the last answer and the look at the rows a hold may lapse, and be tidied.
    read_at = evidence.setting("rows_read_at")
    over = math.inf if read_at is None else read_at
    for story in stories(evidence):
        if story.hold is not None and story.hold < math.inf:
            yield from _one_hold(evidence, story, story.hold, over)


def _one_hold(evidence: Evidence, story: Story, seconds: float, over: float) -> Iterator[Finding]:
    about = f"booking {story.booking_id}, held for {seconds} s from {story.begun:.6f} s"
    row = evidence.connection.execute(STATUS, [story.booking_id]).fetchone()
    if row and row[0] == "expired" and over < story.begun + seconds - story.slack:
        yield Finding("expired_too_early", f"{about}: expired by {over:.6f} s")
    for n, attacker, kind, code, ended, answer in evidence.query(EXPIRED, [story.booking_id]):
        expired = code == "HOLD_EXPIRED" or json.loads(answer).get("status") == "expired"
        if expired and ended < story.begun + seconds - story.slack:
            words = f"{about}: operation {n} by {attacker}, {kind} at {ended:.6f} s: {code}"
            yield Finding("expired_too_early", words)
    # Only what was confirmed in time, or cancelled and claimed again, can be confirmed later.
    if not any(act.began <= story.lapsed for act in story.acts):
        for act in story.acts:
            if act.surely and act.kind == "confirm":
                yield Finding("confirmed_after_lapse", f"{about}: confirmed at {act.ended:.6f} s")


HOLDS = Checker(
    "holds_last_as_promised",
    "A hold is good until its time is over, and cannot be confirmed after.",
    _holds,
    "SELECT count(*) FROM operations WHERE kind = 'book' AND hold IS NOT NULL AND result = 'ok'",
)
