"""What is wrong with the rows of files: collected, each with its place, up to a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import Problem
from app.records.reading import Record

FAULTS_MAX = 100
FOUND_MAX = 60


class RowError(Exception):
    """A row cannot be taken: what is wrong, by column ("": the row as a whole)."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(str(wrong))
        self.wrong = wrong


class Wrong(dict[str, str]):
    """What is wrong with a row, by column; of a column, what was found first stands."""

    def __setitem__(self, column: str, message: str) -> None:
        self.setdefault(column, message)

    def note(self, wrong: Mapping[str, str]) -> None:
        """Add what else is wrong."""
        for column, message in wrong.items():
            self[column] = message


class ImportRefusedError(Exception):
    """Nothing has been written; `faults` say what is wrong, as far as it was looked for."""

    def __init__(self, faults: Faults) -> None:
        super().__init__("\n".join(map(str, faults.found)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in one place of a file."""

    file: str
    line: int | None
    column: str
    found: Any
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file} line {self.line}"
        column = f"{self.column}: " if self.column else ""
        return f"{place}: {column}{self.message}{_quoted(self.found)}"


class EnoughError(Exception):
    """As many faults as are told have been found."""


@dataclass(slots=True)
class Faults:
    """The faults found so far. Raises EnoughError when there are FAULTS_MAX of them."""

    found: list[Fault] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether there may be more than were told."""
        return len(self.found) >= FAULTS_MAX

    def has(self, file: str, record: Record, column: str | None = None) -> bool:
        """Whether something is known to be wrong with the record, or with that cell of it."""
        return any(
            (one.file, one.line) == (file, record.line) and column in {None, one.column}
            for one in self.found
        )

    def add(self, file: str, record: Record | None, wrong: Mapping[str, str]) -> None:
        """Note what is wrong with a record, by column; None: with the file."""
        for column, message in wrong.items():
            value = record.cells.get(column) if record else None
            line = record.line if record else None
            self.found.append(Fault(file, line, column, value, message))
            if self.full:
                raise EnoughError

    def refuse(self) -> None:
        """Raises ImportRefusedError if anything is wrong, with the faults in order of the lines."""
        if self.found:
            files = {
                file: i for i, file in enumerate(dict.fromkeys(one.file for one in self.found))
            }
            self.found.sort(key=lambda one: (files[one.file], one.line or 0))
            raise ImportRefusedError(self)


def wrong_of(problem: Problem, columns: Iterable[str]) -> dict[str, str]:
    """What a refusal of the application says, by the columns of a file."""
    errors = problem.members.get("errors")
    if not errors:
        return {"": problem.detail}
    known = list(columns)
    return dict(_by_column(errors, known))


def _by_column(errors: list[dict[str, str]], known: list[str]) -> Iterator[tuple[str, str]]:
    for error in errors:
        parts = error["field"].split(".")
        names = ["_".join(parts[:2]), *parts[:2], parts[0].removesuffix("_id")]
        names += [f"{names[-1]}s"]
        column = next((name for name in names if name in known), "")
        message = error["message"]
        yield column, message if column else f"{error['field']}: {message}"


def row_error(problem: Problem, columns: Iterable[str]) -> RowError:
    """The refusal as what is wrong with a row."""
    return RowError(wrong_of(problem, columns))


def _quoted(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    shown = text if len(text) <= FOUND_MAX else f"{text[:FOUND_MAX]}…"
    return f" Found: {shown!r}."
