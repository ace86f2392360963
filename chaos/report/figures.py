"""The numbers of a run: counted from its evidence, streamed, so that its length does not matter."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from chaos.checkers import Verdict
from chaos.conclusion import broken, concluded, course_in, tally
from chaos.evidence import Evidence
from chaos.faults.all import FAULTS
from chaos.faults.excuses import Excuses
from chaos.faults.overload import overload_of
from chaos.faults.record import read_struck
from chaos.run import read_run
from chaos.screen import most_at_once, repetition

TENTHS = 10
BUCKETS_MAX = 150
BUCKET_SECONDS_MIN = 0.25
SAID = "CASE WHEN code <> '' THEN code ELSE 'no answer' END"
# Of an impatient customer nobody knows how long he would have waited.
ANSWERED = "ended IS NOT NULL AND code <> 'HUNG_UP'"
WHO = "substr(attacker, 1, instr(attacker || ' ', ' ') - 1)"
RESULTS = """
    SELECT count(*), count(*) FILTER (WHERE result = 'ok'),
           count(*) FILTER (WHERE result = 'fail'), count(*) FILTER (WHERE result = 'unknown')
    FROM operations
"""
ATTACKERS = f"""
    SELECT {WHO}, count(*), count(*) FILTER (WHERE result = 'ok'),
           count(*) FILTER (WHERE result = 'fail'), count(*) FILTER (WHERE result = 'unknown')
    FROM operations GROUP BY 1 ORDER BY 1
"""
OUTCOMES = f"""
    SELECT kind, door, result, {SAID}, status, count(*) FROM operations
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
LATENCIES = f"""
    SELECT door, kind, ended - began FROM operations WHERE {ANSWERED} ORDER BY 1, 2, 3
"""
MOMENTS = f"""
    SELECT CAST(ended / ? AS INTEGER), result, ended - began, {ANSWERED}
    FROM operations WHERE ended IS NOT NULL ORDER BY 1
"""
WON = """
    SELECT min(CAST(began / ? AS INTEGER), 9), count(*),
           count(*) FILTER (WHERE result = 'ok' AND NOT replayed)
    FROM operations WHERE kind = 'book' GROUP BY 1
"""
SEEN = f"""
    SELECT {SAID}, count(*) FROM operations
    WHERE began <= ? AND COALESCE(ended, ?) >= ? AND code <> 'HUNG_UP'
      AND (result = 'unknown' OR status >= 500
           OR code IN ('INVENTORY_LOCKED', 'CONCURRENCY_ABORT', '55P03', '57014'))
    GROUP BY 1 ORDER BY 2 DESC, 1
"""
SLOWEST = "SELECT round(max(ended - began), 3) FROM operations WHERE began <= ? AND ended >= ?"


def figures(
    folder: Path,
    evidence: Evidence,
    verdicts: Sequence[Verdict],
    *,
    as_far_as_it_came: bool = False,
) -> dict[str, Any]:
    """Everything that the report says, as JSON has it. Times: seconds of the run's clock."""
    course = course_in(folder, evidence)
    end = concluded(verdicts, course, as_far_as_it_came=as_far_as_it_came)
    header, _ = read_run(folder)
    attempts, ok, fail, unknown = next(evidence.query(RESULTS))
    seconds = evidence.one("SELECT COALESCE(max(ended), 0.0) FROM operations")
    command, _ = repetition(header)
    return {
        "held": end.outcome == "held",
        "outcome": end.outcome,
        "conclusion": end.words,
        "notes": list(end.notes),
        "tally": tally(verdicts),
        "course": course.as_json(),
        "violations": sum(map(broken, verdicts)),
        "run": {name: told for name, told in header.items() if name not in {"boot", "clock_zero"}},
        "attempts": attempts,
        "results": {"ok": ok, "fail": fail, "unknown": unknown},
        "seconds": round(seconds, 3),
        "most_at_once": most_at_once(folder),
        "calm": asdict(Excuses(evidence).calm()),
        "overload": asdict(overload_of(evidence)),
        "won": _won(evidence, seconds),
        "attackers": _rows(evidence, ATTACKERS, ("attacker", "attempts", "ok", "fail", "unknown")),
        "outcomes": _rows(
            evidence, OUTCOMES, ("kind", "door", "result", "code", "status", "number")
        ),
        "latencies_ms": list(_latencies(evidence)),
        "timeline": _timeline(evidence, seconds),
        "faults": list(_faults(folder, evidence, seconds)),
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "repeat": command,
    }


def _rows(evidence: Evidence, statement: str, names: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in evidence.query(statement)]


def _latencies(evidence: Evidence) -> Iterator[dict[str, Any]]:
    for (door, kind), rows in groupby(evidence.query(LATENCIES), key=lambda row: row[:2]):
        times = array("d", (row[2] for row in rows))
        yield {"door": door, "kind": kind, "answers": len(times), **_percentiles(times)}


def _percentiles(times: Sequence[float]) -> dict[str, float | None]:
    """Of sorted seconds, in milliseconds: the value that so many of a hundred do not exceed."""
    places = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    if not times:
        return dict.fromkeys(places)
    last = len(times) - 1
    return {name: round(times[round(share * last)] * 1000, 2) for name, share in places.items()}


def _won(evidence: Evidence, seconds: float) -> list[dict[str, int]]:
    """Of each tenth of the run: how many asked to book, and how many of them won."""
    tenths = [{"asked": 0, "won": 0} for _ in range(TENTHS)]
    for tenth, asked, won in evidence.query(WON, [max(seconds, 0.001) / TENTHS]):
        tenths[tenth] = {"asked": asked, "won": won}
    return tenths


def _timeline(evidence: Evidence, seconds: float) -> dict[str, Any]:
    """What ended in each stretch of the run: how many by result, and how long they took."""
    width = max(seconds / BUCKETS_MAX, BUCKET_SECONDS_MIN)
    number = int(seconds / width) + 1
    buckets: list[dict[str, Any]] = [
        {"at": round(index * width, 3), "ok": 0, "fail": 0, "unknown": 0, **_percentiles(())}
        for index in range(number)
    ]
    for index, rows in groupby(evidence.query(MOMENTS, [width]), key=lambda row: int(row[0])):
        bucket, times = buckets[index], array("d")
        for _, result, latency, answered in rows:
            bucket[result] += 1
            if answered:
                times.append(latency)
        bucket |= _percentiles(sorted(times))
        buckets[index] = bucket
    return {"seconds": width, "buckets": buckets}


def _faults(folder: Path, evidence: Evidence, seconds: float) -> Iterator[dict[str, Any]]:
    for struck in read_struck(folder):
        end = seconds if struck.end is None else struck.end
        seen = dict(evidence.query(SEEN, [end, seconds, struck.begin]))
        slowest = evidence.one(SLOWEST, [end, struck.begin])
        about = FAULTS[struck.name].about if struck.name in FAULTS else ""
        yield {**asdict(struck), "about": about, "seen": seen, "slowest_seconds": slowest}
