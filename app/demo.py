"""`slotkeeper demo`: a database, a vendor and a server on this machine, up with one command."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

import psutil

from app import migrate
from app.config import Settings, inherited_environment
from app.demo_vendors import DEMO_VENDORS, load_demo_vendors
from app.demo_vendors.loading import LoadingError
from app.devdb import EmbeddedPostgres, PostgresError
from app.serve import GRACE_SECONDS, require_free_address

HOST = "127.0.0.1"
# The vendor that people meet first, and that scripts use.
SLUG = DEMO_VENDORS[0].slug
READY_SECONDS_MAX = 60
# What a deployment runs, runs here.
COMMANDS = ("serve", "worker")
# For so long a database that does not start is started again and again.
DATABASE_SECONDS_MAX = 60


class DemoError(Exception):
    """The demo cannot run; the message says why."""


class _StopRequestedError(BaseException):
    """Ctrl-C, a polite kill, or the terminal is gone."""


def run_demo(directory: Path, settings: Settings, say: Callable[[str], None]) -> None:
    """Run everything until Ctrl-C, SIGTERM or SIGHUP, and leave no process behind.

    Data, keys and demo.json are kept in `directory`; the next run takes them up again, also after a
    `kill -9`. Raises AddressTakenError, PostgresError, DemoError.
    """
    directory = directory.absolute()
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o711 if os.geteuid() == 0 else 0o700)
    with _stop_on_signals(), contextlib.suppress(_StopRequestedError), ExitStack() as stack:
        try:
            _run(directory, settings, say, stack)
        finally:
            # From here on no signal interrupts the tidying up.
            _ignore_signals()


def _run(
    directory: Path, settings: Settings, say: Callable[[str], None], stack: ExitStack
) -> NoReturn:
    if not (directory / "serve.json").exists():
        # No server of ours can be there: hear of a stranger before a database is made.
        require_free_address(HOST, settings.port)
    postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres", say))
    for command in COMMANDS:
        _end_orphan(directory / f"{command}.json")
    require_free_address(HOST, settings.port)
    before, after = migrate.upgrade(postgres.owner_url())
    if before != after:
        say(f"The schema is at {after}.")
    settings = replace(
        settings,
        database_url=postgres.app_url(),
        secret_key=_secret_key(directory / "secret_key"),
        host=HOST,
        public_url=f"http://{HOST}:{settings.port}",
    )
    keys = _load_vendors(directory, settings)
    known = {
        "base_url": settings.public_url,
        "vendor": SLUG,
        "api_key": keys[SLUG],
        "database_url": postgres.app_url(),
        "database_owner_url": postgres.owner_url(),
        "vendors": keys,
    }
    _write_closed(directory / "demo.json", json.dumps(known, indent=2))
    server, _ = [
        stack.enter_context(_child(command, directory / f"{command}.json", settings))
        for command in COMMANDS
    ]
    stack.callback(say, "Stopping ...")
    _wait_until_ready(server, settings.port)
    say(_welcome(directory, settings, keys[SLUG]))
    _keep_running(server, postgres)


def _keep_running(server: subprocess.Popen[bytes], postgres: EmbeddedPostgres) -> NoReturn:
    began = time.monotonic()
    while server.poll() is None:
        # Should somebody kill the database, it comes back, and the server finds it again.
        try:
            postgres.start()
            began = time.monotonic()
        except PostgresError:
            # It may be able to in a moment: a disk that is full refuses its recovery, too.
            if time.monotonic() > began + DATABASE_SECONDS_MAX:
                raise
        time.sleep(0.5)
    raise DemoError(f"The server has ended by itself (exit code {server.returncode}).")


def _load_vendors(directory: Path, settings: Settings) -> dict[str, str]:
    try:
        return load_demo_vendors(settings, _known_keys(directory))
    except LoadingError as error:
        raise DemoError(f"A demo vendor could not be made. {error}") from error


def _known_keys(directory: Path) -> dict[str, str]:
    """The keys of an earlier run, by vendor; none if that did not get so far."""
    try:
        keys: dict[str, str] = json.loads((directory / "demo.json").read_text())["vendors"]
    except (OSError, ValueError, KeyError):
        return {}
    return keys


@contextmanager
def _child(command: str, record: Path, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`slotkeeper COMMAND` as a child: out of Ctrl-C's reach, and ended by the kernel if we die."""
    setpriv = shutil.which("setpriv")
    process = subprocess.Popen(  # noqa: S603 - the words are ours
        [
            *([setpriv, "--pdeathsig=TERM", "--"] if setpriv else []),
            *(sys.executable, "-m", "app.cli", command),
        ],
        cwd=Path(__file__).parents[1],
        start_new_session=True,
        env=inherited_environment(
            DATABASE_URL=settings.database_url,
            SLOTKEEPER_SECRET_KEY=settings.secret_key,
            SLOTKEEPER_HOST=settings.host,
            SLOTKEEPER_PORT=str(settings.port),
            SLOTKEEPER_PUBLIC_URL=settings.public_url,
            SLOTKEEPER_WORKERS=str(settings.workers),
            SLOTKEEPER_THREADS=str(settings.threads),
            SLOTKEEPER_LOG_LEVEL=settings.log_level,
            SLOTKEEPER_LOG_FORMAT=settings.log_format,
            SLOTKEEPER_RATE_LIMITS="off",
            SLOTKEEPER_KEY_RATE_LIMITS="off",
        ),
    )
    try:
        created = psutil.Process(process.pid).create_time()
        _write_closed(record, json.dumps({"pid": process.pid, "created": created}))
        yield process
    finally:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        record.unlink(missing_ok=True)


