"""What the judges read: a run's history and what its database held at the end, on disk, indexed.

A run of a million operations does not fit the memory of everybody who wants to judge it. Both are
therefore loaded once into one file of SQLite, which sorts on disk; every checker then reads what
it needs in the order in which it needs it. Nothing here knows a function or a view of the product.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chaos.history import Operation, read_history
from chaos.run import EVIDENCE, FAULTS, HISTORY, read_run

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT);
-- The capacity that each slot had when the run began, and its time.
CREATE TABLE stage (
    slot_id TEXT PRIMARY KEY, provider_id TEXT, capacity INTEGER, starts INTEGER, ends INTEGER);
-- ended: of unknown ones when the client gave up; NULL if that was never seen either.
CREATE TABLE operations (
    n INTEGER PRIMARY KEY, attacker TEXT, door TEXT, kind TEXT, began REAL, ended REAL,
    result TEXT, code TEXT, status INTEGER, token TEXT, key TEXT, booking_id TEXT,
    quantity INTEGER, hold REAL, replayed INTEGER, asked TEXT, answer TEXT,
    starts INTEGER, ends INTEGER);
-- Which slots an operation is about, and which part of them: what lies in [starts, ends).
CREATE TABLE aims (slot_id TEXT, n INTEGER, starts INTEGER, ends INTEGER);
-- What was offered or shown: so many places of a slot, or of a part of it, free at some moment of
-- [began, ended].
CREATE TABLE offers (
    slot_id TEXT, n INTEGER, began REAL, ended REAL, what TEXT, places INTEGER,
    starts INTEGER, ends INTEGER);
CREATE TABLE faults (name TEXT, began REAL, ended REAL);
-- The rows at the end. Times: microseconds of the epoch; NULL: none, or without bound.
CREATE TABLE slots (
    id TEXT PRIMARY KEY, provider_id TEXT, starts INTEGER, ends INTEGER, capacity INTEGER);
CREATE TABLE bookings (
    id TEXT PRIMARY KEY, kind TEXT, status TEXT, quantity INTEGER, claim_count INTEGER,
    version INTEGER, token TEXT, slot_ids TEXT, provider_id TEXT, guests INTEGER);
CREATE TABLE claims (
    booking_id TEXT, ordinal INTEGER, slot_id TEXT, provider_id TEXT, starts INTEGER, ends INTEGER,
    units TEXT);
CREATE TABLE events (booking_id TEXT, sequence INTEGER, kind TEXT, changes TEXT);
CREATE TABLE keys (key TEXT, booking_id TEXT);
-- The run's own customers, and whoever has been erased; whose bookings are; and every word that is
-- left of those who are erased, or that stands where no word of anybody may be.
CREATE TABLE people (id TEXT PRIMARY KEY, erased INTEGER);
CREATE TABLE guests (booking_id TEXT PRIMARY KEY, customer_id TEXT);
CREATE TABLE remains (place TEXT, id TEXT, customer_id TEXT, field TEXT, words TEXT);
"""
INDEXES = """
CREATE INDEX operations_by_token ON operations (token, began) WHERE token IS NOT NULL;
CREATE INDEX operations_by_booking ON operations (booking_id) WHERE booking_id IS NOT NULL;
CREATE INDEX operations_by_key ON operations (key, began) WHERE key IS NOT NULL;
CREATE INDEX operations_by_kind ON operations (kind, result, code);
-- What the report asks of each fault: without it, it would read all operations for each.
CREATE INDEX operations_by_moment ON operations (began, ended, result, code, status);
CREATE INDEX aims_by_slot ON aims (slot_id, n);
CREATE INDEX aims_by_operation ON aims (n);
CREATE INDEX offers_by_slot ON offers (slot_id, what, starts, ends, began);
CREATE INDEX bookings_by_token ON bookings (token);
CREATE INDEX claims_by_calendar ON claims (provider_id, starts);
CREATE INDEX claims_by_booking ON claims (booking_id, ordinal);
CREATE INDEX claims_by_slot ON claims (slot_id, starts);
CREATE INDEX events_by_booking ON events (booking_id, sequence);
CREATE INDEX keys_by_key ON keys (key);
ANALYZE;
"""
BATCH = 5000
TABLES = {
    "stage": 5,
    "operations": 19,
    "aims": 4,
    "offers": 8,
    "faults": 3,
    "slots": 5,
    "bookings": 10,
    "claims": 7,
    "events": 4,
    "keys": 2,
    "people": 2,
    "guests": 2,
    "remains": 5,
}
Row = Sequence[Any]
Span = tuple[int, int]
# Microseconds of the epoch between which everything lies: the span of whoever names no part.
WHOLE: Span = (-(2**62), 2**62)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000


