"""What a run has come to: every promise held, one was broken, or nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chaos.checkers import Verdict
from chaos.course import Course, course_of
from chaos.evidence import Evidence
from chaos.run import EVIDENCE, read_run

HELD, VIOLATED, UNKNOWN = 0, 1, 2
# Of the attack, and not of what it attacks: these say nothing about a promise.
ATTACK_FAILED = {
    "nothing_contended",
    "never_happened",
    "hardly_ever_calm",
    "out_of_time_too_often",
    "could_not_be_made",
    "hit_nothing",
    "never_ended",
}
REASONS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Conclusion:
    """`code`: the exit code. `outcome`: held, violated, proves_nothing or incomplete; `words` says
    it to people, and `notes` what else they must know.
    """

    code: int
    outcome: str
    words: str
    notes: tuple[str, ...]


def broken(verdict: Verdict) -> int:
    """How many findings say that this promise was broken."""
    return sum(number for kind, number in verdict.kinds.items() if kind not in ATTACK_FAILED)


def held(verdicts: Sequence[Verdict]) -> bool:
    """Whether every promise held, and whatever every run must show was seen."""
    return all(verdict.holds for verdict in verdicts)


def tally(verdicts: Sequence[Verdict]) -> str:
    """How many checkers found nothing wrong, and how many had nothing to look at."""
    passed, empty = (sum(v.status == s for v in verdicts) for s in ("PASS", "EMPTY"))
    saw_nothing = f"; {empty} had nothing to look at" if empty else ""
    return f"{passed} of {len(verdicts)} checkers found nothing wrong{saw_nothing}."


def concluded(
    verdicts: Sequence[Verdict], course: Course, *, as_far_as_it_came: bool = False
) -> Conclusion:
    """The end of it all. `as_far_as_it_came`: a run that ended early may hold for what it did."""
    remarks = course.remarks
    early = (course.words,) if course.words else ()
    if violators := [verdict for verdict in verdicts if broken(verdict)]:
        names = ", ".join(f"{one.checker} ({broken(one):,})" for one in violators)
        return Conclusion(
            VIOLATED, "violated", "VIOLATED.", (f"Not kept: {names}.", *early, *remarks)
        )
    if not held(verdicts):
        reasons = list(_reasons(verdicts))
        more = len(reasons) - REASONS_SHOWN
        rest = (f"And {more} more.",) if more > 0 else ()
        notes = (
            "No promise was seen to be broken, but the attack was not what it was to be:",
            *reasons[:REASONS_SHOWN],
            *rest,
            *early,
            *remarks,
        )
        return Conclusion(UNKNOWN, "proves_nothing", "PROVES NOTHING.", notes)
    if early and not as_far_as_it_came:
        notes = (*early, "What it did broke no promise.", *remarks)
        return Conclusion(UNKNOWN, "incomplete", "INCOMPLETE.", notes)
    words = "Every promise held, as far as the run came." if early else "Every promise held."
    return Conclusion(HELD, "held", words, (*early, *remarks))


def conclusion_of(
    folder: Path, verdicts: Sequence[Verdict], *, as_far_as_it_came: bool = False
) -> Conclusion:
    """The conclusion of the run in this folder, whose evidence was collected."""
    with closing(Evidence(folder / EVIDENCE)) as evidence:
        course = course_in(folder, evidence)
    return concluded(verdicts, course, as_far_as_it_came=as_far_as_it_came)


def course_in(folder: Path, evidence: Evidence) -> Course:
    """How far the run of this evidence came. A line that a crash has cut off is an attempt, too."""
    attempts = evidence.one("SELECT COALESCE(max(n), 0) FROM operations")
    moved = evidence.setting("clock_moved") or 0.0
    return course_of(folder, read_run(folder)[0]["iterations"], attempts, moved)


def _reasons(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        if verdict.status == "EMPTY" and verdict.required:
            yield f"{verdict.checker} had nothing to look at."
        for finding in verdict.findings:
            yield f"{verdict.checker}: {finding.kind}, {finding.about}"
