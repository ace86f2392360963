"""Counting and choosing units, and a model that books them one by one and must agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shop import Shop, at

examples = settings(derandomize=True, deadline=None, max_examples=150)
units = st.frozensets(st.integers(1, 40), max_size=25)


@pytest.fixture(scope="module")
def the_shop(module_app, module_owner):
    """One vendor for all examples; each takes a provider of its own."""
    return Shop(module_app, module_owner)


def multirange(numbers):
    return "{" + ",".join(f"[{n},{n + 1})" for n in sorted(numbers)) + "}"


def numbers_of(found):
    return [n for run in found or () for n in range(run.lower, run.upper)]


@examples
@given(units)
def test_units_are_counted_however_they_lie(the_shop, numbers):
    counted = the_shop.app.execute("SELECT units_count(%s)", [multirange(numbers)]).fetchone()[0]
    assert counted == len(numbers)


@examples
@given(units, st.integers(1, 30))
def test_the_lowest_units_are_taken_or_all_there_are(the_shop, numbers, quantity):
    row = the_shop.owner.execute("SELECT lowest_units(%s, %s)", [multirange(numbers), quantity])
    assert numbers_of(row.fetchone()[0]) == sorted(numbers)[:quantity]


def test_units_are_counted_up_to_the_largest_capacity(the_shop):
    row = the_shop.app.execute("SELECT units_count('{[1,100001)}'), units_count('{}')").fetchone()
    assert row == (100_000, 0)


@dataclass
class Booked:
    """What the model knows of a booking."""

    booking_id: object
    first: int
    last: int
    taken: frozenset[int]
    lapsed: bool = False

    def meets(self, first, last):
        return self.first < last and first < self.last


class Model:
    """A slot of some hours and places, booked unit by unit in the plainest way."""

    def __init__(self, hours, capacity):
        self.hours, self.capacity = hours, capacity
        self.bookings = []

    def free(self, first, last, bookings):
        taken = {unit for b in bookings if b.meets(first, last) for unit in b.taken}
        return [unit for unit in range(1, self.capacity + 1) if unit not in taken]

    def claim(self, first, last, quantity):
        """The units taken, or how many were left. Lapsed holds go only when they are in the way."""
        free = self.free(first, last, self.bookings)
        if len(free) < quantity:
            kept = [b for b in self.bookings if not (b.lapsed and b.meets(first, last))]
            free = self.free(first, last, kept)
            if len(kept) < len(self.bookings):
                self.bookings = kept
        return free[:quantity] if len(free) >= quantity else len(free)

    def levels(self):
        """Free places hour by hour, lapsed holds not counted."""
        standing = [b for b in self.bookings if not b.lapsed]
        return [
            self.capacity - sum(len(b.taken) for b in standing if b.meets(hour, hour + 1))
            for hour in range(self.hours)
        ]

    def stretches(self):
        """What the list shows: [first hour, last hour, places], cut where other units are free."""
        standing = [b for b in self.bookings if not b.lapsed]
        found, units = [], None
        for hour in range(self.hours):
            free = self.free(hour, hour + 1, standing)
            if free == units and found and found[-1][1] == hour:
                found[-1][1] = hour + 1
            elif free:
                found.append([hour, hour + 1, len(free)])
            units = free
        return found


HOURS = 8
wishes = st.lists(
    st.tuples(
        st.sampled_from(["book", "book", "book", "lapse", "cancel"]),
        st.tuples(st.integers(0, HOURS - 1), st.integers(1, HOURS)).filter(lambda t: t[0] < t[1]),
        st.integers(1, 3),
    ),
    max_size=12,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(1, 4), wishes)
def test_claims_and_availability_agree_with_a_model_that_counts_one_by_one(
    the_shop, capacity, wishes
):
    provider_id = the_shop.provider()
    slot = the_shop.slot(0, HOURS, capacity=capacity, provider_id=provider_id)
    model = Model(HOURS, capacity)
    for what, (first, last), quantity in wishes:
        if what == "cancel":
            standing = [booked for booked in model.bookings if not booked.lapsed]
            if standing:
                the_shop.move("cancel_booking", standing[0].booking_id)
                model.bookings.remove(standing[0])
        else:
            act(the_shop, model, slot, Wish(first, last, quantity, lapses=what == "lapse"))
    (row,) = the_shop.call(
        "list_availability", **{"from": at(0), "to": at(24), "provider_id": provider_id}
    )
    shown = [[_hour(f["start"]), _hour(f["end"]), f["available"]] for f in row["free"]]
    assert shown == model.stretches()
    standing = [booked for booked in model.bookings if not booked.lapsed]
    # What is shown as free can be booked as it is shown.
    assert [len(model.free(first, last, standing)) for first, last, _ in shown] == [
        places for _, _, places in shown
    ]
    assert row["available"] == len(model.free(0, HOURS, standing))
    assert row["status"] == ("available" if max(model.levels()) >= 1 else "sold_out")


@dataclass
class Wish:
    """A part of the slot, in hours, for a number of places; it may be a hold that lapses."""

    first: int
    last: int
    quantity: int
    lapses: bool


def act(shop, model, slot, wish):
    """Claim a part in the database and in the model, and compare what came of it."""
    part = {"start": at(wish.first), "end": at(wish.last), "quantity": wish.quantity}
    expected = model.claim(wish.first, wish.last, wish.quantity)
    hold_for = timedelta(minutes=5) if wish.lapses else None
    answer = shop.claim(slot, **part, hold_for=hold_for, alternatives=0)
    if isinstance(expected, int):
        wanted = "INSUFFICIENT_INVENTORY" if expected else "BOOKING_CONFLICT"
        assert (answer["outcome"], answer["facts"]["available"]) == (wanted, expected)
        return
    booking_id = answer["booking_id"]
    (claim,) = shop.claims(booking_id)
    assert numbers_of(claim["units"]) == expected
    if wish.lapses:
        shop.owner.execute(
            "UPDATE bookings SET hold_expires_at = now() WHERE id = %s", [booking_id]
        )
    model.bookings.append(
        Booked(booking_id, wish.first, wish.last, frozenset(expected), wish.lapses)
    )


def _hour(text):
    return int(text[11:13])
