"""Crowds in slots whose free places lie scattered: all get in whom head-count allows, at once."""

from __future__ import annotations

import random

import pytest

from tests.racing import codes
from tests.shop import at

FIRST, NOON, LAST = 9, 12, 15
ALL_DAY = {"start": at(FIRST).isoformat(), "end": at(LAST).isoformat()}


def scattered(shop, slot, places):
    """So many are there early, and as many late on other units; who is late."""
    early, late = {"start": at(FIRST), "end": at(NOON)}, {"start": at(NOON), "end": at(LAST)}
    gone = [shop.book(slot, **early) for _ in range(places)]
    for _ in range(places):
        shop.book(slot, **early)
    for booking_id in gone:
        shop.move("cancel_booking", booking_id)
    return [shop.book(slot, **late) for _ in range(places)]


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_as_many_get_in_as_head_count_allows_though_all_of_them_deal_again(arena, way):
    slot = arena.shop.slot(FIRST, LAST, capacity=10)
    late = scattered(arena.shop, slot, 5)
    clients = arena.crowd(way, 12)
    deadlocks = arena.deadlocks()
    answers = arena.race(
        [(client, lambda client=client: client.book(slot, **ALL_DAY)) for client in clients], slot
    )
    assert codes(answers) == {"CONFIRMED": 5, "BOOKING_CONFLICT": 7}
    assert arena.deadlocks() == deadlocks
    assert {len(arena.shop.events(booking_id)) for booking_id in late} == {1}
    arena.sweep()
    assert arena.shop.violations() == []


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_claimants_cancellers_and_resizers_deal_the_same_slot_again_at_once(arena, way):
    shop = arena.shop
    slot = shop.slot(FIRST, LAST, capacity=12)
    late = scattered(shop, slot, 5)
    *clients, first, second, third = arena.crowd(way, 15)
    racers = [(client, lambda client=client: client.book(slot, **ALL_DAY)) for client in clients]
    racers += [
        (first, lambda: first.move("cancel_booking", late[0])),
        (second, lambda: second.move("cancel_booking", late[1])),
        (third, lambda: third.resize(slot, 10)),
    ]
    deadlocks = arena.deadlocks()
    found = codes(arena.race(racers, slot))
    assert found["CANCELLED"] == 2
    assert found.keys() <= {"CONFIRMED", "BOOKING_CONFLICT", "CANCELLED", "RESIZED", "SLOT_IN_USE"}
    # Five are early whatever happens, and everybody else who got in is there all day.
    (capacity,) = {row["capacity"] for row in shop.rows("SELECT * FROM slots WHERE vendor_id = %s")}
    assert found["CONFIRMED"] == capacity - 5
    assert arena.deadlocks() == deadlocks
    arena.sweep()
    assert shop.violations() == []


def test_owners_write_rows_by_hand_while_a_crowd_deals_again(arena):
    slot = arena.shop.slot(FIRST, LAST, capacity=11)
    scattered(arena.shop, slot, 5)
    owners, customers = arena.owners(3), arena.http(12)
    racers = [(owner, lambda owner=owner: owner.book(slot, unit=11)) for owner in owners]
    racers += [(client, lambda client=client: client.book(slot, **ALL_DAY)) for client in customers]
    answers = arena.race(racers, slot)
    of_owners, of_customers = answers[: len(owners)], answers[len(owners) :]
    assert codes(of_owners).keys() <= {"CONFIRMED", "23P01", "40P01"}
    assert codes(of_customers).keys() <= {"CONFIRMED", "BOOKING_CONFLICT"}
    assert codes(answers)["CONFIRMED"] == 6
    arena.raw_bookings = [a.booking_id for a in of_owners if a.code == "CONFIRMED"]
    arena.sweep()


class Visitor:
    """Takes parts of two providers' time, one or both, and lets go of them, by dice of its own."""

    def __init__(self, shop, client, slots, number):
        self.shop, self.client, self.slots = shop, client, slots
        self.dice = random.Random(number)
        self.mine = []

    def visit(self):
        """The answers to a dozen deeds; the first waits for both slots."""
        first = self.book(self.slots, *self.hours(longest=1))
        return [first, *(self.act() for _ in range(11))]

    def hours(self, longest):
        """Some time of the day, in whole hours."""
        length = self.dice.randint(1, longest)
        begin = self.dice.randint(FIRST, LAST - length)
        return begin, begin + length

    def act(self):
        """Book, hold, let a hold lapse, cancel, or resize."""
        deed = self.dice.choice(
            ["book"] * 4 + ["hold"] * 2 + ["cancel"] * 5 + ["lapse", "resize", "all day", "all day"]
        )
        match deed:
            case "lapse" if self.mine:
                # What the clock does: it locks nobody's slot.
                self.shop.owner.execute(
                    "UPDATE bookings SET hold_expires_at = now() WHERE vendor_id = %s AND id = %s",
                    [self.shop.vendor_id, self.mine.pop()],
                )
            case "cancel" if self.mine:
                return self.client.move("cancel_booking", self.mine.pop())
            case "resize":
                return self.client.resize(self.dice.choice(self.slots), self.dice.randint(5, 8))
        chosen = self.dice.sample(self.slots, self.dice.choice([1, 2]))
        hours = (FIRST, LAST) if deed == "all day" else self.hours(longest=2)
        return self.book(chosen, *hours, hold=deed in {"hold", "lapse"})

    def book(self, slots, first, last, *, hold=False):
        """A place from hour to hour."""
        times = {"start": at(first).isoformat(), "end": at(last).isoformat()}
        answer = self.client.book(*slots, **times, hold=hold)
        if answer.code in {"CONFIRMED", "HELD"}:
            self.mine.append(answer.booking_id)
        return answer


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_parts_of_two_slots_are_taken_and_left_by_a_crowd_without_deadlock(arena, way):
    shop = arena.shop
    slots = [shop.slot(FIRST, LAST, capacity=8, provider_id=shop.provider()) for _ in range(2)]
    visitors = [Visitor(shop, c, slots, n) for n, c in enumerate(arena.crowd(way, 16))]
    deadlocks = arena.deadlocks()
    rounds = arena.race_all([(v.client, v.visit) for v in visitors], *slots)
    found = codes([answer for answers in rounds for answer in answers])
    assert min(found[code] for code in ("CONFIRMED", "HELD", "CANCELLED")) > 0
    arena.settle()
    assert arena.deadlocks() == deadlocks
    arena.sweep()
    assert shop.violations() == []
