"""`python -m bench.transfer`: what an import costs, the last rows of it as much as the first.

For each number of bookings a new database, of which nothing is known yet, takes a vendor from
files: 20 providers, slots of eight hours, customers, and bookings of an hour each. The processor
time of the command and of its session in the database is read at every quarter of the bookings.
`--slots` does the same with a file of so many slots and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from app.config import Settings
from app.db import db, offline_app
from app.devdb import EmbeddedPostgres
from app.transfer.context import Source
from app.transfer.importing import Choices, import_files
from app.transfer.kinds import KINDS
from app.transfer.watching import CHECKING, IMPORTING
from app.vendors.actions import create_vendor
from bench.measure import BenchError
from bench.report import RESULTS
from bench.stage import DIRECTORY, commit_id, make_database, open_stage, processors

SIZES = (20_000, 100_000)
# A quarter of the bookings is two batches at least.
ROWS_MIN = 2_000
PROVIDERS, HOURS = 20, range(9, 17)
BOOKINGS_OF_A_CUSTOMER = 5
QUARTER_OF_AN_HOUR = timedelta(minutes=15)
QUARTERS = 4
SESSION = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'slotkeeper' AND state <> 'idle'
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """An import of so many rows of a kind. `database` and `command`: milliseconds of processor for
    each row, by quarters; `checking`: those of the command for a row before anything is written.
    Memory in bytes at its highest: the command's, and the session's own (RssAnon).
    """

    kind: str
    rows: int
    seconds: float
    database: list[float]
    command: list[float]
    checking: float
    command_memory: int
    session_memory: int


def main() -> int:
    """Run the command line; 1 when an import did not do what it should."""
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description=__doc__)
    parser.add_argument("--bookings", type=int, nargs="*", default=SIZES)
    parser.add_argument("--slots", type=int, nargs="*", default=())
    chosen = parser.parse_args()
    if min((*chosen.bookings, *chosen.slots), default=ROWS_MIN) < ROWS_MIN:
        parser.error(f"{ROWS_MIN:,} rows at least, else there are no quarters to compare.")
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}-transfer"
    todo = [("bookings", n) for n in chosen.bookings] + [("slots", n) for n in chosen.slots]
    try:
        with open_stage() as postgres:
            runs = [_measure(postgres, kind, rows) for kind, rows in todo]
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    text = f"{_heading()}\n\n{_table(runs)}"
    print(f"\n{text}\n\nKept in {_keep(stamp, text, runs)}")
    return 0


def _measure(postgres: EmbeddedPostgres, kind: str, rows: int) -> Run:
    database = f"transfer_{kind}_{rows}"
    make_database(postgres, database)
    folder = DIRECTORY / database
    folder.mkdir()
    (_write_bookings if kind == "bookings" else _write_slots)(folder, rows)
    print(f"Importing {rows:,} {kind} ...", flush=True)
    # A process of its own, whose memory is that of the import alone.
    context = get_context("spawn")
    told: Any = context.SimpleQueue()
    child = context.Process(target=_import, args=(postgres.app_url(database), folder, kind, told))
    child.start()
    while child.is_alive() and told.empty():
        child.join(0.2)
    if told.empty():
        raise BenchError(f"The import of {rows:,} {kind} ended with {child.exitcode}.")
    made, measured = told.get()
    child.join()
    if made != rows:
        raise BenchError(f"{made:,} of {rows:,} {kind} were imported.")
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())
    run = Run(kind=kind, rows=rows, **measured)
    print(_line(run), flush=True)
    return run


def _write(folder: Path, kind: str, header: str, lines: Iterable[str]) -> None:
    with (folder / f"{kind}.csv").open("w", encoding="utf-8") as file:
        file.write(f"{header}\n")
        file.writelines(f"{line}\n" for line in lines)


def _write_catalogue(folder: Path) -> None:
    _write(folder, "locations", "name,time_zone", ["Mitte,Europe/Berlin"])
    _write(folder, "providers", "name,location", [f"P{n},Mitte" for n in range(PROVIDERS)])
    _write(
        folder, "services", "name,duration_minutes,price_amount,price_currency", ["Cut,60,45,EUR"]
    )


def _write_bookings(folder: Path, rows: int) -> None:
    """All days from the past on, day by day, as an export has them."""
    _write_catalogue(folder)
    people = max(rows // BOOKINGS_OF_A_CUSTOMER, 1)
    told = [
        (f"P{n}", day, hour)
        for day in _days(rows // (PROVIDERS * len(HOURS)) + 1)
        for hour in HOURS
        for n in range(PROVIDERS)
    ][:rows]
    slots = dict.fromkeys((provider, day) for provider, day, _ in told)
    _write(
        folder, "slots", "provider,start,end", (f"{p},{day} 09:00,{day} 17:00" for p, day in slots)
    )
    _write(
        folder,
        "customers",
        "ref,name,email,phone",
        (f"c{n},Customer {n},c{n}@example.org," for n in range(people)),
    )
    _write(
        folder,
        "bookings",
        "ref,provider,service,start,end,customer,customer_name,customer_email",
        (
            f"b{i},{provider},Cut,{day} {hour:02}:00,{day} {hour + 1:02}:00,{_whose(i, people)}"
            for i, (provider, day, hour) in enumerate(told)
        ),
    )


def _whose(booking: int, people: int) -> str:
    """By ref, by name and address, by name alone: each way another third of the bookings."""
    number = booking % people
    ways = f"c{number},,", f",Customer {number},c{number}@example.org", f",Walk-in {number},"
    return ways[booking % len(ways)]


def _write_slots(folder: Path, rows: int) -> None:
    _write_catalogue(folder)
    _write(
        folder,
        "slots",
        "provider,start,end",
        (
            f"P{i % PROVIDERS},{start:%Y-%m-%dT%H:%MZ},{start + QUARTER_OF_AN_HOUR:%Y-%m-%dT%H:%MZ}"
            for i in range(rows)
            for start in (datetime(2027, 1, 1) + timedelta(minutes=15 * (i // PROVIDERS)),)  # noqa: DTZ001
        ),
    )


def _days(number: int) -> list[str]:
    first = datetime.now(UTC) - timedelta(days=number // 2)
    return [f"{first + timedelta(days=n):%Y-%m-%d}" for n in range(number)]


class _Watch:
    """Reads the clocks of both processes when a quarter of the rows has been sent."""

    def __init__(self, url: str, kind: str) -> None:
        self._monitor = psycopg.connect(url, autocommit=True)
        self._checking, self._importing = f"{CHECKING} {kind}", f"{IMPORTING} {kind}"
        self._session: int | None = None
        self.checked = self.done = 0
        self.marks: list[tuple[float, float]] = []
        self.began: float | None = None
        self.checking = self.session_memory = 0.0

    def __call__(self, step: str) -> None:
        """One row more."""
        if step == self._checking:
            self.began = time.process_time() if self.began is None else self.began
            self.checked += 1
        elif step == self._importing:
            if not self.done:
                self.mark()
            self.done += 1
            if self.done % (self.checked // QUARTERS) == 0 and len(self.marks) < QUARTERS:
                self.mark()

    def anew(self) -> None:
        """All of it begins again: then the figures are not what they should be."""
        if self.checked:
            raise BenchError("The import had to begin again.")

    def mark(self) -> None:
        """Read the clocks."""
        if self._session is None:
            row = self._monitor.execute(SESSION).fetchone()
            self._session = row[0] if row else os.getpid()
            self.checking = time.process_time() - (self.began or 0)
        self.marks.append((_used(self._session), time.process_time()))
        status = Path(f"/proc/{self._session}/status").read_text()
        own = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
        self.session_memory = max(self.session_memory, int(own.split()[1]) * 1024)


def _used(pid: int) -> float:
    """The seconds of processor that the process (of one thread) has had so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _import(url: str, folder: Path, kind: str, told: Any) -> None:
    """Import the folder, and tell how many rows were made and what was measured."""
    app = offline_app(Settings.from_environment({"DATABASE_URL": url}))
    with app.app_context():
        vendor_id: UUID = create_vendor("moved-in", "A vendor", "Europe/Berlin").id
        db.engine.dispose()
        watch, began = _Watch(url, kind), time.perf_counter()
        sources = [Source(path, KINDS[path.stem]) for path in sorted(folder.iterdir())]
        report = import_files(vendor_id, sources, Choices(), watch)
        seconds = time.perf_counter() - began
        # The end, commit included; what comes after the last row is sent is of the last quarter.
        watch.mark()
        made = sum(report.counts[kind].values())
    quarter = made / QUARTERS
    spans = list(zip(watch.marks, watch.marks[1:], strict=False))
    measured = {
        "seconds": round(seconds, 1),
        "database": [round((b[0] - a[0]) / quarter * 1000, 3) for a, b in spans],
        "command": [round((b[1] - a[1]) / quarter * 1000, 3) for a, b in spans],
        "checking": round(watch.checking / made * 1000, 3),
        "command_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "session_memory": int(watch.session_memory),
    }
    told.put((made, measured))


