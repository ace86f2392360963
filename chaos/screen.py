"""What a run has come to, on one screen: counts, the verdicts, and the command that repeats it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from chaos.checkers import Verdict
from chaos.conclusion import Conclusion, tally
from chaos.evidence import Evidence
from chaos.run import EVIDENCE, read_run

FINDINGS_SHOWN = 5
COUNTS = """
    SELECT kind, door, result, CASE code WHEN '' THEN 'no answer' ELSE code END, count(*)
    FROM operations GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


def screen(folder: Path, verdicts: Sequence[Verdict], end: Conclusion) -> str:
    """The report of a run that was judged."""
    header, _ = read_run(folder)
    evidence = Evidence(folder / EVIDENCE)
    try:
        number = evidence.one("SELECT count(*) FROM operations")
        seconds = evidence.one("SELECT COALESCE(max(ended), 0) FROM operations")
        counts = list(evidence.query(COUNTS))
    finally:
        evidence.close()
    target = header["target"]
    where = f"{target['url']}, vendor {target['vendor']}"
    title = f"{header['workload']}: {header['users']} users on {where}"
    lines = [
        "",
        title,
        f"{number} operations in {seconds:.1f} s, up to {most_at_once(folder)} under way at once:",
        *(f"  {k:<12}{d:<7}{r:<9}{c:<28}{n:>8}" for k, d, r, c, n in counts),
        "",
        *(line for verdict in verdicts for line in _told(verdict)),
        "",
        f"{end.words} {tally(verdicts)}",
        *end.notes,
        f"The report is {folder / 'report.html'}; everything else about the run is beside it.",
        "",
        *repetition(header),
    ]
    return "\n".join(lines)


def _told(verdict: Verdict) -> Iterator[str]:
    missing = ", which every run must give it" if not verdict.holds and not verdict.count else ""
    seen = f"{verdict.examined:>9} examined{missing}"
    yield f"  {verdict.status:<5} {verdict.checker:<26}{seen}"
    found = sorted(verdict.findings, key=lambda finding: finding.kind)
    for kind, same in groupby(found, key=lambda finding: finding.kind):
        yield f"        {kind} ({verdict.kinds[kind]})"
        yield from (f"          {one.about}" for one in list(same)[:FINDINGS_SHOWN])


def repetition(header: dict[str, Any]) -> Iterator[str]:
    """How to run the same again."""
    target = "a demo of its own" if header.get("fresh") else "same target"
    where = f" (commit {header['commit']}, {target})" if header["commit"] else f" ({target})"
    words = ["--workload", header["workload"], "--seed", header["seed"]]
    words += ["--iterations", header["iterations"], "--users", header["users"]]
    words += ["--fresh"] if header.get("fresh") else []
    for name in ("duration", "sabotage", "faults"):
        if header.get(name):
            words += [f"--{name}", header[name]]
    yield f"Repeat it{where}: python -m chaos run {' '.join(map(str, words))}"
    yield "The seed fixes what each user asks for, not the order in which the users meet."


def most_at_once(folder: Path) -> int:
    """The largest number of operations under way at one moment."""
    evidence = Evidence(folder / EVIDENCE)
    under_way = most = 0
    statement = """
        SELECT moment, change FROM (
            SELECT began AS moment, 1 AS change FROM operations
            UNION ALL SELECT ended, -1 FROM operations WHERE ended IS NOT NULL)
        ORDER BY moment, change
    """
    for _, change in evidence.query(statement):
        under_way += change
        most = max(most, under_way)
    evidence.close()
    return most
