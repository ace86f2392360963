"""When a service can be booked, and by whom: computed from docs/api/search.md, start by start.

What of it is closed is in docs/api/schedules.md and docs/api/busy-times.md.

It shares nothing with what it is compared with: no SQL, no ranges; it tries every start that the
grid has, and counts heads moment by moment.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

Price = tuple[int, str] | None
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Slot:
    """Published time of a provider at a place; `closed`: what of it the week gives no more."""

    provider: uuid.UUID
    place: uuid.UUID
    start: datetime
    end: datetime
    capacity: int
    price: Price
    closed: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What somebody holds of a provider's time: no hold that has lapsed."""

    provider: uuid.UUID
    start: datetime
    end: datetime
    quantity: int


@dataclass(frozen=True)
class Service:
    """The rules; `needs` maps each need's providers to their preferences. Empty: anybody."""

    minutes: int | None
    before: int
    after: int
    step: int
    notice: int
    window_days: int | None
    least: int
    most: int | None
    price: Price
    needs: tuple[dict[uuid.UUID, int], ...]


@dataclass(frozen=True)
class Option:
    """One way to book a time."""

    providers: tuple[uuid.UUID, ...]
    place: uuid.UUID
    available: int
    price: Price


@dataclass(frozen=True)
class Question:
    """What is searched. `places`: best first; None: anywhere."""

    start: datetime
    end: datetime
    quantity: int
    provider: uuid.UUID | None
    places: tuple[uuid.UUID, ...] | None


