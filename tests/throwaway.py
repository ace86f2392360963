"""PostgreSQL servers and migrated databases of a test run's own, which go when it ends."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app import migrate
from app.devdb import EmbeddedPostgres

TEMPLATE = "slotkeeper_template"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """One migrated database: its name, and its address for each of the three roles."""

    name: str
    owner_url: str
    app_url: str
    superuser_url: str


@contextmanager
def own_server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server, with durability as shipped; its files go with it."""
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-tests-"))
    # The server runs as a user of its own when the tests run as root.
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres") as server:
            yield server
    finally:
        shutil.rmtree(folder)


def migrated_template(postgres: EmbeddedPostgres) -> str:
    """The name of a database that `slotkeeper migrate` has brought to the newest schema."""
    _as_superuser(postgres, f"CREATE DATABASE {TEMPLATE} OWNER slotkeeper_owner")
    migrate.upgrade(postgres.owner_url(TEMPLATE))
    return TEMPLATE


@contextmanager
def cloned(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A fresh database, dropped by a connection that was not there to be cut meanwhile."""
    name = f"slotkeeper_test_{next(_numbers)}"
    _as_superuser(postgres, f"CREATE DATABASE {name} TEMPLATE {template} OWNER slotkeeper_owner")
    try:
        yield Database(
            name=name,
            owner_url=postgres.owner_url(name),
            app_url=postgres.app_url(name),
            superuser_url=postgres.superuser_url(name),
        )
    finally:
        _as_superuser(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _as_superuser(postgres: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(statement)
