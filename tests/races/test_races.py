"""Races for places: many at one moment, through SQL, HTTP or both, and never one place too many."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.crowd import Crowd, counts
from tests.doors import Deed
from tests.shop import at

TAKEN = "BOOKING_CONFLICT"
KEY = "five times the same wish"


def book_all(crowd: Crowd, deeds, gate):
    crowd.assemble(len(deeds))
    return crowd.race(deeds, gate=gate)


@pytest.mark.parametrize("racers", [2, 10, 50])
def test_the_last_place_goes_to_exactly_one(shop, crowd, racers):
    slot = shop.slot(capacity=3)
    shop.book(slot, quantity=2)
    answers = book_all(crowd, [Deed("book", (slot,))] * racers, [slot])
    assert counts(answers) == {"CONFIRMED": 1, TAKEN: racers - 1}


@pytest.mark.parametrize("racers, places", [(3, 2), (10, 5)])
def test_as_many_win_as_there_are_places(shop, crowd, racers, places):
    slot = shop.slot(capacity=places)
    answers = book_all(crowd, [Deed("book", (slot,))] * racers, [slot])
    assert counts(answers) == {"CONFIRMED": places, TAKEN: racers - places}


def test_of_three_pairs_for_five_places_two_win_and_the_loser_hears_of_the_one_left(shop, crowd):
    slot = shop.slot(capacity=5)
    answers = book_all(crowd, [Deed("book", (slot,), quantity=2)] * 3, [slot])
    assert counts(answers) == {"CONFIRMED": 2, "INSUFFICIENT_INVENTORY": 1}
    (loser,) = (answer for answer in answers if answer.code == "INSUFFICIENT_INVENTORY")
    assert loser.available == 1


def test_ten_of_twenty_get_a_room_for_all_seven_nights(shop, crowd):
    nights = shop.nights(7, capacity=10)
    answers = book_all(crowd, [Deed("book", tuple(nights))] * 20, nights)
    assert counts(answers) == {"CONFIRMED": 10, TAKEN: 10}
    taken = shop.rows(
        "SELECT slot_id, sum(quantity) AS places FROM claims WHERE vendor_id = %s GROUP BY 1"
    )
    assert {row["places"] for row in taken} == {10}
    assert len(taken) == 7


def test_overlapping_stays_in_one_room_leave_no_half_stay(shop, crowd):
    nights = shop.nights(6)
    deeds = [Deed("book", tuple(nights[first : first + 3])) for first in range(4)] * 3
    answers = book_all(crowd, deeds, nights)
    won = [deed.slot_ids for deed, a in zip(deeds, answers, strict=True) if a.code == "CONFIRMED"]
    assert set(counts(answers)) == {"CONFIRMED", TAKEN}
    assert max(Counter(night for stay in won for night in stay).values()) == 1


def test_five_equal_requests_with_one_key_are_one_booking_even_for_the_only_place(shop, crowd):
    for capacity in (1, 5):
        slot = shop.slot(9 + capacity, 10 + capacity, capacity=capacity)
        deed = Deed("book", (slot,), key=f"{KEY} {capacity}".replace(" ", "-"))
        answers = book_all(crowd, [deed] * 5, [slot])
        assert_one_booking_for_each_caller(shop, slot, answers)


def assert_one_booking_for_each_caller(shop, slot, answers):
    """One booking and four replays; who comes by another door sent another request."""
    made = shop.rows("SELECT id FROM bookings WHERE vendor_id = %s AND %s = ANY (slot_ids)", slot)
    assert len(made) == 1
    assert set(counts(answers)) <= {"CONFIRMED", "IDEMPOTENCY_CONFLICT"}
    same = [answer for answer in answers if answer.code == "CONFIRMED"]
    assert {answer.booking_id for answer in same} == {made[0]["id"]}
    assert sorted(answer.replayed for answer in same) == [False, *[True] * (len(same) - 1)]


def test_holds_and_bookings_race_for_the_same_places(shop, crowd):
    slot = shop.slot(capacity=4)
    deeds = [Deed("book", (slot,), hold=bool(number % 2)) for number in range(12)]
    found = counts(book_all(crowd, deeds, [slot]))
    assert found.pop(TAKEN) == 8
    assert sum(found.values()) == 4
    assert found.keys() <= {"HELD", "CONFIRMED"}


def test_a_place_is_booked_cancelled_and_booked_again_by_one_of_many_each_time(shop, crowd):
    slot = shop.slot()
    for _ in range(3):
        answers = book_all(crowd, [Deed("book", (slot,))] * 6, [slot])
        assert counts(answers) == {"CONFIRMED": 1, TAKEN: 5}
        (winner,) = (answer.booking_id for answer in answers if answer.booking_id)
        assert shop.move("cancel_booking", winner)["outcome"] == "CANCELLED"


def test_fifty_deeds_of_every_kind_at_once_end_without_deadlock_or_timeout(shop, crowd):
    chance = random.Random(2040)
    slots = [shop.slot(hour, hour + 1, capacity=8) for hour in range(9, 15)]
    bookings = [shop.book(chance.choice(slots)) for _ in range(12)]
    kinds = ["book"] * 18 + ["hold"] * 6 + ["cancel"] * 8 + ["resize"] * 8 + ["block"] * 6
    kinds += ["delete"] * 4
    chance.shuffle(kinds)
    deeds = [_deed(kind, chance, slots, bookings, shop) for kind in kinds]
    crowd.assemble(len(deeds))
    # Who finds no room does not wait; cancels, resizes and deletes do, and they are twenty.
    answers = crowd.race(deeds, gate=slots, waiting_min=20)
    assert len(answers) == 50
    assert counts(answers).keys() <= {
        "CONFIRMED", "HELD", "CANCELLED", "CANCEL", "RESIZED", "RESIZE", "DELETED", "DELETE", TAKEN,
        "INSUFFICIENT_INVENTORY", "SLOT_IN_USE", "SLOT_NOT_FOUND",
    }  # fmt: skip


def _deed(kind, chance, slots, bookings, shop):
    """One deed of the kind, about some slot or booking, or about two neighbours."""
    first = chance.randrange(len(slots) - 1)
    chain = tuple(slots[first : first + chance.choice([1, 2])])
    match kind:
        case "book" | "hold":
            return Deed("book", chain, quantity=chance.choice([1, 2]), hold=kind == "hold")
        case "cancel":
            return Deed("cancel", booking_id=chance.choice(bookings))
        case "resize":
            return Deed("resize", chain, capacity=chance.choice([4, 6, 9]))
        case "delete":
            return Deed("delete", chain)
    return Deed("block", provider_id=shop.provider_id, start=at(9), end=at(11), quantity=1)
