"""Clients that send half a request, or a byte at a time, or vanish: nobody else waits for them."""

from __future__ import annotations

import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.clients import HttpClient
from tests.patience import wait_until

BODY_SECONDS = 2
# Wide: it tells a limit from none, on a busy machine, too.
CUT_SECONDS_MAX = BODY_SECONDS + 13
# More than there are threads that book, 2 workers with 8 each; twice as many, halves of bodies
# and of chunks, are still few enough for one worker, should the other be late.
SLOW_CLIENTS = 25
HALF_BODY = (
    b"POST /api/v1/vendors/%s/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'Content-Length: 400\r\n\r\n{"slot_id": '
)
HALF_CHUNK = (
    b"POST /api/v1/vendors/%s/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"
)
HALF_HEAD = b"POST /api/v1/vendors/%s/bookings HTTP/1.1\r\nHost: x\r\nContent-"


@pytest.fixture
def arena(serve, arena_of):
    """A vendor on a server that waits two seconds for a body."""
    return arena_of(serve(SLOTKEEPER_BODY_SECONDS=str(BODY_SECONDS)))


@pytest.fixture
def slow_clients_of():
    """Opens connections that send this and then nothing: `slow_clients_of(arena)(HALF_BODY)`."""
    with ExitStack() as stack:

        def on(arena):
            port = int(arena.server.url.rsplit(":", 1)[1])

            def send(beginning: bytes, number: int = SLOW_CLIENTS) -> list[socket.socket]:
                opened = [
                    stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                    for _ in range(number)
                ]
                for connection in opened:
                    connection.sendall(beginning.replace(b"%s", arena.slug.encode()))
                return opened

            return send

        yield on


@pytest.fixture
def slow_clients(arena, slow_clients_of):
    """`slow_clients(HALF_BODY)`, on the server that waits two seconds."""
    return slow_clients_of(arena)


def test_half_sent_requests_are_in_nobodys_way(serve, arena_of, slow_clients_of):
    arena = arena_of(serve(SLOTKEEPER_BODY_SECONDS="60"))
    slots = [arena.shop.slot(hour, hour + 0.5) for hour in range(8, 20)]
    slow_clients = slow_clients_of(arena)
    slow = [
        connection
        for beginning in (HALF_BODY, HALF_CHUNK, HALF_HEAD)
        for connection in slow_clients(beginning)
    ]
    began = time.monotonic()
    clients = [HttpClient(arena.server.url, arena.slug, arena.api_key) for _ in slots]
    with ThreadPoolExecutor(len(slots)) as threads:
        answers = list(
            threads.map(lambda pair: pair[0].book(pair[1]), zip(clients, slots, strict=True))
        )
    seconds = time.monotonic() - began
    print(f"{len(slots)} booked in {seconds:.2f} s beside {len(slow)} half-sent requests")
    assert [answer.status for answer in answers] == [201] * len(slots)
    assert not select.select(slow, [], [], 0)[0], "the slow ones had been cut off before"
    for client in clients:
        client.close()
    arena.sweep()


def test_half_a_body_is_waited_for_so_long_and_then_cut_off(arena, slow_clients):
    began = time.monotonic()
    connections = slow_clients(HALF_BODY) + slow_clients(HALF_CHUNK)
    heard = [_hear(connection, CUT_SECONDS_MAX + 4) for connection in connections]
    seconds = time.monotonic() - began
    told = sum(answer.startswith(b"HTTP/1.1 400") for answer in heard)
    print(f"{len(connections)} cut off after {seconds:.1f} s; {told} were told why")
    assert BODY_SECONDS <= seconds < CUT_SECONDS_MAX
    assert arena.bookings() == {}
    _threads_are_free(arena)


