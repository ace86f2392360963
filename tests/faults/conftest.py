"""A PostgreSQL server of these tests' own, since they kill it, stop it and starve it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.devdb import EmbeddedPostgres
from tests.load import Load
from tests.racing_fixtures import arena_of
from tests.throwaway import Database, cloned, migrated_template, own_server

__all__ = ["arena_of"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server that is hurt, with durability as shipped."""
    with own_server() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database on that server."""
    return migrated_template(postgres)


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A fresh database on that server."""
    with cloned(postgres, template) as clone:
        yield clone


@pytest.fixture
def load_on(serve, arena_of):
    """Start a server and customers who book on it: `load_on(12, SLOTKEEPER_WORKERS="1")`."""

    def make(customers: int, **settings: str) -> Load:
        arena = arena_of(serve(**settings))
        return Load(arena, arena.shop.slot(capacity=100_000), customers)

    return make
