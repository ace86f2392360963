"""Whoever is told that others were in the way was not alone, and waited if that is what is said."""

from __future__ import annotations

import math
from collections.abc import Iterator

from chaos.checkers import Finding
from chaos.evidence import Evidence

# Where time comes from schedules, the worker publishes, too, and tells nobody.
OF_SCHEDULES = """
    (kind IN ('hours', 'exception', 'time_off', 'take_off', 'end_off', 'calendar', 'apply', 'close')
    OR (kind IN ('book', 'cancel', 'confirm') AND json_extract(asked, '$.service_id') IS NULL
        AND COALESCE(json_array_length(asked, '$.slots'), 0) = 0))
"""
LOCKED = f"""
    SELECT n, attacker, door, kind, began, ended, code, {OF_SCHEDULES} FROM operations
    WHERE result = 'fail'
      AND code IN ('INVENTORY_LOCKED', '55P03', 'CONCURRENCY_ABORT', '40P01', '40001')
      AND NOT EXISTS (
        SELECT 1 FROM faults f
        WHERE f.began <= operations.ended AND operations.began <= COALESCE(f.ended, 1e18) + ?)
"""
# Whoever only reads is in nobody's way. Of whom nobody heard anything, nobody knows how long the
# server went on with it.
UNDER_WAY = """
    SELECT began AS at, 1 AS change, n FROM operations WHERE kind NOT IN ('read', 'search', 'list')
    UNION ALL
    SELECT CASE result WHEN 'unknown' THEN COALESCE(ended, began) + ? ELSE ended END, 0, n
    FROM operations WHERE kind NOT IN ('read', 'search', 'list')
    ORDER BY at, change DESC
"""
# No lock is waited for less than a second, whatever the server's settings; a bit less by our clock.
WAITED_SECONDS_MIN = 0.9
WAITED = {"INVENTORY_LOCKED", "55P03"}
# The worker comes once in a while: so few of those it could have been in the way of, at most, made
# way for it alone, and one in so many.
FEW, SELDOM = 3, 100
# What a fault has cut off may hold its locks until the server notices.
LINGER_SECONDS = 60.0


def locked_by_nobody(evidence: Evidence) -> Iterator[Finding]:
    """Those who were not kept waiting by others for as long as anybody waits for a lock, and those
    who made way for nobody.
    """
    locked = {row[0]: row for row in evidence.query(LOCKED, [LINGER_SECONDS])}
    if not locked:
        return
    for_the_worker: list[Finding] = []
    waited = _kept_waiting(evidence, {n: row[4] for n, row in locked.items()})
    for n, attacker, door, kind, began, ended, code, of_schedules in locked.values():
        words = f"operation {n} by {attacker}, {kind} by {door}: {code} after {ended - began:.3f} s"
        others = ended - began if of_schedules else waited[n]
        if code in WAITED and others < WAITED_SECONDS_MIN:
            yield Finding("locked_by_nobody", words)
        elif code not in WAITED and not waited[n]:
            found = Finding("made_way_for_nobody", words)
            if of_schedules:
                for_the_worker.append(found)
            else:
                yield found
    asked = evidence.one(f"SELECT count(*) FROM operations WHERE {OF_SCHEDULES}")
    if len(for_the_worker) > max(FEW, asked / SELDOM):
        yield from for_the_worker


def _kept_waiting(evidence: Evidence, begun: dict[int, float]) -> dict[int, float]:
    """For how long at a stretch somebody else was under way, while these were; `begun`: since when.

    One walk over all that was under way, so that many of them cost no more than one.
    """
    waited = dict.fromkeys(begun, 0.0)
    under_way: set[int] = set()
    # Since when it has been two or more.
    since = math.inf
    for at, change, n in evidence.query(UNDER_WAY, [LINGER_SECONDS]):
        if change:
            under_way.add(n)
            if len(under_way) == 2:
                since = at
            continue
        leaving = {n, *under_way} if len(under_way) == 2 else {n}
        for one in leaving & waited.keys():
            if len(under_way) > 1:
                waited[one] = max(waited[one], at - max(since, begun[one]))
        under_way.discard(n)
        if len(under_way) < 2:
            since = math.inf
    return waited
