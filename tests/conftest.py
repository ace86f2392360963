"""A real PostgreSQL for every test: migrated once, then cloned for each test that wants one."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app import migrate
from app.devdb import EmbeddedPostgres

TEMPLATE = "slotkeeper_template"


@dataclass(frozen=True)
class Database:
    """One migrated database: its name, and its address for each of the three roles."""

    name: str
    owner_url: str
    app_url: str
    superuser_url: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of this test run's own, with durability as shipped."""
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-tests-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres") as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a database that `slotkeeper migrate` has brought to the newest schema."""
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER slotkeeper_owner")
    migrate.upgrade(postgres.owner_url(TEMPLATE))
    return TEMPLATE


_numbers = itertools.count(1)


@contextmanager
def _clone(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    name = f"slotkeeper_test_{next(_numbers)}"
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER slotkeeper_owner")
        try:
            yield Database(
                name=name,
                owner_url=postgres.owner_url(name),
                app_url=postgres.app_url(name),
                superuser_url=postgres.superuser_url(name),
            )
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A fresh, empty, migrated database for one test."""
    with _clone(postgres, template) as clone:
        yield clone


@pytest.fixture(scope="module")
def module_database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A fresh, migrated database that the tests of one module share."""
    with _clone(postgres, template) as clone:
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