def test_a_byte_at_a_time_is_no_way_to_stay(arena, slow_clients):
    connections = slow_clients(HALF_BODY)
    began = time.monotonic()
    open_still = connections
    while open_still:
        assert time.monotonic() - began < CUT_SECONDS_MAX, f"{len(open_still)} are still there"
        for connection in open_still:
            try:
                connection.sendall(b" ")
            except OSError:
                continue
        gone = select.select(open_still, [], [], 0.2)[0]
        open_still = [connection for connection in open_still if connection not in gone]
    print(f"all cut off after {time.monotonic() - began:.1f} s")
    _threads_are_free(arena)


def test_half_a_body_behind_a_whole_request_is_cut_off_too(arena, slow_clients):
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    began = time.monotonic()
    for connection in slow_clients(whole + HALF_BODY):
        assert _hear(connection, 3 * CUT_SECONDS_MAX).startswith(b"HTTP/1.1 200")
    print(f"all cut off after {time.monotonic() - began:.1f} s")
    _threads_are_free(arena)


def test_whoever_waits_for_an_answer_and_whoever_is_idle_is_not_cut_off_with_them(
    arena, slow_clients
):
    slot = arena.shop.slot()
    idle, waiting = arena.http(2)
    with arena.held(slot):
        cut = slow_clients(HALF_BODY, 4)
        time.sleep(BODY_SECONDS / 2)
        waiting.begin_to_book(slot)
        for connection in cut:
            _hear(connection, CUT_SECONDS_MAX)
    assert waiting.answer().status == 201
    assert idle.book(arena.shop.slot(12, 13)).status == 201
    arena.sweep()


def test_a_body_that_takes_its_time_within_the_limit_is_read(arena):
    slot = arena.shop.slot()
    body = b'{"slot_id": "%s", "customer": {"name": "Ada", "email": "a@example.org"}}'

    def pieces():
        for piece in (body % str(slot).encode()).partition(b"customer"):
            yield piece
            time.sleep(BODY_SECONDS / 5)

    answer = httpx.post(
        f"{arena.server.vendor_url.replace(arena.server.vendor, arena.slug)}/bookings",
        content=pieces(),
        headers={"Content-Type": "application/json"},
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text


def test_clients_that_vanish_by_the_hundred_leave_every_thread_and_connection_free(arena):
    slot = arena.shop.slot(capacity=1000)
    vanished = 0
    for number in range(200):
        client = HttpClient(arena.server.url, arena.slug, arena.api_key)
        client.begin_to_book(slot, key=f"somebody-who-vanishes-{number:04}")
        client.vanish(reset=number % 2 == 0)
        vanished += 1
    arena.settle()
    print(f"{vanished} vanished; {len(arena.bookings())} bookings are there, whole")
    assert len(arena.bookings()) <= vanished
    _threads_are_free(arena)
    arena.sweep()


def _hear(connection: socket.socket, seconds: float) -> bytes:
    connection.settimeout(seconds)
    heard = b""
    try:
        while piece := connection.recv(65_536):
            heard += piece
    except ConnectionResetError:
        pass
    return heard


def _threads_are_free(arena) -> None:
    """As many requests as there are threads are answered at once, and no connection is left."""
    port = int(arena.server.url.rsplit(":", 1)[1])
    chair = arena.shop.provider()
    slots = [arena.shop.slot(hour, hour + 1, provider_id=chair) for hour in range(16)]
    clients = [HttpClient(arena.server.url, arena.slug, arena.api_key) for _ in slots]
    with ThreadPoolExecutor(len(slots)) as threads:
        answers = list(
            threads.map(lambda pair: pair[0].book(pair[1]), zip(clients, slots, strict=True))
        )
    assert [answer.status for answer in answers] == [201] * len(slots)
    for client in clients:
        client.close()

    def nobody_is_left() -> bool:
        return not any(
            found.laddr.port == port and found.status == psutil.CONN_ESTABLISHED
            for pid in arena.workers()
            for found in psutil.Process(pid).net_connections(kind="tcp")
        )

    wait_until(nobody_is_left, "the server keeps connections")
