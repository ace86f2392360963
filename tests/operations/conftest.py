"""A vendor to work with on a server of the test's own, and what that server has counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Api
from tests.conftest import Server, _serve
from tests.migrations.conftest import picture
from tests.throwaway import Database

__all__ = ["picture"]


class Counts:
    """The samples of an exposition."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    @property
    def names(self) -> set[str]:
        return {sample.name for sample in self._samples}

    def of(self, name: str, **labels: str) -> float | None:
        """The sum of the samples with these labels; None when there is no such sample."""
        found = [
            sample.value
            for sample in self._samples
            if sample.name == f"slotkeeper_{name}" and labels.items() <= sample.labels.items()
        ]
        return sum(found) if found else None


@pytest.fixture
def counts() -> Callable[[str], Counts]:
    """What the server at this address has counted so far."""

    def read(url: str) -> Counts:
        answer = httpx.get(f"{url}/metrics", trust_env=False, timeout=30)
        assert answer.status_code == 200
        return Counts(answer.text)

    return read


@pytest.fixture
def api() -> Iterator[Callable[..., Api]]:
    """Calls on a server's vendor."""
    clients: list[httpx.Client] = []

    def open_api(server) -> Api:
        # A connection a call, so that every worker is asked.
        client = httpx.Client(
            base_url=server.url,
            trust_env=False,
            timeout=30,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        clients.append(client)
        return Api(client, server.vendor, server.api_key)

    yield open_api
    for client in clients:
        client.close()


@pytest.fixture
def serve_on(tmp_path) -> Callable[..., AbstractContextManager[Server]]:
    """The shipped server on a database of the test's choice."""

    def start(database: Database, **settings: str) -> AbstractContextManager[Server]:
        return _serve(database, tmp_path / "serve.log", **settings)

    return start
