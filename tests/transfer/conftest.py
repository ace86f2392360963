"""Vendors of a test's own, in a database that the tests of one module share."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from app.config import Settings
from app.db import db, offline_app
from app.vendors.actions import create_vendor
from tests.shop_fixtures import module_app, module_owner
from tests.throwaway import Database, cloned
from tests.trade import Trade

__all__ = ["module_app", "module_owner"]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def offline(module_database) -> Iterator[Flask]:
    """The context in which commands reach the module's database."""
    app = offline_app(Settings.from_environment({"DATABASE_URL": module_database.app_url}))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def new_trade(offline, module_app, module_owner, tmp_path) -> Callable[[], Trade]:
    """Makes a vendor that has nothing yet, and whose files are in folders of the test's own."""

    def make() -> Trade:
        number = next(_numbers)
        with offline.app_context():
            vendor = create_vendor(f"trade-{number}", "A vendor", "Europe/Berlin")
        folder = tmp_path / f"trade-{number}"
        folder.mkdir()
        return Trade(offline, module_app, module_owner, vendor.slug, vendor.id, folder)

    return make


@pytest.fixture(scope="session")
def another_database(postgres, template) -> Iterator[Database]:
    """A database beside that of the module."""
    with cloned(postgres, template) as clone:
        yield clone


@pytest.fixture
def elsewhere(another_database, tmp_path) -> Iterator[Trade]:
    """A vendor that has nothing yet, in another database."""
    app = offline_app(Settings.from_environment({"DATABASE_URL": another_database.app_url}))
    slug = f"elsewhere-{next(_numbers)}"
    with app.app_context():
        vendor = create_vendor(slug, "Another", "UTC")
    folder = tmp_path / slug
    folder.mkdir()
    with (
        psycopg.connect(another_database.app_url, autocommit=True) as connection,
        psycopg.connect(another_database.owner_url, autocommit=True) as owner,
    ):
        yield Trade(app, connection, owner, slug, vendor.id, folder)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def trade(new_trade) -> Trade:
    """A vendor that has nothing yet."""
    return new_trade()


@pytest.fixture
def slotkeeper(commands, module_database) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as a process; its result, with what it printed."""

    def run(
        *words: str | Path, url: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return commands.run(*words, DATABASE_URL=url or module_database.app_url, **variables)

    return run
