"""How a run went on: when it was broken off and taken up again, and what ended it.

`sittings.jsonl` in the run's folder has a line for each end and each taking up. A run that was
killed has no line about that: nobody was there to write it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

SITTINGS = "sittings.jsonl"
# By so much it must have been set to be worth a word.
CLOCK_MOVED_SECONDS = 1.0
End = Literal["iterations", "duration", "stopped"]
EARLY = {
    "stopped": "stopped by somebody",
    "": "killed, or still going on: nobody saw its end",
}


@dataclass(frozen=True, slots=True)
class Break:
    """After so many attempts nobody asked for anything `since` then, in seconds of the run's clock,
    `until` the run was taken up again `at` that time of day.
    """

    after: int
    since: float
    until: float
    at: str

    @property
    def words(self) -> str:
        """For people to read."""
        return (
            f"Broken off after {self.after:,} attempts, {self.since:,.1f} s from its beginning, and"
            f" taken up again {self.until - self.since:,.1f} s later ({self.at})."
        )


@dataclass(frozen=True, slots=True)
class Course:
    """How far a run came: attempts that were `asked_for` and made, and what ended it ("": nobody
    saw that), with its breaks; and by how many seconds the clock of the day was set until its rows
    were read.
    """

    asked_for: int
    attempts: int
    ended_by: str
    breaks: tuple[Break, ...]
    clock_moved: float = 0.0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else people must know."""
        breaks = tuple(one.words for one in self.breaks)
        if self.clock_moved < CLOCK_MOVED_SECONDS:
            return breaks
        moved = (
            f"The clock of the day was set by {self.clock_moved:,.0f} s between the beginning and"
            " the judgement: holds were judged with so much slack."
        )
        return (*breaks, moved)

    @property
    def complete(self) -> bool:
        """Whether it made all attempts, or took all the time, that it was to."""
        return self.attempts >= self.asked_for or self.ended_by == "duration"

    @property
    def words(self) -> str:
        """For people to read; empty if it came to its end."""
        if self.complete:
            return ""
        return (
            f"Ended early, after {self.attempts:,} of {self.asked_for:,} attempts"
            f" ({EARLY.get(self.ended_by, EARLY[''])})."
        )

    def as_json(self) -> dict[str, Any]:
        """As the report has it."""
        return {
            "complete": self.complete,
            "asked_for": self.asked_for,
            "ended_by": self.ended_by,
            "breaks": [asdict(one) for one in self.breaks],
            "clock_moved": round(self.clock_moved, 3),
        }


def note_end(folder: Path, by: End) -> None:
    """The run in this folder has ended, and why."""
    _append(folder, {"ended_by": by})


def note_break(folder: Path, after: int, since: float, until: float) -> None:
    """The run in this folder was broken off after so many attempts, and goes on now; unless it had
    made them all, and is only judged once more.
    """
    if _ended_by(_sittings(folder)) != "iterations":
        at = datetime.now(UTC).isoformat(timespec="seconds")
        times = {"since": round(since, 3), "until": round(until, 3)}
        _append(folder, {"after": after, **times, "at": at})


def course_of(folder: Path, asked_for: int, attempts: int, clock_moved: float = 0.0) -> Course:
    """How the run in this folder went on, which has made so many attempts."""
    sittings = _sittings(folder)
    breaks = tuple(Break(**line) for line in sittings if "ended_by" not in line)
    return Course(asked_for, attempts, _ended_by(sittings), breaks, clock_moved)


def _ended_by(sittings: list[dict[str, Any]]) -> str:
    return str(sittings[-1].get("ended_by", "")) if sittings else ""


def _sittings(folder: Path) -> list[dict[str, Any]]:
    path = folder / SITTINGS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _append(folder: Path, line: dict[str, Any]) -> None:
    with (folder / SITTINGS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
