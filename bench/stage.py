"""What a measurement stands on: a database of its own, vendors and slots in it, a real server."""

from __future__ import annotations

import fcntl
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from app import migrate
from app.config import Settings, inherited_environment
from app.devdb import EmbeddedPostgres
from bench.measure import BenchError

CHECKOUT = Path(__file__).parents[1]
# Not in the folder for temporary files: that may be in memory, where a commit costs nothing.
DIRECTORY = CHECKOUT / ".slotkeeper" / "bench"
SQL = Path(__file__).parent / "sql"
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
READY_SECONDS_MAX = 60


@dataclass(frozen=True)
class Place:
    """A vendor with one location and its providers, in one database."""

    vendor: str
    vendor_id: str
    location_id: str
    provider_ids: list[str]


@contextmanager
def open_stage() -> Iterator[EmbeddedPostgres]:
    """A new PostgreSQL on the disk of this checkout, gone at the end. Raises BenchError."""
    DIRECTORY.parent.mkdir(exist_ok=True)
    with DIRECTORY.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BenchError("Another measurement is running in this checkout.") from None
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        try:
            with EmbeddedPostgres(DIRECTORY, lambda text: print(f"  {text}")) as postgres:
                yield postgres
        finally:
            shutil.rmtree(DIRECTORY, ignore_errors=True)


def postmaster_pid() -> int:
    """The process that leads the stage's PostgreSQL."""
    record = DIRECTORY / "data" / "postmaster.pid"
    return int(record.read_text().split("\n", 1)[0])


def make_database(postgres: EmbeddedPostgres, name: str) -> None:
    """A migrated database of this name, found to keep what it commits. Raises BenchError."""
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name} OWNER slotkeeper_owner")
    migrate.upgrade(postgres.owner_url(name))
    with psycopg.connect(postgres.app_url(name)) as connection:
        found = {setting: _show(connection, setting) for setting in DURABLE}
    if found != DURABLE:
        raise BenchError(f"Commits are not durable here ({found}), so figures would mean nothing.")


def make_place(url: str, vendor: str, providers: int) -> Place:
    """A vendor with as many providers, and a thousand customers."""
    row = run_sql(url, "providers.sql", slug=vendor, providers=providers)[0]
    return Place(
        vendor,
        str(row.vendor_id),
        str(row.location_id),
        [str(provider_id) for provider_id in row.provider_ids],
    )


def publish_free_slots(url: str, place: Place, first: int, count: int) -> None:
    """Slots number `first` and so on, each of which can be booked once."""
    run_sql(
        url,
        "free_slots.sql",
        vendor_id=place.vendor_id,
        location_id=place.location_id,
        provider_ids=place.provider_ids,
        providers=len(place.provider_ids),
        first=first,
        count=count,
    )


def slot_id(number: int) -> str:
    """The id of a free slot, as free_slots.sql makes it."""
    return f"01f00000-0000-7000-8000-{number:012x}"


def run_sql(url: str, file: str, **values: Any) -> list[Any]:
    """Run a file of bench/sql in one transaction, and return its rows."""
    statement = (SQL / file).read_bytes()
    with (
        psycopg.connect(url) as connection,
        connection.cursor(row_factory=namedtuple_row) as cursor,
    ):
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def tidy_up(postgres: EmbeddedPostgres, database: str) -> None:
    """What autovacuum would do in time, done now: statistics, and pages' first clean-up."""
    with psycopg.connect(postgres.superuser_url(database), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def checkpoint(postgres: EmbeddedPostgres) -> None:
    """From here on every load pays alike for the first change of a page (full_page_writes)."""
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute("CHECKPOINT")


Starter = Callable[[int, dict[str, str]], list[str]]


def shipped_server(_port: int, _environment: dict[str, str]) -> list[str]:
    """`slotkeeper serve`, as it is shipped."""
    return [sys.executable, "-m", "app.cli", "serve"]


@contextmanager
def serving(
    database_url: str, log: Path, command: Starter = shipped_server
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server process with the shipped settings, ready: its port and itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = inherited_environment(
        DATABASE_URL=database_url,
        SLOTKEEPER_SECRET_KEY=secrets.token_urlsafe(48),
        SLOTKEEPER_PORT=str(port),
        # High enough never to refuse, so that what counting costs is measured.
        SLOTKEEPER_RATE_LIMITS="900000000/minute",
        SLOTKEEPER_KEY_RATE_LIMITS="900000000/minute",
    )
    words = command(port, environment)
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, cwd=CHECKOUT, env=environment, stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, port, log)
        yield port, process
    finally:
        process.terminate()
        process.wait(60)


def shipped_settings() -> dict[str, Any]:
    """The settings that the server is measured with: those nobody has changed."""
    shipped = Settings()
    names = ("workers", "threads", "log_level", "log_format")
    return {name: getattr(shipped, name) for name in names}


def commit_id() -> str:
    """What was measured; "+ changes" when files differ from the commit."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    words = [[git, "rev-parse", "HEAD"], [git, "status", "--porcelain", "--", "app", "migrations"]]
    head, changed = (
        subprocess.run(word, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        for word in words
    )
    if head.returncode != 0:
        return "unknown"
    return head.stdout.strip() + (" + changes" if changed.stdout.strip() else "")


def processors() -> tuple[int, str]:
    """How many cores this process may use, and of which kind."""
    kind = "unknown"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        kind = next(line for line in lines if line.startswith("model name")).split(":", 1)[1]
    except (OSError, StopIteration):
        pass
    return len(os.sched_getaffinity(0)), kind.strip()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise BenchError(f"The server does not get ready:\n{log.read_text()[-2000:]}")


def _show(connection: psycopg.Connection[Any], setting: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
    return str(row[0]) if row else ""