class Evidence:
    """The indexed file, open for reading; `query` streams rows."""

    def __init__(self, path: Path | str) -> None:
        self.connection = sqlite3.connect(path)

    @classmethod
    def collect(
        cls,
        folder: Path,
        data: Mapping[str, Iterable[Row]],
        rows_read_at: float | None,
        clock_moved: float = 0.0,
    ) -> Evidence:
        """Everything about the run in this folder; `data`: the rows as they stood at the end, by
        table, so many seconds after the run began; None where nobody knows. `clock_moved`: by
        how many seconds the clock of the day was set meanwhile.
        """
        header, stage = read_run(folder)
        header = {
            **header,
            "services": stage.services,
            "calendars": stage.calendars,
            "rows_read_at": rows_read_at,
            "clock_moved": clock_moved,
        }
        path = folder / EVIDENCE
        path.unlink(missing_ok=True)
        found = cls(path)
        places = [
            (slot.id, slot.provider_id, slot.capacity, moment(slot.start), moment(slot.end))
            for slot in stage.slots.values()
        ]
        faults = read_faults(folder / FAULTS)
        rows = {**data, "stage": places, "faults": faults}
        found.fill(header, read_history(folder / HISTORY), rows)
        return found

    def fill(
        self,
        header: Mapping[str, Any],
        operations: Iterable[Operation],
        rows: Mapping[str, Iterable[Row]],
    ) -> None:
        """Load a history and rows into the empty file, and index them."""
        self.connection.executescript(SCHEMA)
        self.insert("run", 2, ((name, json.dumps(value)) for name, value in header.items()))
        self._load(operations)
        for table, those in rows.items():
            self.insert(table, TABLES[table], those)
        self.connection.executescript(INDEXES)
        self.connection.commit()

    def insert(self, table: str, columns: int, rows: Iterable[Row]) -> None:
        """Append rows; never more of them in memory than a batch."""
        marks = ", ".join("?" * columns)
        self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def query(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement, one after another."""
        cursor = self.connection.execute(statement, values)
        cursor.arraysize = BATCH
        while rows := cursor.fetchmany():
            yield from rows

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """The only value of a statement."""
        return self.connection.execute(statement, values).fetchone()[0]

    def setting(self, name: str) -> Any:
        """What the run's header says of it; None if nothing."""
        row = self.connection.execute("SELECT value FROM run WHERE key = ?", [name]).fetchone()
        return row and json.loads(row[0])

    @property
    def complete(self) -> bool:
        """Whether everything was collected: the last thing made is there."""
        last = "SELECT count(*) FROM sqlite_master WHERE name = 'keys_by_key'"
        return bool(self.one(last))

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def _load(self, operations: Iterable[Operation]) -> None:
        batch: list[Operation] = []
        for operation in operations:
            batch.append(operation)
            if len(batch) == BATCH:
                self._load_batch(batch)
                batch.clear()
        self._load_batch(batch)

    def _load_batch(self, batch: Sequence[Operation]) -> None:
        self.insert("operations", TABLES["operations"], (_operation_row(o) for o in batch))
        self.insert("aims", TABLES["aims"], (row for o in batch for row in _aims(o)))
        self.insert("offers", TABLES["offers"], (row for o in batch for row in _offers(o)))


def _operation_row(operation: Operation) -> Row:
    asked, answer = operation.asked, operation.answer
    return (
        operation.number,
        operation.attacker,
        operation.door,
        operation.kind,
        operation.began,
        operation.ended,
        operation.result,
        operation.code,
        operation.status,
        asked.get("token"),
        asked.get("key"),
        answer.get("booking_id") or asked.get("booking_id"),
        answer.get("quantity") or asked.get("quantity"),
        _hold_of(operation),
        int(bool(answer.get("replayed"))),
        json.dumps(asked),
        json.dumps(answer),
        *span_of(asked),
    )


def moment(text: str) -> int:
    """Microseconds of the epoch, of a time as JSON and SQL write it."""
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


def span_of(asked: Mapping[str, Any]) -> Span:
    """The part of its slots, or of a provider's time, that an operation is about; of a service with
    the buffers around it.
    """
    if not asked.get("start") or not asked.keys() & {"slots", "service_id", "quantity"}:
        return WHOLE
    return occupied(asked, asked["start"], asked["end"])


def occupied(asked: Mapping[str, Any], start: str, end: str) -> Span:
    """What is occupied when that time is shown: with the buffers of what was asked for, if any."""
    before, after = (asked.get(name, 0) * MINUTE for name in ("before", "after"))
    return moment(start) - before, moment(end) + after


def _aims(operation: Operation) -> Iterator[Row]:
    span = span_of(operation.asked)
    for slot in operation.asked.get("slots", ()):
        yield (slot, operation.number, *span)


def _hold_of(operation: Operation) -> float | None:
    """For how many seconds a hold is held: as the server said, else as asked for; -1: who knows."""
    asked = operation.asked.get("hold")
    said = operation.answer.get("hold", asked)
    return -1 if said is True else said if asked else None


def _offers(operation: Operation) -> Iterator[Row]:
    """Alternatives that came with a refusal, and places that an availability list showed."""
    when = (operation.number, operation.began, operation.ended)
    for slots, places, *part in operation.answer.get("alternatives", ()):
        span = occupied(operation.asked, part[0], part[1]) if part else WHOLE
        for slot in slots:
            yield (slot, *when, "alternative", places, *span)
    for slot, places in operation.answer.get("shown", {}).items():
        yield (slot, *when, "shown", places, *WHOLE)
    for slot, shown in operation.answer.get("parts", {}).items():
        for places, span in _stretches(shown):
            yield (slot, *when, "part", places, *span)


def _stretches(shown: Mapping[str, Any]) -> Iterator[tuple[int, Span]]:
    """The free stretches of a slot, and with 0 places what a list leaves out between them."""
    reached = moment(shown["start"])
    for start, end, places in shown["free"]:
        begin = moment(start)
        if begin > reached:
            yield 0, (reached, begin)
        reached = moment(end)
        yield places, (begin, reached)
    last = moment(shown["end"])
    if last > reached:
        yield 0, (reached, last)


def read_faults(path: Path) -> Iterator[Row]:
    """Name, beginning and end of each fault of faults.jsonl; none if there is no such file."""
    begun: dict[int, dict[str, Any]] = {}
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            if "begin" in line:
                begun[line["fault"]] = line
            elif line["fault"] in begun:
                first = begun.pop(line["fault"])
                yield first["name"], first["begin"], line["end"]
    for line in begun.values():
        yield line["name"], line["begin"], None
