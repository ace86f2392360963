"""The ways in: SQL alone, HTTP alone, and half and half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.crowd import Crowd
from tests.doors import Door, HttpDoor, RawDoor, SqlDoor, new_api_key
from tests.racing_fixtures import arena, arena_of, warm_server
from tests.shop import Shop
from tests.shop_fixtures import module_app, module_owner, sessions, shop

__all__ = ["arena", "arena_of", "module_app", "module_owner", "sessions", "shop", "warm_server"]

# The threads of one worker: so many requests are in the database at once even when the kernel
# hands every connection to the same of the two.
SERVER_THREADS = 8
Gather = Callable[..., Crowd]


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