def _heading() -> str:
    cores, kind = processors()
    return (
        f"Commit {commit_id()}. {cores} cores ({kind}), shared with whatever else ran: hence"
        " processor time, and not seconds. A new database for each line. Milliseconds of processor"
        " for each row, by quarters of the file: of the session in the database, and of the"
        " command, which has read every row once before. Memory at its highest."
    )


def _line(run: Run) -> str:
    figures = " | ".join(f"{one:.2f}" for one in run.database)
    command = sum(run.command) / QUARTERS
    return (
        f"| {run.rows:,} {run.kind} | {figures} | {run.database[-1] / run.database[0]:.2f}"
        f" | {command:.2f} | {run.checking:.2f} | {run.command_memory / 2**20:.0f}"
        f" | {run.session_memory / 2**20:.0f} | {run.seconds:,.0f} |"
    )


def _table(runs: list[Run]) -> str:
    quarters = "database, 1st quarter | 2nd | 3rd | 4th | 4th to 1st"
    others = "command | and reading before | command MB | session MB | seconds"
    head = [f"| rows | {quarters} | {others} |", f"|---|{'---:|' * 10}"]
    return "\n".join([*head, *map(_line, runs)])


def _keep(stamp: str, text: str, runs: list[Run]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    rows = [asdict(run) for run in runs]
    (RESULTS / f"{stamp}.json").write_text(json.dumps(rows, indent=1) + "\n")
    page = RESULTS / f"{stamp}.md"
    page.write_text(f"# Import, {stamp[:15]}\n\n{text}\n")
    return page


if __name__ == "__main__":
    sys.exit(main())
