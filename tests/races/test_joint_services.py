"""Races for services: several at once, named in opposite orders or found by start, and buffers."""

from __future__ import annotations

import random
import time
import uuid
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


def _clinic(arena, therapists, rooms, **of_each_room):
    """A service by a therapist in a room, all of them there from nine to five; and their slots."""
    shop = arena.shop
    people = [shop.provider() for _ in range(therapists)]
    places = [shop.provider() for _ in range(rooms)]
    theirs = [shop.slot(9, 17, provider_id=one) for one in people]
    its = [shop.slot(9, 17, provider_id=one, **of_each_room) for one in places]
    return shop.service(60, people, places, start_step_minutes=60), theirs, its


def _assert_whole_pairs(arena, therapists, rooms):
    """How often each slot is held: by bookings of one therapist and one room each, at ten."""
    held: dict[uuid.UUID, list[uuid.UUID]] = {}
    for row in arena.shop.rows(
        "SELECT c.booking_id, c.slot_id, c.during, c.quantity, b.occupying FROM claims c"
        " LEFT JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id"
        " WHERE c.vendor_id = %s"
    ):
        assert row["occupying"]
        assert (row["during"].lower, row["during"].upper) == (at(10), at(11))
        held.setdefault(row["booking_id"], []).append(row["slot_id"])
    assert held.keys() == arena.bookings().keys()
    for slots in held.values():
        assert [sum(one in kind for one in slots) for kind in (therapists, rooms)] == [1, 1]
    return Counter(slot for slots in held.values() for slot in slots)


@pytest.mark.parametrize(
    "way, clinic, crowd",
    [
        pytest.param("mixed", (6, 6, 1), 6, id="as many as pairs, mixed"),
        *(pytest.param(way, (6, 4, 1), 9, id=f"rooms are short, {way}") for way in ("http", "sql")),
        *(pytest.param(way, (5, 2, 2), 8, id=f"two in a room, {way}") for way in ("http", "sql")),
    ],
)
def test_by_start_as_many_are_booked_as_there_are_pairs(arena, way, clinic, crowd):
    therapists, rooms, beds = clinic
    service, people, places = _clinic(arena, therapists, rooms, capacity=beds)
    pairs = min(therapists, rooms * beds)
    before = arena.deadlocks()
    answers = arena.race(
        [
            (client, lambda client=client: client.book_service(service, at(10)))
            for client in arena.crowd(way, crowd)
        ],
        *people,
        *places,
    )
    assert codes(answers) == +Counter({"CONFIRMED": pairs, TAKEN: crowd - pairs})
    taken = _assert_whole_pairs(arena, people, places)
    assert sum(taken[one] for one in people) == sum(taken[one] for one in places) == pairs
    assert max(taken[one] for one in people) == 1
    assert max(taken[one] for one in places) <= beds
    assert arena.deadlocks() == before
    arena.sweep()


@pytest.mark.parametrize("way", ["http", "sql"])
def test_by_start_nobody_is_refused_who_began_while_a_pair_was_free(arena, way):
    """No cancellation: whoever begins after somebody was refused can find no pair."""
    service, people, places = _clinic(arena, 10, 3, capacity=4)
    refused_at, begun_at = [], []

    def book_until_refused(client):
        answers = []
        while not answers or answers[-1].code != TAKEN:
            begun = time.monotonic()
            answers.append(client.book_service(service, at(10)))
            if answers[-1].code == TAKEN:
                refused_at.append(time.monotonic())
            else:
                begun_at.append(begun)
        return answers

    racers = [
        (client, lambda client=client: book_until_refused(client)) for client in arena.crowd(way, 6)
    ]
    answers = [one for found in arena.race_all(racers, *people, *places) for one in found]
    assert codes(answers) == {"CONFIRMED": 10, TAKEN: 6}
    assert max(begun_at) < min(refused_at)
    taken = _assert_whole_pairs(arena, people, places)
    assert [taken[one] for one in people] == [1] * 10
    arena.sweep()
