"""What the kinds of an import share: the transaction, the files, what is known and what is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.records.lines import UTF_8
from app.records.reading import FileError, Record, read_records
from app.transfer.directory import Directory
from app.transfer.faults import Faults, RowError
from app.transfer.kinds import Kind
from app.transfer.watching import IMPORTING, Tick

ACTOR = {"type": "system", "id": "slotkeeper import"}
Done = Literal["made", "changed", "unchanged", "left out"]
# So many new rows make a table another one for the planner, and then twice as many.
PLANNED_ANEW_AT = 100
CHANGED = "The file has changed while it was read: import it again."
Wanted = TypeVar("Wanted")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of one kind. `form`: csv or json; None: as its name says."""

    path: Path
    kind: Kind
    form: str | None = None
    encoding: str = UTF_8
    name: str = ""

    @property
    def shown(self) -> str:
        """What it is called in messages."""
        return self.name or self.path.name


@dataclass(slots=True)
class Report:
    """How many rows of each kind were made, changed, there already, or left out; and remarks."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def count(self, kind: str, done: Done, number: int = 1) -> None:
        """Note what was done with rows."""
        self.counts.setdefault(kind, Counter())[done] += number


@dataclass(slots=True)
class Context:
    """One run of an import, in its transaction."""

    session: Session
    vendor_id: UUID
    directory: Directory
    sources: list[Source]
    update: bool
    tick: Tick
    actor: dict[str, Any] = field(default_factory=lambda: ACTOR)
    faults: Faults = field(default_factory=Faults)
    report: Report = field(default_factory=Report)
    _new: int = 0
    _plan_at: int = PLANNED_ANEW_AT

    def grew(self, rows: int) -> None:
        """Have statements planned anew whenever the new rows have become twice as many.

        A session keeps its plans until a table is analyzed, and nobody else can analyze what has
        not been committed. A plan made while a table was small, when one index is as good as
        another, may read all of the vendor's rows for each that is wanted. Planned anew, it knows
        how large the table has become.
        """
        self._new += rows
        if self._new >= self._plan_at:
            self.session.execute(text("DISCARD PLANS"))
            self._plan_at = 2 * self._new

    def rows(self, kind: Kind, step: str | None = None) -> Iterator[tuple[str, Record]]:
        """The records of all files of the kind, each with its file's name; `step`: what is done
        with each of them, for whoever watches.
        """
        for source in self.sources:
            if source.kind is not kind:
                continue
            try:
                for record in read_records(source.path, kind.shape, source.form, source.encoding):
                    yield source.shown, record
                    if step is not None:
                        self.tick(f"{step} {kind.name}")
            except FileError as error:
                self.faults.add(source.shown, None, {"": str(error)})

    def again(self, kind: Kind, read: Callable[[str, Record], Wanted]) -> Iterator[Wanted]:
        """What `read` makes of the records, but for those of which it is known what is wrong."""
        for file, record in self.rows(kind, IMPORTING):
            if self.faults.has(file, record):
                continue
            try:
                wanted = read(file, record)
            except RowError:
                self.faults.add(file, record, {"": CHANGED})
                return
            yield wanted

    def has(self, kind: Kind) -> bool:
        """Whether there is a file of the kind."""
        return any(source.kind is kind for source in self.sources)

    def keep_refs(self, kind: str, refs: dict[str, UUID]) -> None:
        """What rows are called in files, for the next import."""
        rows = [
            {"vendor_id": self.vendor_id, "kind": kind, "ref": ref, "row_id": row_id}
            for ref, row_id in refs.items()
            # Found by that anyway.
            if ref.lower() != str(row_id)
        ]
        if rows:
            self.session.execute(
                text(
                    "INSERT INTO import_refs (vendor_id, kind, ref, row_id)"
                    " VALUES (:vendor_id, :kind, :ref, :row_id) ON CONFLICT DO NOTHING"
                ),
                rows,
            )

    def kept_refs(self, kind: str, refs: list[str]) -> dict[str, UUID]:
        """The rows that were called so by an earlier import, or that have these ids."""
        found = self.session.execute(
            text(
                "SELECT ref, row_id FROM import_refs"
                " WHERE vendor_id = :vendor_id AND kind = :kind AND ref = ANY (:refs)"
            ),
            {"vendor_id": self.vendor_id, "kind": kind, "refs": refs},
        )
        return {row.ref: row.row_id for row in found}


def require(wrong: Mapping[str, str]) -> None:
    """Raises RowError if anything is wrong."""
    if wrong:
        raise RowError(wrong)
