"""What excuses a failure: a fault that lasts, or one that whoever asks has not yet seen to be over.

A door is one user's connection. Once the service is back, a door's excuse is over with its first
answer: whoever was answered knows that all is well again. How much of a run nothing excused is
what the run says of failures without a cause, and so it is counted, and judged (calm.py).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from chaos.checkers.stands import merged
from chaos.evidence import Evidence

# After so long no door has an excuse, answered or not.
GRACE_SECONDS = 10.0
# A server whose database refused it asks again half a second later at the earliest, and says 503
# meanwhile, also to those who were answered over another of its connections.
SETTLE_SECONDS = 0.75
# An answer, whatever it says, is of a service that is there.
ASKED = """
    SELECT attacker, door, n, began, ended,
           result <> 'unknown' AND code NOT IN ('57014', 'ConnectionRefusedError')
    FROM operations ORDER BY attacker, door, began
"""
Window = tuple[float, float]
# n, began, ended (inf: that was never seen), and whether it was answered.
Asked = tuple[int, float, float, bool]


@dataclass(frozen=True, slots=True)
class Calm:
    """How much of a run nothing excused: seconds for everybody, attempts each for its door."""

    seconds: float
    of_seconds: float
    attempts: int
    of_attempts: int

    @property
    def words(self) -> str:
        """For people to read."""
        return (
            f"{self.seconds:,.1f} of {self.of_seconds:,.1f} s, and {self.attempts:,} of"
            f" {self.of_attempts:,} attempts"
        )


class Excuses:
    """Who was excused when, of a run that is over."""

    def __init__(self, evidence: Evidence) -> None:
        faults = evidence.query("SELECT began, ended FROM faults ORDER BY began")
        self._faults = [(began, math.inf if ended is None else ended) for began, ended in faults]
        self._windows: dict[tuple[str, str], list[Window]] = {}
        self._late: set[int] = set()
        self._attempts = self._calm_attempts = 0
        self._over = 0.0
        for door, rows in groupby(evidence.query(ASKED), key=itemgetter(0, 1)):
            # Who never ended may have asked until the end of time.
            asked = [
                (n, began, math.inf if ended is None else ended, bool(answered))
                for _, _, n, began, ended, answered in rows
            ]
            self._look_at(door, asked)

    def excuse(self, n: int, attacker: str, door: str, began: float, ended: float) -> bool:
        """Whether this operation may have failed without being to blame for it."""
        return n in self._late or meets(self._windows[attacker, door], began, ended)

    def calm(self) -> Calm:
        """What was left in which nobody was excused."""
        windows = merged([window for those in self._windows.values() for window in those])
        excused = sum(min(end, self._over) - min(begin, self._over) for begin, end in windows)
        return Calm(self._over - excused, self._over, self._calm_attempts, self._attempts)

    def _look_at(self, door: tuple[str, str], asked: Sequence[Asked]) -> None:
        begins = [began for _, began, _, _ in asked]
        windows: list[Window] = []
        for fault_began, fault_ended in self._faults:
            first = bisect_right(begins, fault_ended)
            after = asked[first : bisect_right(begins, fault_ended + GRACE_SECONDS)]
            over = max(_answered(fault_ended, after), fault_ended + SETTLE_SECONDS)
            windows.append((fault_began, over))
            if first and first < len(asked) and not after and door[1] != "http":
                # A session from before, which nobody has used since: whether it still is there,
                # its owner finds out only now. (A kept connection for HTTP is not used that late.)
                self._late.add(asked[first][0])
        self._windows[door] = windows = merged(windows)
        self._attempts += len(asked)
        self._calm_attempts += sum(
            n not in self._late and not meets(windows, began, ended) for n, began, ended, _ in asked
        )
        seen = (ended if ended < math.inf else began for _, began, ended, _ in asked)
        self._over = max(self._over, *seen)


def _answered(since: float, after: Sequence[Asked]) -> float:
    """When the first of these was answered that were asked since a fault was over; bounded."""
    if not after:
        return since
    bound = since + GRACE_SECONDS
    return min(next((ended for _, _, ended, answered in after if answered), bound), bound)


def meets(windows: Sequence[Window], began: float, ended: float) -> bool:
    """Whether one of these, which are in order and apart, has a moment of that time."""
    index = bisect_left(windows, began, key=lambda window: window[1])
    # What begins when a window is over has begun after it.
    if index < len(windows) and windows[index][1] == began:
        index += 1
    return index < len(windows) and windows[index][0] <= ended
