"""Fixtures of tests that race, or break things, on real servers; a conftest imports them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from app.config import Settings
from tests.clients import HttpClient
from tests.doors import new_api_key
from tests.racing import THREADS, Arena
from tests.shop import Shop


@contextmanager
def _arena(server: Any) -> Iterator[Arena]:
    database = server.database
    with ExitStack() as stack:
        app, owner, monitor = (
            stack.enter_context(psycopg.connect(url, autocommit=True))
            for url in (database.app_url, database.owner_url, database.superuser_url)
        )
        shop = Shop(app, owner)
        slug = shop.rows("SELECT slug FROM vendors WHERE id = %s")[0]["slug"]
        arena = Arena(server, shop, new_api_key(shop), slug, monitor)
        try:
            yield arena
        finally:
            for client in arena.clients:
                if not isinstance(client, HttpClient):
                    client.connection.cancel_safe()
                client.close()


@pytest.fixture(scope="session")
def warm_server(shared_server) -> Any:
    """The shared server with every connection of its pools open, so that none is made mid-race."""
    with _arena(shared_server) as arena:
        slot = arena.shop.slot(capacity=100)
        clients = arena.http(THREADS * Settings.workers)
        arena.race([(client, lambda client=client: client.book(slot)) for client in clients], slot)
    return shared_server


@pytest.fixture
def arena(warm_server) -> Iterator[Arena]:
    """A vendor of this test's own on the shared server, as shipped."""
    with _arena(warm_server) as made:
        yield made


@pytest.fixture
def arena_of() -> Iterator[Callable[[Any], Arena]]:
    """Makes a vendor of this test's own on a server that the test will hurt."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(_arena(server))
