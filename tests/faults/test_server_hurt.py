"""Workers are killed and the server is stopped under load; requests wait, and get their answer."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from app.config import Settings
from app.db import db, offline_app, read
from app.errors import DatabaseProblem
from tests.clients import HttpClient
from tests.patience import wait_until
from tests.racing import SERVER, THREADS

CUSTOMERS = 12
EVERYBODY = THREADS * Settings.workers


def test_a_server_stopped_while_requests_wait_answers_every_one_of_them(serve, arena_of):
    first = serve()
    arena = arena_of(first)
    slot = arena.shop.slot(capacity=1000)
    clients = arena.http(EVERYBODY)
    with arena.held(slot) as holder:
        for number, client in enumerate(clients):
            client.begin_to_book(slot, key=f"waiting-when-stopped-{number:04}")
        arena.wait_for_waiters(Counter({SERVER: EVERYBODY}), holder)
        first.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not _accepts(first), "it takes new connections after SIGTERM")
    answers = [client.answer() for client in clients]
    assert first.process.wait(30) == 0
    told = {answer.booking_id for answer in answers if answer.status == 201}
    print(f"in flight {len(clients)}, answered {len(answers)}, lost {len(clients) - len(told)}")
    assert told == set(arena.bookings())
    assert len(told) == EVERYBODY
    arena.sweep()


def test_a_server_stopped_under_load_makes_no_booking_that_nobody_hears_of(load_on, serve):
    load = load_on(CUSTOMERS)
    server = load.arena.server
    with load:
        at_work = len(load.in_flight)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
        wait_until(lambda: load.nobody_there >= CUSTOMERS, "somebody is still served")
    account = load.settle_accounts(serve().url)
    print(
        f"in flight {at_work}, accepted and not answered {account['made though unknown or lost']}"
    )
    # A connection that is closed between two requests loses nothing; a request that was taken
    # is answered.
    assert account["made though unknown or lost"] == 0
    assert account["unknown"] == 0


def test_a_worker_killed_under_load_is_replaced_even_when_its_successor_is_killed_too(load_on):
    load = load_on(CUSTOMERS)
    arena = load.arena
    # Ready means that one worker answers.
    wait_until(lambda: len(arena.workers()) == Settings.workers, "a worker is missing")
    with load:
        for _ in range(3):
            before = set(arena.workers())
            assert len(before) == Settings.workers
            victim = min(before)
            killed = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            # The other worker goes on while this one is replaced.
            load.wait_for("acknowledged", 5, since=killed)
            wait_until(
                lambda victim=victim: (
                    len(arena.workers()) == Settings.workers and victim not in arena.workers()
                ),
                "the killed worker is not replaced",
            )
            load.wait_for_each()
            print(
                f"killed a worker; everybody served again {time.monotonic() - killed:.1f} s later"
            )
        assert arena.server.process.poll() is None
    account = load.settle_accounts()
    # With a worker die the requests that it had, and nothing else.
    assert account["lost"] <= 3 * CUSTOMERS
    assert account["refused"] == 0


def test_a_server_whose_workers_cannot_live_gives_up(serve):
    server = serve(SLOTKEEPER_WORKERS="1")
    arena_workers = _children(server)
    assert len(arena_workers) == 1
    deadline = time.monotonic() + 40
    while server.process.poll() is None:
        assert time.monotonic() < deadline, "it goes on for ever"
        for pid in _children(server):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    assert server.process.returncode == 1, "whoever supervises it is told"


def test_a_lock_that_somebody_holds_is_told_to_everybody_in_bounded_time(serve, arena_of):
    arena = arena_of(serve(SLOTKEEPER_LOCK_SECONDS="1"))
    slot, other = arena.shop.slot(9, 10, capacity=100), arena.shop.slot(10, 11)
    clients = arena.http(EVERYBODY)
    with arena.held(slot), ThreadPoolExecutor(EVERYBODY) as threads:
        began = time.monotonic()
        answers = list(threads.map(lambda client: client.book(slot), clients))
        seconds = time.monotonic() - began
    print(Counter(answer.code for answer in answers), f"{seconds:.2f} s")
    assert {(answer.status, answer.code) for answer in answers} == {(409, "INVENTORY_LOCKED")}
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}
    assert 1 <= seconds < 20
    assert arena.bookings() == {}
    assert clients[0].book(other).status == 201
    arena.sweep()


def test_a_statement_that_takes_too_long_is_a_504_and_leaves_nothing(serve, arena_of):
    arena = arena_of(serve(SLOTKEEPER_LOCK_SECONDS="30", SLOTKEEPER_STATEMENT_SECONDS="1"))
    slot = arena.shop.slot(capacity=100)
    clients = arena.http(EVERYBODY)
    with arena.held(slot), ThreadPoolExecutor(EVERYBODY) as threads:
        began = time.monotonic()
        answers = list(threads.map(lambda client: client.book(slot), clients))
        seconds = time.monotonic() - began
    print(Counter(answer.code for answer in answers), f"{seconds:.2f} s")
    assert {(answer.status, answer.code) for answer in answers} == {(504, "TRANSACTION_TIMEOUT")}
    assert 1 <= seconds < 20
    assert arena.bookings() == {}
    assert clients[0].book(slot).status == 201
    arena.sweep()


def test_deadlock_victims_are_tried_again_and_counted(serve, arena_of):
    arena = arena_of(serve(SLOTKEEPER_WORKERS="1"))
    first, second = (arena.shop.slot(hour, hour + 1, capacity=1000) for hour in (9, 10))
    client = HttpClient(arena.server.url, arena.slug, arena.api_key)
    before = _retries(client)
    with ThreadPoolExecutor(1) as thread, arena.held(max(first, second)) as rival:
        booking = thread.submit(client.book, first, second)
        arena.wait_for_waiters(Counter({SERVER: 1}), rival)
        # It holds the lower slot and waits for the higher, which we have: we want the lower, too.
        # It has waited for longer, so the database's look for deadlocks finds it first.
        rival.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [min(first, second)])
        rival.rollback()
        assert booking.result().status == 201
    victims = _retries(client) - before
    print(f"deadlock victims tried again: {victims}")
    assert victims == 1
    client.close()
    arena.sweep()


def test_without_a_free_connection_a_request_waits_for_a_bounded_time(database):
    app = offline_app(Settings(database_url=database.app_url, threads=1))
    with app.app_context():
        taken = db.engine.raw_connection()
        began = time.monotonic()
        with pytest.raises(DatabaseProblem) as caught:
            read("SELECT 1")
        assert 4 < time.monotonic() - began < 20
        assert caught.value.code == "SERVICE_UNAVAILABLE"
        assert "Nothing was done" in caught.value.detail
        taken.close()
        assert read("SELECT 1 AS one")[0].one == 1
        db.engine.dispose()


def _accepts(server) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) == 0


def _children(server) -> list[int]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [p.pid for p in psutil.Process(server.process.pid).children(recursive=True)]
    return []


def _retries(client) -> int:
    client.connection.request("GET", "/metrics")
    text = client.connection.getresponse().read().decode()
    found = [
        line.split()[1]
        for line in text.splitlines()
        if line.startswith('slotkeeper_database_retries_total{reason="aborted"}')
    ]
    return int(float(found[0])) if found else 0