def _end_orphan(record: Path) -> None:
    """End the child of a demo that was killed; the database's lock tells that it is gone."""
    try:
        known = json.loads(record.read_text())
        process = psutil.Process(known["pid"])
        if abs(process.create_time() - known["created"]) > 1:
            return
        process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.05)
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    answer = "no answer"
    while server.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer = _get(port, "/readyz")
            if status == http.HTTPStatus.OK:
                return
        if time.monotonic() > deadline:
            raise DemoError(f"The server does not become ready: {answer}")
        time.sleep(0.1)
    raise DemoError(f"The server ended while starting (exit code {server.returncode}).")


def _get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _welcome(directory: Path, settings: Settings, api_key: str) -> str:
    base = settings.public_url
    lines = [
        "",
        f"Slotkeeper is running.      {base}/api/v1/vendors/{SLUG}",
        f"  Documentation             {base}/docs",
        f"  What is free              {base}/api/v1/vendors/{SLUG}/availability?{_window()}",
        f"  The vendor's key          {api_key}",
        f"  Other vendors             {', '.join(one.slug for one in DEMO_VENDORS[1:])}",
        f"  How they were set up      {base}/docs/example-salon, -clinic, -hotel, -tour",
        f"  All of it for scripts     {directory / 'demo.json'}",
        "",
        "Rate limits are off in this demo. Ctrl-C stops everything; the data stay.",
        "",
    ]
    slot_id = _free_slot(settings.port)
    if slot_id is None:
        return "\n".join([*lines, "Everything is booked: no slot is left for a first booking.", ""])
    body = {
        "slot_id": slot_id,
        "customer": {"name": "Ada Example", "email": "ada@example.com"},
    }
    curl = (
        f"curl -i {base}/api/v1/vendors/{SLUG}/bookings"
        f" -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )
    return "\n".join([*lines, "Book a slot (and again, to hear that it is taken):", "", curl, ""])


def _free_slot(port: int) -> str | None:
    """A slot with one place that is free as a whole at this moment, not about to begin."""
    cursor = ""
    while True:
        path = f"/api/v1/vendors/{SLUG}/availability?{_window()}&limit=100{cursor}"
        status, body = _get(port, path)
        if status != http.HTTPStatus.OK:
            raise DemoError(f"The server answered {status} to {path}: {body}")
        page: dict[str, Any] = json.loads(body)
        for slot in page["items"]:
            whole = {"start": slot["start"], "end": slot["end"], "available": 1}
            if slot["capacity"] == 1 and slot["free"] == [whole] and _is_short(slot):
                return str(slot["slot_id"])
        if not page["next_cursor"]:
            return None
        cursor = f"&cursor={quote(page['next_cursor'])}"


def _is_short(slot: dict[str, Any]) -> bool:
    length = datetime.fromisoformat(slot["end"]) - datetime.fromisoformat(slot["start"])
    return length <= timedelta(hours=1)


def _window() -> str:
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=12)
    times = {"from": tomorrow, "to": tomorrow + timedelta(days=14)}
    return urlencode({name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in times.items()}, safe=":")


def _secret_key(path: Path) -> str:
    """The key that signs manage tokens: made once, so that tokens outlive a restart."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        _write_closed(path, secrets.token_urlsafe(48))
        return path.read_text().strip()


def _write_closed(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    draft.rename(path)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        _ignore_signals()
        raise _StopRequestedError

    # nohup has SIGHUP ignored, and means it.
    wanted = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in {*wanted, signal.SIGINT}}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
