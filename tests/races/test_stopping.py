"""The server is stopped under load: whatever it has acknowledged is there, and nothing else."""

from __future__ import annotations

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from tests.clients import HttpClient
from tests.patience import wait_until

CLIENTS, ACKNOWLEDGED_BEFORE_MIN = 16, 100


class Load:
    """Customers who book one after the other, each wish with a key, until nobody answers."""

    def __init__(self, arena, slot):
        self.arena, self.slot = arena, slot
        self.acknowledged, self.unknown = {}, []

    def run(self, client, number):
        """Book until the connection breaks; what came of the last wish is then unknown."""
        for wish in range(10_000):
            key = f"client-{number}-wish-{wish:04}"
            try:
                answer = client.book(self.slot, key=key)
            except (OSError, HTTPException):
                self.unknown.append((key, client.customer))
                return
            assert answer.status == 201, answer
            assert not answer.replayed
            self.acknowledged[key] = answer.booking_id
        raise AssertionError("the server was never stopped")


def test_a_server_stopped_under_load_loses_no_acknowledged_booking(serve, arena_of):
    first = serve()
    arena = arena_of(first)
    slot = arena.shop.slot(capacity=100_000)
    load = Load(arena, slot)
    with ThreadPoolExecutor(CLIENTS) as threads:
        running = [
            threads.submit(load.run, client, number)
            for number, client in enumerate(arena.http(CLIENTS))
        ]
        wait_until(lambda: len(load.acknowledged) >= ACKNOWLEDGED_BEFORE_MIN, "there is no load")
        first.process.send_signal(signal.SIGTERM)
        for client in running:
            client.result(timeout=60)
    assert first.process.wait(30) == 0
    arena.sweep()
    made = set(arena.bookings())
    told = set(load.acknowledged.values())
    print(f"{len(told)} acknowledged, {len(load.unknown)} unknown, {len(made - told)} made untold")
    assert told <= made
    assert len(made - told) <= len(load.unknown) <= CLIENTS
    assert Counter(arena.bookings().values()) == {"confirmed": len(made)}
    # The next server settles what is unknown: with its key each wish is one booking, old or new.
    client = HttpClient(serve().url, arena.slug, arena.api_key)
    for key, client.customer in load.unknown:
        answer = client.book(slot, key=key)
        assert answer.status == 201
        assert answer.replayed == (answer.booking_id in made)
        load.acknowledged[key] = answer.booking_id
    client.close()
    assert set(arena.bookings()) == set(load.acknowledged.values())
    assert len(arena.bookings()) == len(load.acknowledged)
    arena.sweep()
