"""An export: what a vendor has, of one moment, in one file a kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row
from sqlalchemy import text

from app import db
from app.records.writing import together, writer
from app.transfer.cells import written_hours, written_moment
from app.transfer.kinds import DAYS, KINDS
from app.transfer.statements import STATEMENTS
from app.transfer.watching import Tick, Unwatched

FETCHED_AT_ONCE = 2_000
_UNWATCHED = Unwatched()
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Slots and bookings that overlap the time from `start` to `end`; None: without that bound."""

    start: datetime | None = None
    end: datetime | None = None


class FileThereError(Exception):
    """A file of this name is there already; the message says which."""


def export_files(
    vendor_id: UUID,
    folder: Path,
    form: str,
    kinds: Sequence[str],
    *,
    window: Window | None = None,
    overwrite: bool = False,
    tick: Tick = _UNWATCHED,
) -> dict[str, int]:
    """How many rows of each kind are now in the folder, in files that only their owner can read.

    All of them as they were at one moment. Raises FileThereError, OSError, DatabaseProblem.
    """
    paths = {kind: folder / f"{kind}.{form}" for kind in kinds}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with together(paths.values()):
        there = [str(path) for path in paths.values() if path.exists()]
        if there and not overwrite:
            raise FileThereError(
                f"There is {there[0]} already: name another folder, or --overwrite."
            )
        return _export(vendor_id, paths, form, window or Window(), tick)


def _export(
    vendor_id: UUID, paths: dict[str, Path], form: str, window: Window, tick: Tick
) -> dict[str, int]:
    counts = dict.fromkeys(paths, 0)
    with db.transaction() as session:
        # One snapshot for all files.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection = session.connection().connection.driver_connection
        for kind, path in paths.items():
            with (
                writer(path, tuple(KINDS[kind].columns), form) as records,
                _rows(connection, STATEMENTS[kind], vendor_id, window) as rows,
            ):
                for row in rows:
                    records.write(_written(row))
                    counts[kind] += 1
                    tick(f"Exporting {kind}")
    return counts


@contextmanager
def _rows(
    connection: Any, statement: str, vendor_id: UUID, window: Window
) -> Iterator[Iterator[Record]]:
    """The rows of a statement, some at a time, whatever their number."""
    values = {"vendor_id": vendor_id, "start": window.start, "end": window.end}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"DECLARE exported NO SCROLL CURSOR FOR {statement}", values)

        def fetched() -> Iterator[Record]:
            while batch := cursor.execute(f"FETCH {FETCHED_AT_ONCE} FROM exported").fetchall():
                yield from batch

        yield fetched()
        cursor.execute("CLOSE exported")


def _written(row: Record) -> Record:
    """A row as its file has it."""
    record = dict(row)
    zone = record.pop("zone", None)
    for name, value in row.items():
        if isinstance(value, datetime):
            record[name] = written_moment(value, zone)
        elif isinstance(value, UUID):
            record[name] = str(value)
        elif hasattr(value, "isoformat"):
            record[name] = value.isoformat()
    if "weekly" in record:
        weekly = record.pop("weekly")
        record |= {day: written_hours(weekly.get(day) or []) for day in DAYS}
    if "hours" in record:
        record["hours"] = written_hours(record["hours"])
    return record