@dataclass
class Vendor:
    """A vendor as the model sees it: nothing archived is in it."""

    now: datetime
    zones: dict[uuid.UUID, str]
    providers: set[uuid.UUID]
    slots: list[Slot]
    claims: list[Claim]
    service: Service
    # When a provider is not to be had, whatever is published.
    busy: dict[uuid.UUID, list[Span]] = field(default_factory=dict)

    def times(self, asked: Question) -> dict[tuple[datetime, datetime], list[Option]]:
        """Every start (and end) that can be booked in public, with its options in order."""
        found: dict[tuple[datetime, datetime], list[tuple[tuple[object, ...], Option]]] = {}
        for first in self._doers(0, asked):
            for slot in self.slots:
                if slot.provider != first:
                    continue
                for start, end in self._grid(slot):
                    if not (asked.start <= start < asked.end and self._in_time(start)):
                        continue
                    option = self._option(first, slot.place, start, end, asked)
                    if option is not None:
                        rank = self._rank(option, start, asked)
                        found.setdefault((start, end), []).append((rank, option))
        return {
            when: [option for _, option in sorted(options, key=lambda one: one[0])]
            for when, options in sorted(found.items())
        }

    def moments(self) -> list[datetime]:
        """Where something begins or ends: starts on the grids, slots, claims, what is closed."""
        grids = {start for slot in self.slots for start, _ in self._grid(slot)}
        shut = [*itertools.chain(*self.busy.values(), *(slot.closed for slot in self.slots))]
        return sorted(
            grids.union(*shut, *((it.start, it.end) for it in (*self.slots, *self.claims)))
        )

    def _grid(self, slot: Slot) -> Iterator[tuple[datetime, datetime]]:
        """The starts that stand on the slot's grid, with their ends."""
        if self.service.minutes is None:
            yield slot.start, slot.end
            return
        start = slot.start
        while start < slot.end:
            yield start, start + timedelta(minutes=self.service.minutes)
            start += timedelta(minutes=self.service.step)

    def _in_time(self, start: datetime) -> bool:
        """After the notice and the next full minute, and inside the window."""
        next_minute = self.now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        soonest = max(next_minute, self.now + timedelta(minutes=self.service.notice))
        days = self.service.window_days
        return start >= soonest and (days is None or start <= self.now + timedelta(hours=24 * days))

    def _doers(self, need: int, asked: Question) -> list[uuid.UUID]:
        """Who may fill the need; the one asked for alone, if it is one of them."""
        doers = self.service.needs[need] if self.service.needs else dict.fromkeys(self.providers, 1)
        if asked.provider in doers:
            doers = {asked.provider: doers[asked.provider]}
        elif asked.provider is not None and not any(
            asked.provider in named for named in self.service.needs
        ):
            doers = {}
        return [one for one in doers if one in self.providers]

    def _option(
        self, first: uuid.UUID, place: uuid.UUID, start: datetime, end: datetime, asked: Question
    ) -> Option | None:
        """The best booking with this provider at this place then: the first choice that works."""
        if place not in self.zones or (asked.places is not None and place not in asked.places):
            return None
        others = [
            sorted(self._doers(need, asked), key=lambda one: self._liking(need, one, place, start))
            for need in range(1, len(self.service.needs))
        ]
        for chosen in itertools.product([first], *others):
            parts = [self._parts(one, place, start, end, asked.quantity) for one in chosen]
            if all(parts):
                slots = [slot for some in parts for slot, _ in some]
                currencies = {
                    price[1] for slot in slots if (price := slot.price or self.service.price)
                }
                if len(currencies) < 2:
                    left = min(places for some in parts for _, places in some)
                    return Option(chosen, place, left, self._price(slots, asked.quantity))
        return None

    def _parts(
        self, provider: uuid.UUID, place: uuid.UUID, start: datetime, end: datetime, quantity: int
    ) -> list[tuple[Slot, int]]:
        """The slots that hold all of the occupied time, and what is left of each; [] if not."""
        since = start - timedelta(minutes=self.service.before)
        until = end + timedelta(minutes=self.service.after)
        own = sorted(
            (slot for slot in self.slots if slot.provider == provider and slot.place == place),
            key=lambda slot: slot.start,
        )
        if self.service.minutes is None:
            own = [slot for slot in own if (slot.start, slot.end) == (start, end)]
        parts, reached = [], since
        for slot in own:
            if slot.start <= reached < slot.end and reached < until:
                span = reached, min(slot.end, until)
                if any(_meet(span, one) for one in (*slot.closed, *self.busy.get(provider, []))):
                    return []
                left = slot.capacity - self._most_taken(provider, *span)
                if left < quantity:
                    return []
                parts.append((slot, left))
                reached = span[1]
        return parts if reached == until else []

    def _most_taken(self, provider: uuid.UUID, since: datetime, until: datetime) -> int:
        """The most places taken at any moment of a time: claims begin at moments that matter."""
        there = [
            claim
            for claim in self.claims
            if claim.provider == provider and claim.start < until and claim.end > since
        ]
        moments = {since} | {claim.start for claim in there if claim.start > since}
        return max(
            sum(claim.quantity for claim in there if claim.start <= moment < claim.end)
            for moment in moments
        )

    def _price(self, slots: list[Slot], quantity: int) -> Price:
        own = [slot.price for slot in slots if slot.price]
        bare = len(slots) - len(own)
        if self.service.price and bare:
            own += [self.service.price] * (bare if self.service.minutes is None else 1)
        return (sum(amount for amount, _ in own) * quantity, own[0][1]) if own else None

    def _rank(self, option: Option, start: datetime, asked: Question) -> tuple[object, ...]:
        wish = asked.places.index(option.place) if asked.places else 0
        first = option.providers[0]
        return (wish, *self._liking(0, first, option.place, start), option.place)

    def _liking(
        self, need: int, provider: uuid.UUID, place: uuid.UUID, start: datetime
    ) -> tuple[int, float, uuid.UUID]:
        """Preference, then how much of that day there is occupied; then id."""
        preference = self.service.needs[need][provider] if self.service.needs else 1
        zone = ZoneInfo(self.zones[place])
        day = start.astimezone(zone).date()
        begins, ends = (
            datetime(one.year, one.month, one.day, tzinfo=zone)
            for one in (day, day + timedelta(days=1))
        )
        occupied = sum(
            max(0.0, min(claim.end, ends).timestamp() - max(claim.start, begins).timestamp())
            * claim.quantity
            for claim in self.claims
            if claim.provider == provider
        )
        return preference, occupied, provider


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
