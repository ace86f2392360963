"""The last place over HTTP, at all workers at once: one 201, and a 409 for everybody else."""

from __future__ import annotations

from collections import Counter

import pytest

from app.config import Settings
from tests.racing import codes


@pytest.mark.parametrize("crowd", [2, 10, 50])
def test_the_last_place_is_one_201_and_the_rest_409(arena, crowd):
    slot = arena.shop.slot()
    clients = arena.http(crowd)
    assert len({arena.worker_of(client) for client in clients}) == Settings.workers
    answers = arena.race(
        [(client, lambda client=client: client.book(slot)) for client in clients], slot
    )
    assert Counter(answer.status for answer in answers) == {201: 1, 409: crowd - 1}
    assert codes(answers) == {"CONFIRMED": 1, "BOOKING_CONFLICT": crowd - 1}
    (winner,) = (answer for answer in answers if answer.status == 201)
    assert arena.bookings() == {winner.booking_id: "confirmed"}
    for loser in answers:
        if loser is not winner:
            assert loser.body["conflict"]["available"] == 0
            assert "no longer available for 1" in loser.body["detail"]
    arena.sweep()
