"""The client is gone before the answer: the booking is there whole, or not at all."""

from __future__ import annotations

from collections import Counter

import pytest

from app.config import Settings
from tests.patience import wait_until
from tests.racing import SERVER, THREADS

KEY = "a-key-of-somebody-who-vanishes"
WAYS_TO_GO = pytest.mark.parametrize("reset", [False, True], ids=["hangs up", "resets"])


@WAYS_TO_GO
def test_a_client_that_vanishes_while_its_request_waits_leaves_all_or_nothing(arena, reset):
    slot = arena.shop.slot()
    vanishing, other = arena.http(2)
    with arena.held(slot) as holder:
        vanishing.begin_to_book(slot, key=KEY)
        arena.wait_for_waiters(Counter({SERVER: 1}), holder)
        vanishing.vanish(reset=reset)
    arena.sweep()
    left = arena.bookings()
    assert len(left) <= 1
    # Whoever asks again with the same key has the booking, whether it was made then or now.
    other.customer = vanishing.customer
    again = other.book(slot, key=KEY)
    assert (again.status, again.code, again.replayed) == (201, "CONFIRMED", bool(left))
    assert arena.bookings() == {again.booking_id: "confirmed"}
    arena.sweep()


@WAYS_TO_GO
def test_clients_that_vanish_from_every_thread_at_once_leave_the_server_at_work(arena, reset):
    everybody = THREADS * Settings.workers
    hot, slots = arena.shop.slot(), [arena.shop.slot(hour, hour + 0.5) for hour in range(10, 18)]
    vanishing = arena.http(everybody)
    with arena.held(hot) as holder:
        for client in vanishing:
            client.begin_to_book(hot)
        arena.wait_for_waiters(Counter({SERVER: everybody}), holder)
        for client in vanishing:
            client.vanish(reset=reset)
    answers = [
        client.book(slot) for client, slot in zip(arena.http(len(slots)), slots, strict=True)
    ]
    assert [answer.status for answer in answers] == [201] * len(slots)
    arena.sweep()
    of_hot = [b for b in arena.bookings() if arena.shop.claims(b)[0]["slot_id"] == hot]
    assert len(of_hot) <= 1


@pytest.mark.parametrize("lost", [1, 30, 100_000], ids=["a blank", "some", "more than there was"])
def test_a_request_that_arrives_in_part_changes_nothing(arena, lost):
    """Without its last blank the body is proper JSON, and still not what its sender has said."""
    slot = arena.shop.slot()
    (client,) = arena.http()
    customer = '{"name": "Ada", "email": "ada@example.org"}'
    body = f'{{"slot_ids": ["{slot}"], "customer": {customer}}} '
    head = f"POST {client.base}/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    worker, port = arena.worker_of(client), client.port
    with arena.shop.unchanged():
        head += f"Content-Length: {max(lost, len(body))}\r\n\r\n"
        client.socket.sendall(f"{head}{body[:-lost]}".encode())
        client.vanish()
        wait_until(lambda: port not in arena.workers()[worker], "the server keeps the connection")
        arena.settle()
    assert arena.http()[0].book(slot).status == 201
    arena.sweep()
