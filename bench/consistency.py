"""`python -m bench.consistency`: how long the consistency check takes, and what it needs meanwhile.

For each size a database is filled with so many bookings: `single`, each with its slot, claim and
event; or `seats`, five to a slot of 12 seats, each with an idempotency key and three events. Half
of the providers have a day off, in which they are booked, and a calendar: an event of theirs for
every 2,000 bookings, in a slot that a block closes. A thousand more are then booked through the
claim function, which is what `since` looks at.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

from app.consistency.checks import AS_SHIPPED, CHECKS
from app.devdb import EmbeddedPostgres
from bench.growth import PROVIDERS, fill_with_history
from bench.measure import BenchError
from bench.report import RESULTS
from bench.stage import (
    Place,
    commit_id,
    make_database,
    make_place,
    open_stage,
    processors,
    publish_free_slots,
    run_sql,
    slot_id,
    tidy_up,
)

SIZES = (100_000, 1_000_000)
PROFILES = {"single": "history.sql", "seats": "seats.sql"}
BOOKED_SINCE = 1_000
BOOKINGS_AN_EVENT = 2_000
SAMPLE_SECONDS = 0.02
VERIFY = "SELECT * FROM verify_booking_slot_consistency(%s, %s, %s)"
CLOSE = "SELECT facts ->> 'next' FROM close_busy_time(%s, %s, p_after => %s, p_most => 500)"
TEMPORARY = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
NAMES = [check.name for check in CHECKS if check.name != AS_SHIPPED]
FORMS = ("all", "vendor", "since")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One check on so many bookings of a profile. `processor`: seconds of it that the backend
    used; `memory`: the backend's own, at its highest, in bytes; `temporary`: bytes of files.
    """

    profile: str
    bookings: int
    form: str
    check: str
    seconds: float
    processor: float
    memory: int
    temporary: int


def main() -> int:
    """Run the command line; 1 when a check found something or the machine did not allow it."""
    parser = argparse.ArgumentParser(prog="python -m bench.consistency", description=__doc__)
    parser.add_argument("--bookings", type=int, nargs="+", default=SIZES)
    parser.add_argument("--profiles", choices=PROFILES, nargs="+", default=list(PROFILES))
    chosen = parser.parse_args()
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}-consistency"
    try:
        with open_stage() as postgres:
            runs = [
                run
                for profile in chosen.profiles
                for total in chosen.bookings
                for run in _measure(postgres, profile, total)
            ]
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    text = f"{_heading()}\n\n{_totals(runs)}\n\n{_by_check(runs)}"
    print(f"\n{text}\n\nKept in {_keep(stamp, text, runs)}")
    return 0


def _measure(postgres: EmbeddedPostgres, profile: str, total: int) -> list[Run]:
    database = f"consistency_{profile}_{total}"
    make_database(postgres, database)
    owner, app = postgres.owner_url(database), postgres.app_url(database)
    place = make_place(app, "arena", PROVIDERS)
    print(f"Filling a database with {total:,} bookings ({profile}) ...", flush=True)
    fill_with_history(owner, place, total, PROFILES[profile])
    publish_free_slots(owner, place, 0, BOOKED_SINCE)
    tidy_up(postgres, database)
    _take_leave(owner, place, total // BOOKINGS_AN_EVENT)
    tidy_up(postgres, database)
    since = _book(app, place)
    scopes = {"all": (None, None), "vendor": (place.vendor_id, None), "since": (None, since)}
    runs = []
    for form in FORMS:
        for name in NAMES:
            runs.append(_run(app, (profile, total), form, name, scopes[form]))
            print(f"{total:>12,}  {form:6}  {name:40} {runs[-1].seconds:8.2f} s", flush=True)
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())
    return runs


def _take_leave(url: str, place: Place, events: int) -> None:
    """Half of the providers are busy for a day and some hours, and what is free then is closed."""
    busy = place.provider_ids[::2]
    vendor = {"vendor_id": place.vendor_id, "location_id": place.location_id}
    run_sql(url, "busy.sql", **vendor, provider_ids=busy, events=events)
    with psycopg.connect(url, autocommit=True) as connection:
        for provider_id in busy:
            # As the product does it, in pieces.
            after, row = None, None
            while row is None or after is not None:
                row = connection.execute(CLOSE, [place.vendor_id, provider_id, after]).fetchone()
                after = row[0] if row else None


