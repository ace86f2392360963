"""A vendor for each test; tests of one module share a database, as vendors do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest

from tests.shop import Shop
from tests.shop_fixtures import module_app, module_owner, sessions, shop

__all__ = ["module_app", "module_owner", "sessions", "shop"]


@pytest.fixture
def refused(shop: Shop) -> Callable[..., AbstractContextManager[None]]:
    """A block in which the database must refuse with (one of) these SQLSTATEs, changing nothing.

    `by` names the constraint where a law must be what refused, and not some other rule.
    """

    @contextmanager
    def block(*sqlstates: str, by: str | None = None) -> Iterator[None]:
        with shop.unchanged():
            with pytest.raises(psycopg.Error) as refusal:
                yield
            assert refusal.value.sqlstate in sqlstates, refusal.value
            assert by in {None, refusal.value.diag.constraint_name}, refusal.value

    return block
