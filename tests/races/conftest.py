"""The ways in: SQL alone, HTTP alone, and half and half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.conftest import Server, _serve
from tests.crowd import Crowd
from tests.doors import Door, HttpDoor, RawDoor, SqlDoor, new_api_key
from tests.patience import PATIENCE_SECONDS
from tests.racing_fixtures import arena, arena_of, warm_server
from tests.shop import Shop
from tests.shop_fixtures import module_app, module_owner, sessions, shop
from tests.throwaway import Database, cloned

__all__ = ["arena", "arena_of", "module_app", "module_owner", "sessions", "shop", "warm_server"]

# The threads of one worker: so many requests are in the database at once even when the kernel
# hands every connection to the same of the two.
SERVER_THREADS = 8
Gather = Callable[..., Crowd]
# As long as the doors of SQL: what is waited for here is a crowd, and not a lock that is stuck.
PATIENT = {
    "SLOTKEEPER_LOCK_SECONDS": str(PATIENCE_SECONDS),
    "SLOTKEEPER_STATEMENT_SECONDS": str(PATIENCE_SECONDS),
}


@pytest.fixture(scope="module")
def server(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A patient server on the module's database."""
    with _serve(module_database, tmp_path_factory.mktemp("server") / "log", **PATIENT) as running:
        yield running


@pytest.fixture(scope="session")
def shared_server(
    postgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One patient server for all races that bring a vendor of their own."""
    with (
        cloned(postgres, template) as clone,
        _serve(clone, tmp_path_factory.mktemp("server") / "log", **PATIENT) as running,
    ):
        yield running


@pytest.fixture
def gather() -> Iterator[Gather]:
    """Gather a crowd that comes to a shop by the doors named, in turn: sql, http, raw."""
    with ExitStack() as stack:

        def make(shop: Shop, database, doors: list[str], url: str = "") -> Crowd:
            api_key = new_api_key(shop)

            def open_door(number: int) -> Door:
                match doors[number % len(doors)]:
                    case "sql":
                        return SqlDoor(database.app_url, shop)
                    case "raw":
                        return RawDoor(database.owner_url, shop, seed=number)
                return HttpDoor(url, shop, api_key)

            monitor = psycopg.connect(database.superuser_url, autocommit=True)
            at_once_max = SERVER_THREADS if "http" in doors else 1000
            crowd = Crowd(shop, database.name, monitor, open_door, at_once_max)
            stack.callback(monitor.close)
            stack.callback(crowd.disperse)
            return crowd

        yield make


WAYS = {"sql": ["sql"], "http": ["http"], "mixed": ["sql", "http"]}


@pytest.fixture(params=WAYS)
def crowd(request, gather: Gather, module_database, shop: Shop) -> Crowd:
    """A crowd that comes through SQL, through HTTP, or half through each."""
    doors = WAYS[request.param]
    url = request.getfixturevalue("server").url if "http" in doors else ""
    return gather(shop, module_database, doors, url)
