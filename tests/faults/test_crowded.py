"""More requests than threads: each is answered, soon, and none is taken for a slow one."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import psutil
import pytest

from app.bodies import LARGE_BYTES_MAX, TURN_SECONDS
from app.slots.routes import PUBLISH_BYTES_MAX
from tests.clients import HttpClient
from tests.patience import wait_until
from tests.racing import SERVER

LOCK_SECONDS = 1
# Wide: it tells a limit from none, on a busy machine, too.
ANSWER_SECONDS_MAX = TURN_SECONDS + LOCK_SECONDS + 9
QUICK_SECONDS = 2.5


@pytest.fixture
def small_arena(serve, arena_of):
    """Makes a vendor on a server of one process: `small_arena(2)`, the number of its threads."""

    def make(threads: int, **settings: str):
        chosen = {"SLOTKEEPER_LOCK_SECONDS": str(LOCK_SECONDS)} | settings
        return arena_of(serve(SLOTKEEPER_WORKERS="1", SLOTKEEPER_THREADS=str(threads), **chosen))

    return make


@pytest.fixture
def clients_of():
    """Opens connections of customers: `clients_of(arena, 8)`."""
    with ExitStack() as stack:

        def make(arena, number: int) -> list[HttpClient]:
            clients = [
                HttpClient(arena.server.url, arena.slug, arena.api_key) for _ in range(number)
            ]
            for client in clients:
                stack.callback(client.close)
            return clients

        yield make


def test_whole_requests_that_wait_are_not_cut_off_with_the_slow_ones(small_arena, clients_of):
    arena = small_arena(1, SLOTKEEPER_BODY_SECONDS="3")
    locked, free = arena.shop.slot(9, 10, capacity=100), arena.shop.slot(10, 11, capacity=100)
    hurried, others = clients_of(arena, 10), clients_of(arena, 14)
    with arena.held(locked) as holder, ExitStack() as stack:
        slow = [stack.enter_context(_half_a_body(arena)) for _ in range(2)]
        for client in hurried:
            client.begin_to_book(locked)
        arena.wait_for_waiters(Counter({SERVER: 1}), holder)
        # Not at the moment at which those at work came, by which they are known.
        time.sleep(1.5)
        for client in others:
            client.begin_to_book(free)
        answers = _all_answers([*hurried, *others])
        print(Counter(answer.code for answer in answers))
        for connection in slow:
            connection.settimeout(40)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(10) in {b"", b"HTTP/1.1 4"}, "cut off, or told why"
    assert {answer.status for answer in answers} <= {201, 409, 503}
    told = {answer.booking_id for answer in answers if answer.status == 201}
    assert told == set(arena.bookings()), "a booking was made, and nobody heard of it"
    arena.sweep()


def test_a_body_that_took_its_time_is_not_cut_off_while_it_is_at_work(small_arena, clients_of):
    arena = small_arena(2, SLOTKEEPER_BODY_SECONDS="4", SLOTKEEPER_LOCK_SECONDS="9")
    slot = arena.shop.slot()
    (client,) = clients_of(arena, 1)
    body = json.dumps({"slot_id": str(slot), "customer": client.customer}).encode()
    with arena.held(slot) as holder, ExitStack() as stack:
        late = stack.enter_context(_half_a_body(arena, b"", len(body)))
        never = stack.enter_context(_half_a_body(arena))
        time.sleep(3.6)
        late.sendall(body)
        arena.wait_for_waiters(Counter({SERVER: 1}), holder)
        never.settimeout(20)
        with contextlib.suppress(ConnectionResetError):
            assert never.recv(10) in {b"", b"HTTP/1.1 4"}
        holder.rollback()
        late.settimeout(20)
        assert late.recv(100).startswith(b"HTTP/1.1 201")
    arena.sweep()


def test_more_requests_than_threads_are_all_answered_in_bounded_time(small_arena, clients_of):
    threads = 2
    arena = small_arena(threads)
    slot = arena.shop.slot(capacity=100)
    clients = clients_of(arena, 16 * threads)
    with arena.held(slot) as holder, httpx.Client(trust_env=False) as prober:
        began = time.monotonic()
        for client in clients:
            client.begin_to_book(slot)
        arena.wait_for_waiters(Counter({SERVER: threads}), holder)
        slowest = max(
            prober.get(f"{arena.server.url}{path}").elapsed.total_seconds()
            for path in 3 * ["/healthz", "/metrics"]
        )
        answers = _all_answers(clients)
        seconds = time.monotonic() - began
    heard = Counter((answer.status, answer.code) for answer in answers)
    print(f"{heard}, the last after {seconds:.1f} s; health after {slowest:.2f} s")
    assert set(heard) == {(409, "INVENTORY_LOCKED"), (503, "SERVICE_UNAVAILABLE")}
    assert seconds < ANSWER_SECONDS_MAX
    assert slowest < QUICK_SECONDS
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-request-id"] == refused.body["request_id"]
    assert "Nothing was done" in refused.body["detail"]
    assert arena.bookings() == {}
    text = httpx.get(f"{arena.server.url}/metrics", trust_env=False).text
    number = f"{heard[503, 'SERVICE_UNAVAILABLE']}.0"
    assert f'slotkeeper_refusals_total{{code="SERVICE_UNAVAILABLE"}} {number}' in text
    assert _slower_than(TURN_SECONDS / 2, text) >= heard[503, "SERVICE_UNAVAILABLE"]
    assert clients[0].book(slot).status == 201
    arena.sweep()


def test_a_server_stopped_with_more_requests_than_threads_answers_all(small_arena, clients_of):
    threads = 2
    arena = small_arena(threads, SLOTKEEPER_LOCK_SECONDS="3")
    slot = arena.shop.slot(capacity=100)
    clients = clients_of(arena, 16 * threads)
    with arena.held(slot) as holder:
        for client in clients:
            client.begin_to_book(slot)
        arena.wait_for_waiters(Counter({SERVER: threads}), holder)
        arena.server.process.send_signal(signal.SIGTERM)
        answers = _all_answers(clients)
    print(Counter(answer.code for answer in answers))
    assert {answer.status for answer in answers} == {409, 503}
    assert arena.server.process.wait(30) == 0
    assert arena.bookings() == {}


@pytest.mark.parametrize("path", ["/api/v1/vendors/%s/bookings", "/api/v1/vendors/%s/slots"])
def test_large_bodies_of_strangers_take_bounded_memory_and_keep_nobody_out(
    small_arena, clients_of, path
):
    arena = small_arena(8, SLOTKEEPER_BODY_SECONDS="60")
    (client,) = clients_of(arena, 1)
    (worker,) = arena.workers()
    before = psutil.Process(worker).memory_info().rss
    number = 48
    length = PUBLISH_BYTES_MAX
    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        connections = [
            stack.enter_context(_half_a_body(arena, b"", length, path)) for _ in range(number)
        ]
        # All but the last byte: they stay.
        list(threads.map(lambda connection: connection.sendall(b"x" * (length - 1)), connections))
        grown = psutil.Process(worker).memory_info().rss - before
        assert client.book(arena.shop.slot()).status == 201
    print(f"{number} bodies of {length:,} bytes: {grown:,} bytes more")
    # What the server itself holds of a body that is being read comes on top.
    assert grown < 6 * LARGE_BYTES_MAX

    def booked_again() -> bool:
        return client.book(arena.shop.slot(12, 13)).status == 201

    wait_until(booked_again, "the room of those who have gone is not free")
    arena.sweep()


def _half_a_body(
    arena, beginning: bytes = b"{", length: int = 400, path: str = "/api/v1/vendors/%s/bookings"
) -> socket.socket:
    port = int(arena.server.url.rsplit(":", 1)[1])
    connection = socket.create_connection(("127.0.0.1", port))
    head = (
        f"POST {path % arena.slug} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + beginning)
    return connection


def _all_answers(clients):
    with ThreadPoolExecutor(len(clients)) as threads:
        return list(threads.map(lambda client: client.answer(), clients))


def _slower_than(seconds: float, text: str) -> int:
    """How many bookings the histogram has above so many seconds, a boundary of its own."""
    lines = [
        line
        for line in text.splitlines()
        if line.startswith("slotkeeper_http_request_seconds_bucket") and 'method="POST"' in line
    ]
    counts = {line.split('le="')[1].split('"')[0]: float(line.split()[-1]) for line in lines}
    return int(counts["+Inf"] - counts[str(seconds)])
