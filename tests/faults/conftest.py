"""A PostgreSQL server of these tests' own, since they kill it, stop it and starve it."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from app import migrate
from app.devdb import EmbeddedPostgres
from tests.load import Load
from tests.racing_fixtures import arena_of

__all__ = ["arena_of"]

TEMPLATE = "slotkeeper_to_be_hurt"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server that is hurt, with durability as shipped."""
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-faults-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres") as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres) -> str:
    """The name of a migrated database on that server."""
    _as_superuser(postgres, f"CREATE DATABASE {TEMPLATE} OWNER slotkeeper_owner")
    migrate.upgrade(postgres.owner_url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(postgres, template) -> Iterator[SimpleNamespace]:
    """A fresh database on that server, dropped by a connection that was not there to be cut."""
    name = f"hurt_{next(_numbers)}"
    _as_superuser(postgres, f"CREATE DATABASE {name} TEMPLATE {template} OWNER slotkeeper_owner")
    yield SimpleNamespace(
        name=name,
        owner_url=postgres.owner_url(name),
        app_url=postgres.app_url(name),
        superuser_url=postgres.superuser_url(name),
    )
    _as_superuser(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _as_superuser(postgres, statement: str) -> None:
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture
def load_on(serve, arena_of):
    """Start a server and customers who book on it: `load_on(12, SLOTKEEPER_WORKERS="1")`."""

    def make(customers: int, **settings: str) -> Load:
        arena = arena_of(serve(**settings))
        return Load(arena, arena.shop.slot(capacity=100_000), customers)

    return make
