"""Races for services: several providers at once named in opposite orders, and buffers that meet."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from tests.racing import codes
from tests.shop import at

TAKEN = "BOOKING_CONFLICT"
ways = pytest.mark.parametrize("way", ["http", "mixed"])


def _race(arena, way, wishes, gate):
    """What each was answered who wants (slots, service, start), all of them at one moment."""
    clients = arena.crowd(way, len(wishes))
    before = arena.deadlocks()
    answers = arena.race(
        [
            (
                client,
                lambda client=client, wish=wish: client.book(
                    *wish[0], service_id=str(wish[1]), start=wish[2].isoformat()
                ),
            )
            for client, wish in zip(clients, wishes, strict=True)
        ],
        *gate,
    )
    assert arena.deadlocks() == before
    return answers


@ways
def test_of_many_who_want_one_pair_in_opposite_orders_one_has_both(arena, way):
    shop = arena.shop
    room = shop.provider()
    service = shop.service(60, [shop.provider_id], [room], buffer_after_minutes=15)
    mine, theirs = shop.slot(9, 17), shop.slot(9, 17, provider_id=room)
    wishes = [((mine, theirs) if i % 2 else (theirs, mine), service, at(10)) for i in range(12)]
    answers = _race(arena, way, wishes, [mine, theirs])
    assert codes(answers) == {"CONFIRMED": 1, TAKEN: 11}
    ((booking_id, _),) = arena.bookings().items()
    assert [claim["slot_id"] for claim in shop.claims(booking_id)] == [mine, theirs]
    for answer in answers:
        if answer.status == 409:
            # The time shown, and not the buffer.
            assert answer.body["conflict"]["end"] == "2040-01-02T11:00:00Z"
    arena.sweep()


@ways
def test_in_a_ring_of_three_pairs_one_wins_and_nobody_deadlocks(arena, way):
    shop, chance = arena.shop, random.Random(7)
    providers = [shop.provider_id, shop.provider(), shop.provider()]
    slots = [shop.slot(9, 17, provider_id=one) for one in providers]
    wishes = []
    for i in range(3):
        pair = [i, (i + 1) % 3]
        service = shop.service(60, *[[providers[one]] for one in pair])
        for _ in range(5):
            chance.shuffle(pair)
            wishes.append((tuple(slots[one] for one in pair), service, at(10)))
    chance.shuffle(wishes)
    answers = _race(arena, way, wishes, slots)
    assert codes(answers) == {"CONFIRMED": 1, TAKEN: 14}
    arena.sweep()


@ways
def test_a_room_for_three_is_filled_by_three_therapists_exactly(arena, way):
    shop = arena.shop
    therapists = [shop.provider_id, shop.provider(), shop.provider()]
    room = shop.provider()
    service = shop.service(60, therapists, [room])
    theirs = shop.slot(9, 17, capacity=3, provider_id=room)
    slots = [shop.slot(9, 17, provider_id=one) for one in therapists]
    wishes = [
        ((slots[i % 3], theirs) if i % 2 else (theirs, slots[i % 3]), service, at(10))
        for i in range(12)
    ]
    answers = _race(arena, way, wishes, [*slots, theirs])
    assert codes(answers) == {"CONFIRMED": 3, TAKEN: 9}
    won = shop.rows("SELECT provider_id FROM bookings WHERE vendor_id = %s")
    assert Counter(row["provider_id"] for row in won) == Counter(therapists)
    arena.sweep()


@ways
def test_of_neighbours_whose_buffers_meet_one_wins(arena, way):
    shop = arena.shop
    slot, service = shop.slot(9, 17), shop.service(60, buffer_after_minutes=15)
    wishes = [((slot,), service, at(10 + i % 2)) for i in range(10)]
    assert codes(_race(arena, way, wishes, [slot])) == {"CONFIRMED": 1, TAKEN: 9}
    arena.sweep()


@ways
def test_of_neighbours_whose_buffers_touch_each_has_its_time(arena, way):
    shop = arena.shop
    slot, service = shop.slot(9, 17), shop.service(60, buffer_after_minutes=15)
    starts = [at(10), at(11) + timedelta(minutes=15)]
    wishes = [((slot,), service, starts[i % 2]) for i in range(10)]
    assert codes(_race(arena, way, wishes, [slot])) == {"CONFIRMED": 2, TAKEN: 8}
    arena.sweep()


@ways
def test_who_joins_slots_from_either_end_never_shares_a_moment(arena, way):
    shop, chance = arena.shop, random.Random(11)
    slots = [shop.slot(hour, hour + 1) for hour in range(9, 14)]
    service = shop.service(60, buffer_before_minutes=15, buffer_after_minutes=15)
    # Each occupies 90 minutes: the end of one slot and the beginning of the next.
    wishes = [((slots[i], slots[i + 1]), service, at(9.5 + i)) for i in range(4) for _ in range(4)]
    chance.shuffle(wishes)
    answers = _race(arena, way, wishes, slots)
    won = sorted(
        (row["during"].lower, row["during"].upper)
        for row in shop.rows("SELECT during FROM bookings WHERE vendor_id = %s")
    )
    assert codes(answers) == {"CONFIRMED": len(won), TAKEN: 16 - len(won)}
    # Whichever wins leaves room for one more, and no second one is nearer than both buffers.
    (_, ends), (starts, _) = won
    assert starts - ends >= timedelta(minutes=30)
    arena.sweep()
