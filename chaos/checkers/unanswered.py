"""Every question gets an answer, or its client gives up: nobody hangs for ever."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.checkers import Finding
from chaos.evidence import Evidence

# So long nobody waits: clients give up before, and what a fault has cut off is told so.
PATIENCE_SECONDS = 60.0
# Users who are taken up again after a break begin later than this.
PAUSE_SECONDS = 0.25
HANGING = """
    SELECT n, attacker, door, kind, began FROM operations
    WHERE ended IS NULL AND began + ? <= (SELECT max(ended) FROM operations) ORDER BY began
"""
ENDED = "SELECT began, ended FROM operations WHERE ended IS NOT NULL ORDER BY began"


def never_answered(evidence: Evidence) -> Iterator[Finding]:
    """Those who never heard anything though their program lived on: what others did is its pulse.

    A program that was killed leaves questions without end, too; then it has no pulse for a while.
    """
    hanging = evidence.query(HANGING, [PATIENCE_SECONDS])
    one = next(hanging, None)
    if one is None:
        return
    for begin, end in _lives(evidence):
        while one is not None and one[4] <= end:
            n, attacker, door, kind, began = one
            if begin <= began and began + PATIENCE_SECONDS <= end:
                words = f"operation {n} by {attacker}: {kind} by {door}, for {end - began:.1f} s"
                yield Finding("never_answered", words)
            one = next(hanging, None)


def _lives(evidence: Evidence) -> Iterator[tuple[float, float]]:
    """From when to when the users' program surely ran without a break, in order."""
    rows = evidence.query(ENDED)
    first = next(rows, None)
    if first is None:
        return
    begin, end = first
    for began, ended in rows:
        if began > end + PAUSE_SECONDS:
            yield begin, end
            begin = began
        end = max(end, ended)
    yield begin, end