def _book(url: str, place: Place) -> datetime:
    """Book as a customer does, and return the moment before."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        claim = "SELECT outcome FROM claim_slot_and_create_booking(%s, ARRAY[%s::uuid])"
        for number in range(BOOKED_SINCE):
            booked = connection.execute(claim, [place.vendor_id, slot_id(number)]).fetchone()
            if booked != ("CONFIRMED",):
                raise BenchError(f"A free slot was not booked: {booked}")
    moment: datetime = row[0] if row else datetime.now(UTC)
    return moment


def _run(url: str, filled: tuple[str, int], form: str, name: str, scope: tuple[Any, Any]) -> Run:
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        pid = connection.info.backend_pid
        with _Memory(pid) as memory:
            used, began = _processor(pid), time.perf_counter()
            row = connection.execute(VERIFY, [*scope, [name]]).fetchone()
            seconds, used = time.perf_counter() - began, _processor(pid) - used
    if row is None or row[1] != "PASS":
        raise BenchError(f"{name} found what should not be: {row}")
    return Run(
        profile=filled[0],
        bookings=filled[1],
        form=form,
        check=name,
        seconds=seconds,
        processor=used,
        memory=memory.highest,
        temporary=_temporary(url),
    )


def _processor(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


# What a database has written to temporary files so far; a session tells it when it ends.
_told: dict[str, int] = {}


def _temporary(url: str) -> int:
    deadline = time.monotonic() + 5
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        before, now = _told.get(url, 0), -1
        # The session that worked may still be saying goodbye.
        while now != (now := _read(connection)) and time.monotonic() < deadline:
            time.sleep(0.2)
    _told[url] = now
    return now - before


def _read(connection: psycopg.Connection[Any]) -> int:
    connection.execute("SELECT pg_stat_clear_snapshot()")
    row = connection.execute(TEMPORARY).fetchone()
    return int(row[0]) if row else 0


class _Memory:
    """Watches how much memory of its own (not the shared buffers) a backend has, at its highest."""

    def __init__(self, pid: int) -> None:
        self.highest = 0
        self._status = Path(f"/proc/{pid}/status")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            for line in self._status.read_text().splitlines():
                if line.startswith("RssAnon:"):
                    self.highest = max(self.highest, int(line.split()[1]) * 1024)


def _heading() -> str:
    cores, kind = processors()
    return (
        f"Commit {commit_id()}. {cores} cores ({kind}), shared with whatever else ran. One check a"
        " session, after the tables were filled and analyzed. `since` looks at the"
        f" {BOOKED_SINCE:,} bookings made last. Memory is the backend's own (RssAnon) at its"
        " highest, without shared buffers; temporary files are what sorts wrote to disk. Where the"
        " seconds are many more than the processor's, others had the processor, or the disk did."
    )


def _filled(runs: list[Run]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((run.profile, run.bookings) for run in runs))


def _totals(runs: list[Run]) -> str:
    lines = [
        "| profile | bookings | form | seconds | processor | memory MB | temporary MB |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for filled in _filled(runs):
        for form in FORMS:
            these = [r for r in runs if (r.profile, r.bookings, r.form) == (*filled, form)]
            figures = [
                f"{sum(run.seconds for run in these):.1f}",
                f"{sum(run.processor for run in these):.1f}",
                f"{max(run.memory for run in these) / 2**20:.0f}",
                f"{sum(run.temporary for run in these) / 2**20:,.0f}",
            ]
            lines.append(f"| {filled[0]} | {filled[1]:,} | {form} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _by_check(runs: list[Run]) -> str:
    """The `all` form, check by check: processor's seconds, memory, megabytes of temporary files."""
    columns = [
        f"{profile} {total:,}: processor s | memory MB | files MB"
        for profile, total in _filled(runs)
    ]
    lines = [
        f"| check, all data | {' | '.join(columns)} |",
        f"|---|{'---:|---:|---:|' * len(columns)}",
    ]
    for name in NAMES:
        these = [run for run in runs if (run.check, run.form) == (name, "all")]
        said = [
            f"{r.processor:.2f} | {r.memory / 2**20:.0f} | {r.temporary / 2**20:,.0f}"
            for r in these
        ]
        lines.append(f"| {name} | {' | '.join(said)} |")
    return "\n".join(lines)


def _keep(stamp: str, text: str, runs: list[Run]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    rows = [
        asdict(run) | {"seconds": round(run.seconds, 3), "processor": round(run.processor, 2)}
        for run in runs
    ]
    (RESULTS / f"{stamp}.json").write_text(json.dumps(rows, indent=1) + "\n")
    page = RESULTS / f"{stamp}.md"
    page.write_text(f"# Consistency check, {stamp[:15]}\n\n{text}\n")
    return page


if __name__ == "__main__":
    sys.exit(main())
