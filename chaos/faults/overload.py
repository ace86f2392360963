"""Failures that nobody caused on purpose, but for which a machine with too much to do is an excuse.

Whoever only looks, by SQL, waits for no lock and no server: where even such a look took a second,
statements and clients run out of time. A product that hangs would run out of time, too; so these
are counted, and there must not be many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chaos.checkers.stands import merged
from chaos.codes import OUTAGES, TOO_LONG
from chaos.evidence import Evidence
from chaos.faults.excuses import Excuses, meets

TROUBLE = """
    SELECT n, attacker, door, kind, began, ended, code, status FROM operations
    WHERE (status >= 500 OR result = 'unknown' OR code IN ('57014', 'ConnectionRefusedError'))
      AND code NOT IN ('', 'HUNG_UP') ORDER BY began
"""
SLOW_LOOK_SECONDS = 1.0
# Not while something was broken.
SLOW_LOOKS = """
    SELECT look.began, look.ended FROM operations look
    WHERE look.kind IN ('read', 'search') AND look.door = 'sql' AND look.result = 'ok'
      AND look.ended - look.began >= ? AND NOT EXISTS (
        SELECT 1 FROM faults f
        WHERE f.began <= look.ended AND look.began <= COALESCE(f.ended, 9e999))
"""
OUT_OF_TIME = {*OUTAGES, TOO_LONG, "TimeoutError", "ConnectionTimeout"}
# Of a run as long as this, no more than one attempt in a thousand.
JUDGED_OF, SHARE_MAX = 10_000, 0.001
# A machine that stands still once or twice stops everybody at once, however many they are.
STALLS_MIN, SECONDS_SHARE_MAX = 5, 0.2


@dataclass(frozen=True, slots=True)
class Failure:
    """An operation that a server failed, or did not answer."""

    number: int
    attacker: str
    door: str
    kind: str
    began: float
    ended: float
    code: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Overload:
    """How many failures only a machine with too much to do excuses, in how many stretches of time,
    of how many seconds together.
    """

    failures: int
    stalls: int
    seconds: float
    of_attempts: int
    of_seconds: float

    @property
    def too_often(self) -> bool:
        """Whether something hangs, be it the machine or what is attacked."""
        return (
            self.of_attempts >= JUDGED_OF
            and self.failures > SHARE_MAX * self.of_attempts
            and (self.stalls >= STALLS_MIN or self.seconds > SECONDS_SHARE_MAX * self.of_seconds)
        )

    @property
    def words(self) -> str:
        """For people to read."""
        return (
            f"{self.failures:,} of {self.of_attempts:,} attempts ran out of time while nothing was"
            f" broken and mere looks by SQL took a second and more, in {self.stalls:,} stretches of"
            f" {self.seconds:,.1f} s together"
        )


def failures(evidence: Evidence) -> Iterator[tuple[Failure, str]]:
    """All that failed, in order, with what excuses it: a fault, an overload, or nothing."""
    excuses = Excuses(evidence)
    looks = evidence.query(SLOW_LOOKS, [SLOW_LOOK_SECONDS])
    slow = merged([(began, ended) for began, ended in looks])
    for row in evidence.query(TROUBLE):
        one = Failure(*row)
        why = ""
        if one.status == 500:
            # Never right.
            pass
        elif excuses.excuse(one.number, one.attacker, one.door, one.began, one.ended):
            why = "fault"
        elif one.code in OUT_OF_TIME and meets(slow, one.began, one.ended):
            why = "overload"
        yield one, why


def overload_of(evidence: Evidence) -> Overload:
    """Of a run that is over."""
    spans = [(one.began, one.ended) for one, why in failures(evidence) if why == "overload"]
    stalls = merged(spans)
    attempts, seconds = next(evidence.query("SELECT count(*), max(ended) FROM operations"))
    together = sum(end - begin for begin, end in stalls)
    return Overload(len(spans), len(stalls), round(together, 3), attempts, round(seconds or 0.0, 3))
