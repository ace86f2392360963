"""A worker process is killed in the middle of a request: all or nothing, and the others go on."""

from __future__ import annotations

import os
import select
import signal
from collections import Counter
from http.client import HTTPException

import pytest

from app.config import Settings
from tests.patience import wait_until
from tests.racing import SERVER

KEY = "a-key-that-outlives-a-worker"


@pytest.fixture
def doomed(serve, arena_of):
    """A vendor on a server of this test's own, whose workers may be killed."""
    return arena_of(serve())


def assert_replaced(arena, worker):
    """Another worker has come for the one that was killed, and it works."""
    wait_until(
        lambda: worker not in arena.workers() and len(arena.workers()) == Settings.workers,
        "the killed worker is not replaced",
    )
    slots = [arena.shop.slot(hour, hour + 1) for hour in (20, 21)]
    clients = arena.http(2)
    assert {arena.worker_of(client) for client in clients} == set(arena.workers())
    answers = [client.book(slot) for client, slot in zip(clients, slots, strict=True)]
    assert [answer.status for answer in answers] == [201, 201]
    arena.sweep()


@pytest.mark.parametrize("session_dies_too", [False, True])
def test_a_worker_killed_while_its_request_waits_leaves_all_or_nothing(doomed, session_dies_too):
    slot, other_slot = doomed.shop.slot(9, 10), doomed.shop.slot(10, 11)
    client, other = doomed.http(2)
    with doomed.held(slot) as holder:
        client.begin_to_book(slot, key=KEY)
        doomed.wait_for_waiters(Counter({SERVER: 1}), holder)
        worker = doomed.worker_that_waits()
        assert worker == doomed.worker_of(client)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises((OSError, HTTPException)):
            client.answer()
        # The other worker is at work while the session of the dead one still waits.
        assert other.book(other_slot).status == 201
        doomed.wait_for_waiters(Counter({SERVER: 1}), holder)
        if session_dies_too:
            doomed.end_waiting_sessions()
    doomed.sweep()
    left = doomed.shop.rows("SELECT FROM claims WHERE vendor_id = %s AND slot_id = %s", slot)
    assert len(left) == (0 if session_dies_too else 1)
    other.customer = client.customer
    again = other.book(slot, key=KEY)
    assert (again.status, again.replayed) == (201, not session_dies_too)
    assert len(doomed.bookings()) == 2
    assert_replaced(doomed, worker)


def test_a_worker_killed_between_commit_and_answer_has_booked_once_and_the_key_tells(doomed):
    slot = doomed.shop.slot()
    client, other = doomed.http(2)
    with doomed.held(slot) as holder:
        client.begin_to_book(slot, key=KEY)
        doomed.wait_for_waiters(Counter({SERVER: 1}), holder)
        worker = doomed.worker_that_waits()
        # It sleeps over the database's answer: the session commits, and nobody hears of it.
        os.kill(worker, signal.SIGSTOP)
    try:
        wait_until(doomed.bookings, "the booking is not committed")
        doomed.settle()
        assert not select.select([client.socket], [], [], 0)[0], "it has been answered"
    finally:
        os.kill(worker, signal.SIGKILL)
    with pytest.raises((OSError, HTTPException)):
        client.answer()
    other.customer = client.customer
    again = other.book(slot, key=KEY)
    assert (again.status, again.code, again.replayed) == (201, "CONFIRMED", True)
    assert doomed.bookings() == {again.booking_id: "confirmed"}
    # Without the key nobody could tell: the place is taken, by oneself.
    assert other.book(slot).code == "BOOKING_CONFLICT"
    assert_replaced(doomed, worker)
