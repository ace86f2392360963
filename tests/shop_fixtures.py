"""Fixtures of tests that work on a vendor of their own; a conftest imports what it wants."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests import lock_waits
from tests.shop import Shop


@pytest.fixture(scope="module")
def module_owner(module_database) -> Iterator[psycopg.Connection]:
    """An autocommit connection as the owner of the module's database."""
    with psycopg.connect(module_database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def module_app(module_database) -> Iterator[psycopg.Connection]:
    """An autocommit connection as the application's role, to the module's database."""
    with psycopg.connect(module_database.app_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def shop(module_app: psycopg.Connection, module_owner: psycopg.Connection) -> Shop:
    """A vendor of the test's own in the module's database."""
    return Shop(module_app, module_owner)


@pytest.fixture
def sessions(module_database, shop: Shop) -> Iterator[lock_waits.Sessions]:
    """Connections that can be made to wait for one another."""
    with lock_waits.sessions(module_database, shop.vendor_id) as opened:
        yield opened
