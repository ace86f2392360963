"""The judges: each reads the evidence and says what must never be; none shares the product's code.

A checker is a function from the evidence to findings, with a name and the promise it watches over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from chaos.evidence import Evidence

FINDINGS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must never be: what kind, and what it is about, in words."""

    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class Checker:
    """Watches over one promise. `find` yields what breaks it; `examined` counts what it looked at,
    so that a run without anything to look at does not pass for a proof.

    `required`: every run that is held to it must have something for it to look at.
    """

    name: str
    promise: str
    find: Callable[[Evidence], Iterator[Finding]]
    examined: str
    required: bool = False


@dataclass(slots=True)
class Verdict:
    """What a checker came to. `findings`: the first few; `count`: all of them.

    EMPTY: there was nothing to look at, which proves nothing, and fails the run if it is required.
    """

    checker: str
    promise: str
    status: Literal["PASS", "FAIL", "EMPTY"]
    count: int
    examined: int
    seconds: float
    kinds: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    required: bool = False

    @property
    def holds(self) -> bool:
        """Whether the run may pass, as far as this one is concerned."""
        return self.status == "PASS" or (self.status == "EMPTY" and not self.required)


def judge(evidence: Evidence, checkers: Iterable[Checker]) -> list[Verdict]:
    """The verdict of every checker, in their order."""
    return [_verdict(evidence, checker) for checker in checkers]


def _verdict(evidence: Evidence, checker: Checker) -> Verdict:
    began = time.monotonic()
    verdict = Verdict(checker.name, checker.promise, "PASS", 0, 0, 0.0, required=checker.required)
    for finding in checker.find(evidence):
        verdict.status = "FAIL"
        verdict.count += 1
        verdict.kinds[finding.kind] = verdict.kinds.get(finding.kind, 0) + 1
        if len(verdict.findings) < FINDINGS_KEPT:
            verdict.findings.append(finding)
    verdict.examined = evidence.one(checker.examined)
    if verdict.status == "PASS" and not verdict.examined:
        verdict.status = "EMPTY"
    verdict.seconds = round(time.monotonic() - began, 3)
    return verdict


def write_verdicts(verdicts: Sequence[Verdict], path: Path) -> None:
    """Keep them as JSON, for the report and for other programs."""
    path.write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=2))


def read_verdicts(path: Path) -> list[Verdict]:
    """As they were kept."""
    kept: list[dict[str, Any]] = json.loads(path.read_text())
    return [
        Verdict(**{**one, "findings": [Finding(**found) for found in one["findings"]]})
        for one in kept
    ]
