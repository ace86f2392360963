"""Fifty at once who book, hold, confirm, cancel, resize and block the same few slots."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.racing import codes
from tests.shop import at

HOURS = range(9, 13)
DEEDS = ["book"] * 4 + ["hold", "confirm", "cancel", "resize", "block", "book two"]
# Refusals are answers. INVENTORY_LOCKED, CONCURRENCY_ABORT, TRANSACTION_TIMEOUT would be failures.
EXPECTED = {
    "CONFIRMED",
    "HELD",
    "CANCELLED",
    "RESIZED",
    "BOOKING_CONFLICT",
    "INSUFFICIENT_INVENTORY",
    "SLOT_IN_USE",
    "SLOT_OVERLAP",
}


class Visitor:
    """One of the fifty: does some deeds, one after the other, by dice of its own."""

    def __init__(self, arena, client, slots, number):
        self.arena, self.client, self.slots = arena, client, slots
        self.dice = random.Random(number)
        self.mine = [client.book(self.dice.choice(slots), hold=True).booking_id]

    def visit(self):
        """The answers to five deeds; the first waits for a slot whatever it is."""
        first = self.client.move(
            self.dice.choice(["confirm_booking", "cancel_booking"]), *self.mine
        )
        return [first, *(self.act(self.dice.choice(DEEDS)) for _ in range(4))]

    def act(self, deed):
        """One deed."""
        slot, hour = self.dice.choice(self.slots), self.dice.choice(HOURS)
        match deed:
            case "resize":
                return self.client.resize(slot, self.dice.randint(12, 24))
            case "block":
                return self.client.block(self.arena.shop.provider_id, at(hour), at(hour + 1))
            case "confirm" | "cancel":
                return self.client.move(f"{deed}_booking", self.mine[-1])
        wanted = self.slots if deed == "book two" else [slot]
        first = self.dice.randrange(len(wanted))
        answer = self.client.book(*wanted[first : first + 2], hold=deed == "hold")
        if answer.code in {"CONFIRMED", "HELD"}:
            self.mine.append(answer.booking_id)
        return answer


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_fifty_at_once_do_everything_to_the_same_slots_without_deadlock_or_timeout(arena, way):
    slots = [arena.shop.slot(hour, hour + 1, capacity=20) for hour in HOURS]
    clients = arena.crowd(way, 50)
    visitors = [Visitor(arena, client, slots, number) for number, client in enumerate(clients)]
    deadlocks = arena.deadlocks()
    rounds = arena.race_all([(v.client, v.visit) for v in visitors], *slots)
    answers = [answer for answers in rounds for answer in answers]
    assert len(answers) == 250
    found = codes(answers)
    assert found.keys() <= EXPECTED, found
    assert min(found[code] for code in ("CONFIRMED", "HELD", "CANCELLED", "RESIZED")) > 0
    assert found["BOOKING_CONFLICT"] + found["INSUFFICIENT_INVENTORY"] > 0
    arena.settle()
    assert arena.deadlocks() == deadlocks
    assert Counter(arena.bookings().values()).keys() <= {"confirmed", "held", "cancelled"}
    arena.sweep()
