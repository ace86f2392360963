"""What the documentation promises of capacity, counted by heads, hour by hour, and nothing else.

There are no units here: a request fits when at every moment the places taken by others and those
asked for are no more than there are. Whoever books is compared with this.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(eq=False)
class Stay:
    """A booking of so many places from hour to hour. `lapsed`: a hold whose time is over."""

    first: int
    last: int
    quantity: int
    booking_id: object = None
    lapsed: bool = False


@dataclass
class HeadCount:
    """A calendar of whole hours; `places` says how many there are in each of them."""

    places: list[int]
    stays: list[Stay] = field(default_factory=list)

    def free(self, *, lapsed: bool = False) -> list[int]:
        """How many places are free in each hour. `lapsed`: lapsed holds have theirs, too."""
        left = list(self.places)
        for stay in self.stays:
            for hour in range(stay.first, stay.last):
                left[hour] -= stay.quantity if lapsed or not stay.lapsed else 0
        return left

    def left(self, first: int, last: int, *, lapsed: bool = False) -> int:
        """How many places are free in every hour of these."""
        return min(self.free(lapsed=lapsed)[first:last])

    def longest(self) -> tuple[int, int] | None:
        """The longest time throughout which some place is free: on one unit, by luck alone."""
        free = self.free()
        spans = [
            (first, last)
            for first in range(len(free))
            for last in range(first + 1, len(free) + 1)
            if min(free[first:last]) > 0
        ]
        return max(spans, key=lambda span: span[1] - span[0], default=None)

    def stretches(self, first: int, last: int) -> Iterator[list[int]]:
        """[first hour, last hour, places free], cut where their number changes."""
        free, begun = self.free(), first
        for hour in range(first + 1, last + 1):
            if hour == last or free[hour] != free[begun]:
                if free[begun]:
                    yield [begun, hour, free[begun]]
                begun = hour


Wish = tuple[str, tuple[int, int], int, int]


def wishes(seed: int, kinds: list[str], first: int, last: int) -> list[Wish]:
    """So many people's deeds, from one seed: (kind, hours, places, any number).

    Dice, and not Hypothesis's choices: units lie scattered only after many short bookings, of
    which some were cancelled, and examples that are kept simple never come to that.
    """
    dice = random.Random(seed)
    made = []
    for _ in range(dice.randint(15, 45)):
        begin = dice.randrange(first, last)
        hours = (begin, min(begin + dice.choice([1, 2, 2, 3, last - first]), last))
        places = dice.choice([1, 1, 1, 1, 1, 1, 2, 3])
        made.append((dice.choice(kinds), hours, places, dice.randrange(1000)))
    return made
