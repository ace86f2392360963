"""A real PostgreSQL for every test: migrated once, then cloned for each test that wants one."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from app.auth.keys import create_key
from app.config import Settings, inherited_environment
from app.db import db, offline_app
from app.devdb import EmbeddedPostgres
from app.vendors.actions import create_vendor
from tests.commands import Commands, commands_nursery
from tests.throwaway import Database, cloned, migrated_template, own_server

CHECKOUT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of this test run's own, with durability as shipped."""
    with own_server() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a database that `slotkeeper migrate` has brought to the newest schema."""
    return migrated_template(postgres)


@dataclass(frozen=True)
class Server:
    """A running `slotkeeper serve`: where it answers, and a vendor of it that has nothing yet."""

    url: str
    vendor: str
    api_key: str
    database: Database
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def vendor_url(self) -> str:
        """Where the vendor's calls begin."""
        return f"{self.url}/api/v1/vendors/{self.vendor}"


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """Runs `slotkeeper` commands as processes."""
    with commands_nursery() as opened:
        yield opened


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A fresh, empty, migrated database for one test."""
    with cloned(postgres, template) as clone:
        yield clone


@pytest.fixture(scope="module")
def module_database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A fresh, migrated database that the tests of one module share."""
    with cloned(postgres, template) as clone:
        yield clone


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    """An autocommit connection as slotkeeper_owner."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app_connection(database: Database) -> Iterator[psycopg.Connection]:
    """An autocommit connection as slotkeeper_app."""
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        yield connection


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _make_vendor(settings: Settings, slug: str) -> str:
    """Make a vendor as the command does, and return a key of it."""
    with offline_app(settings).app_context():
        vendor = create_vendor(slug, slug.replace("-", " ").title(), "Europe/Berlin")
        key = create_key(vendor.id, "tests")[1]
        db.engine.dispose()
    return key


@contextmanager
def _serve(database: Database, log: Path, **settings: str) -> Iterator[Server]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "DATABASE_URL": database.app_url,
        "SLOTKEEPER_SECRET_KEY": "a secret of the tests, long enough to sign",
        "SLOTKEEPER_PORT": str(port),
        "SLOTKEEPER_RATE_LIMITS": "off",
        "SLOTKEEPER_KEY_RATE_LIMITS": "off",
    } | settings
    slug = f"vendor-{port}"
    api_key = _make_vendor(Settings.from_environment(environment), slug)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=CHECKOUT,
            env=inherited_environment(**environment),
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_ready(process, url, log)
        yield Server(url, slug, api_key, database, process, log)
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    # One client for all attempts: each would read all the world's certificates again.
    with httpx.Client(trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{url}/readyz").status_code == 200:
                    return
            assert process.poll() is None, f"the server ended:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"it does not get ready:\n{log.read_text()}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shipped server on a free port, for the tests of one module."""
    with _serve(module_database, tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def shared_server(
    postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One shipped server for all tests that bring a vendor of their own and leave it running."""
    with (
        cloned(postgres, template) as clone,
        _serve(clone, tmp_path_factory.mktemp("server") / "log") as running,
    ):
        yield running


@pytest.fixture
def serve(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Start servers on this test's database: `serve(SLOTKEEPER_WORKERS="1")`."""
    with contextlib.ExitStack() as stack:

        def start(**settings: str) -> Server:
            log = tmp_path_factory.mktemp("server") / "log"
            return stack.enter_context(_serve(database, log, **settings))

        yield start
