"""A crowd takes every thread of a worker: others wait for a bounded time, and then it heals."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import struct
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import psutil
import pytest

from app.bodies import TURN_SECONDS
from app.config import Settings
from app.serve import CONNECTIONS_MAX, server_threads
from tests.racing import SERVER

# Who comes after those who have gone; with the probes fewer than the connections a worker takes.
LATER = 400
# A thread is free after at most a turn's wait; then comes one's own. And a busy machine.
ANSWER_SECONDS_MAX = 2 * TURN_SECONDS + 5
RESET = struct.pack("ii", 1, 0)
SLOTS = 16


@pytest.fixture(autouse=True)
def _enough_open_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def arena(serve, arena_of):
    """A vendor on a server of one process, otherwise as shipped."""
    return arena_of(serve(SLOTKEEPER_WORKERS="1"))


def test_a_crowd_that_takes_all_threads_delays_others_for_a_bounded_time_and_leaves_nothing(arena):
    wanted, free = arena.shop.slot(capacity=100_000), _free_slots(arena)
    (worker,) = arena.workers()
    with ExitStack() as stack:
        holder = stack.enter_context(arena.held(wanted))
        began = time.monotonic()
        gone = _crowd(arena, wanted, CONNECTIONS_MAX)
        arena.wait_for_waiters(Counter({SERVER: Settings.threads}), holder)
        _until(lambda: psutil.Process(worker).num_threads() > CONNECTIONS_MAX, "no crowd")
        for connection in gone:
            # They ask and go away: their requests keep their threads.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.close()
        later = _crowd(arena, wanted, LATER)
        for connection in later:
            stack.callback(connection.close)
        taken = 0

        def all_are_taken() -> bool:
            nonlocal taken
            taken = max(taken, psutil.Process(worker).num_threads())
            return taken >= server_threads(Settings())

        _until(all_are_taken, "there are threads left")
        probes = stack.enter_context(ThreadPoolExecutor(2 * SLOTS))
        health = [probes.submit(_timed, _health, arena, pause) for pause in range(4)]
        bookings = [probes.submit(_timed, _book, arena, slot) for slot in free]
        with ThreadPoolExecutor(64) as readers:
            heard = Counter(readers.map(_status, later))
        seconds = time.monotonic() - began
        healthy = [probe.result() for probe in health]
        told = [probe.result() for probe in bookings]
    print(f"{taken} threads; the crowd heard {heard} within {seconds:.1f} s")
    print(f"/healthz: {[(status, round(took, 1)) for status, took in healthy]}")
    longest = max(took for _, took in told)
    print(f"others: {Counter(status for status, _ in told)}, {longest:.1f} s at most")
    assert set(heard) <= {409, 503}
    assert seconds < 20
    assert {status for status, _ in healthy} == {200}
    assert max(took for _, took in healthy) < ANSWER_SECONDS_MAX
    assert {status for status, _ in told} <= {201, 503}
    assert longest < ANSWER_SECONDS_MAX
    _heals(arena, wanted)


def _heals(arena, slot) -> None:
    """At once and for everybody: no turn has been lost, and health needs no time."""
    arena.settle()
    before, number = len(arena.bookings()), 2 * Settings.threads
    with ThreadPoolExecutor(number) as threads:
        answers = list(threads.map(lambda _: _book(arena, slot), range(number)))
    assert set(answers) == {201}
    assert _timed(_health, arena, 0)[1] < TURN_SECONDS / 2
    assert len(arena.bookings()) == before + number
    arena.sweep()


def _free_slots(arena) -> list:
    provider = arena.shop.provider()
    return [arena.shop.slot(hour, hour + 1, provider_id=provider) for hour in range(SLOTS)]


def _crowd(arena, slot, number: int) -> list[socket.socket]:
    """So many connections, each with a whole request for the slot."""
    port = int(arena.server.url.rsplit(":", 1)[1])
    customer = {"name": "Ada", "email": "ada@example.org"}
    body = json.dumps({"slot_id": str(slot), "customer": customer}).encode()
    head = (
        f"POST /api/v1/vendors/{arena.slug}/bookings HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    crowd = []
    for _ in range(number):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(head.encode() + body)
        crowd.append(connection)
    return crowd


def _status(connection: socket.socket) -> int:
    connection.settimeout(30)
    return int(connection.recv(65_536).split(b" ", 2)[1])


def _health(arena, pause: int) -> int:
    threading.Event().wait(pause)
    return httpx.get(f"{arena.server.url}/healthz", trust_env=False, timeout=30).status_code


def _book(arena, slot) -> int:
    body = {"slot_id": str(slot), "customer": {"name": "Ada", "email": "ada@example.org"}}
    url = f"{arena.server.url}/api/v1/vendors/{arena.slug}/bookings"
    return httpx.post(url, json=body, trust_env=False, timeout=30).status_code


def _timed(ask, *words) -> tuple[int, float]:
    began = time.monotonic()
    return ask(*words), time.monotonic() - began


def _until(happened, complaint: str) -> None:
    deadline = time.monotonic() + TURN_SECONDS
    with contextlib.suppress(psutil.NoSuchProcess):
        while not happened():
            assert time.monotonic() < deadline, complaint
            time.sleep(0.01)
