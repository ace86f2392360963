"""Races for a service that any provider does: everybody free is found, and nobody twice."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.racing import codes
from tests.shop import at

TAKEN = "BOOKING_CONFLICT"
ways = pytest.mark.parametrize("way", ["http", "mixed"])


def _chairs(arena, count, **slot):
    """So many providers who are there from nine to five, with their slots, and a service."""
    chairs = [arena.shop.provider() for _ in range(count)]
    slots = [arena.shop.slot(9, 17, provider_id=chair, **slot) for chair in chairs]
    return arena.shop.service(60, chairs, start_step_minutes=60), slots


def _providers(arena):
    """How many standing bookings each provider has."""
    rows = arena.shop.rows(
        "SELECT provider_id, count(*) FROM bookings WHERE vendor_id = %s AND occupying GROUP BY 1"
    )
    return {row["provider_id"]: row["count"] for row in rows}


@ways
@pytest.mark.parametrize("crowd", [10, 13])
def test_of_ten_providers_each_is_filled_once_and_nobody_is_refused_before(arena, way, crowd):
    service, slots = _chairs(arena, 10)
    before = arena.deadlocks()
    answers = arena.race(
        [
            (client, lambda client=client: client.book_service(service, at(10)))
            for client in arena.crowd(way, crowd)
        ],
        *slots,
    )
    assert codes(answers) == +Counter({"CONFIRMED": 10, TAKEN: crowd - 10})
    assert list(_providers(arena).values()) == [1] * 10
    assert arena.deadlocks() == before
    arena.sweep()


@ways
def test_eight_clients_who_book_on_and_on_leave_no_provider_out(arena, way):
    """No cancellation: whoever begins after somebody was refused can find nobody free."""
    service, slots = _chairs(arena, 10, capacity=2)
    refused_at, begun_at = [], []

    def book_until_refused(client):
        answers = []
        while not answers or answers[-1].code != TAKEN:
            begun = time.monotonic()
            answers.append(client.book_service(service, at(10)))
            (refused_at if answers[-1].code == TAKEN else begun_at).append(
                time.monotonic() if answers[-1].code == TAKEN else begun
            )
        return answers

    crowd = arena.crowd(way, 8)
    racers = [(client, lambda client=client: book_until_refused(client)) for client in crowd]
    answers = [one for found in arena.race_all(racers, *slots) for one in found]
    assert codes(answers) == {"CONFIRMED": 20, TAKEN: 8}
    assert list(_providers(arena).values()) == [2] * 10
    assert max(begun_at) < min(refused_at)
    arena.sweep()


@ways
def test_a_key_sent_twice_at_once_is_one_booking_whoever_it_is_with(arena, way):
    service, slots = _chairs(arena, 10)
    crowd = arena.crowd(way, 8)
    for client in crowd:
        # Twins send the same in every word.
        client.customer = {"name": "Ada", "email": "ada@example.org"}
    # Every other one comes over HTTP where ways are mixed: twins are two of one kind.
    keys = [f"the-same-request-number-{i // 4}-{i % 2}" for i in range(8)]
    answers = arena.race(
        [
            (client, lambda client=client, key=key: client.book_service(service, at(10), key=key))
            for client, key in zip(crowd, keys, strict=True)
        ],
        *slots,
    )
    assert codes(answers) == {"CONFIRMED": 8}
    made = {}
    for key, answer in zip(keys, answers, strict=True):
        made.setdefault(key, set()).add(answer.booking_id)
    assert [len(ids) for ids in made.values()] == [1] * 4
    assert len(set.union(*made.values())) == len(arena.bookings()) == 4
    assert list(_providers(arena).values()) == [1] * 4
    arena.sweep()


@ways
def test_a_cancellation_in_between_frees_one_for_whoever_still_looks(arena, way):
    service, slots = _chairs(arena, 3)
    first = [arena.shop.book(slot, start=at(10), end=at(11)) for slot in slots[:2]]
    crowd = arena.crowd(way, 5)
    racers = [(one, lambda one=one: one.book_service(service, at(10))) for one in crowd[:4]]
    racers.append((crowd[4], lambda: crowd[4].move("cancel_booking", first[0])))
    answers = arena.race(racers, *slots)
    counted = codes(answers)
    assert counted["CANCELLED"] == 1
    standing = _providers(arena)
    assert set(standing.values()) == {1}
    # One was free all the time, and one from the cancellation on: taken again, or free still.
    assert counted["CONFIRMED"] == len(standing) - 1
    assert counted["CONFIRMED"] in {1, 2}
    assert counted["CONFIRMED"] + counted[TAKEN] == 4
    arena.sweep()
