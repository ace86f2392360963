"""Who does which service, when they are open, and when they were surely free.

Of what the run itself has published, and of what the vendor was answered to its changes.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from chaos.checkers.levels import Capacity, Slots, Steps
from chaos.checkers.registers import Moments, Register
from chaos.evidence import MINUTE, Evidence, Span

OFFERED = """
    SELECT began, ended, result, asked FROM operations
    WHERE kind = 'offer' AND result <> 'fail' ORDER BY began
"""
PUBLISHED = "SELECT provider_id, slot_id, starts, ends FROM stage ORDER BY provider_id, starts"
# By need: who can fill it, with the preference.
Needs = list[dict[str, int]]
PARTS_KEPT = 256


class Service:
    """A service's rules, and who did it at each moment, surely or possibly."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.name: str = described["name"]
        self.needs: Needs = described["needs"]
        minutes = (described[name] * MINUTE for name in ("before", "duration", "after", "step"))
        self.before, self.duration, self.after, self.step = minutes
        self._doing = Register(self.needs)
        self.change, self.versions = self._doing.change, self._doing.versions

    def surely_doing(self, when: Moments, only: str | None = None) -> list[list[str]]:
        """For each need who could fill it all the time. `only`: who is to take part."""
        versions = self.versions(when)
        found = [
            [one for one in need if all(one in needs[number] for needs in versions)]
            for number, need in enumerate(versions[0])
        ]
        return [[only] if only and only in some else some for some in found]

    def possibly_doing(self, when: Moments, only: str | None = None) -> list[set[str]]:
        """For each need who could fill it at some moment. `only`: who is to take part."""
        versions = self.versions(when)
        found = [{one for needs in versions for one in needs[i]} for i in range(len(self.needs))]
        return [{only}] if only and len(found) == 1 else found

    def occupied(self, start: int) -> Span:
        """From when to when somebody is occupied who begins at that time."""
        return start - self.before, start + self.duration + self.after

    def starts_of(self, diary: Diary, provider: str, window: Span) -> Iterator[int]:
        """When the public can begin with this provider, in the window, if nobody else does."""
        for _, opens, closes in diary.calendars.get(provider, ()):
            first = opens + -(-max(window[0] - opens, 0) // self.step) * self.step
            for start in range(first, min(closes, window[1]), self.step):
                if diary.parts(provider, self.occupied(start)):
                    yield start


class Diary:
    """The slots of those who do services, and what surely and possibly stood in them."""

    def __init__(self, evidence: Evidence) -> None:
        self.slots = Slots(evidence)
        described: dict[str, dict[str, Any]] = evidence.setting("services") or {}
        self._services = {one: Service(service) for one, service in described.items()}
        self.calendars: dict[str, list[tuple[str, int, int]]] = {}
        self._whose: dict[str, tuple[str, int, int]] = {}
        for provider, slot, starts, ends in evidence.query(PUBLISHED):
            self.calendars.setdefault(provider, []).append((slot, starts, ends))
            self._whose[slot] = (provider, starts, ends)
        for began, ended, result, text in evidence.query(OFFERED):
            asked = json.loads(text)
            needs = [dict(some) for some in asked["needs"]]
            self.service(asked["service_id"]).change(began, ended, needs, surely=result == "ok")
        self.capacity = lru_cache(None)(self._capacity)
        self.surely = lru_cache(PARTS_KEPT)(self.slots.surely)
        self.possibly = lru_cache(PARTS_KEPT)(self.slots.possibly)

    def service(self, service_id: str) -> Service:
        """What the run says of the service."""
        return self._services[service_id]

    def provider_of(self, slot_id: str) -> str | None:
        """Whose slot it is; None of one that the run has not published."""
        known = self._whose.get(slot_id)
        return known and known[0]

    def cut(self, slot_id: str, span: Span) -> tuple[str, int, int]:
        """The part of the slot that the time takes; all of the time, if nobody knows the slot."""
        _, starts, ends = self._whose.get(slot_id, (None, *span))
        return slot_id, max(starts, span[0]), min(ends, span[1])

    def parts(self, provider: str, span: Span) -> list[tuple[str, Span]]:
        """The slots that the time takes, next to each other, each with its part; [] if not all."""
        found, reached = [], span[0]
        for slot, starts, ends in self.calendars.get(provider, ()):
            if starts <= reached < ends and reached < span[1]:
                found.append((slot, (reached, min(ends, span[1]))))
                reached = ends
        return found if reached >= span[1] else []

    def surely_free(self, provider: str, span: Span, places: int, when: Moments) -> bool:
        """Whether so many places were free of all that time, at every moment, whoever came."""
        parts = self.parts(provider, span)
        return bool(parts) and not any(
            self.possibly(slot, part).reaches(self.capacity(slot).least(*when) - places + 1, *when)
            for slot, part in parts
        )

    def _capacity(self, slot_id: str) -> Capacity:
        return self.slots.capacity(slot_id)


def calm(steps: Steps, most: int, when: Moments) -> list[Moments]:
    """The stretches of the time in which no more than so many were taken."""
    index = bisect_left(steps.moments, when[0])
    level = steps.levels[index - 1] if index else 0
    begun, found = when[0] if level <= most else None, []
    while index < len(steps.moments) and steps.moments[index] <= when[1]:
        at = steps.moments[index]
        if steps.levels[index] <= most:
            begun = at if begun is None else begun
        elif begun is not None:
            found.append((begun, at))
            begun = None
        index += 1
    return found if begun is None else [*found, (begun, when[1])]


def in_common(some: list[Moments], others: list[Moments]) -> list[Moments]:
    """The stretches that lie in both; they may be single moments."""
    pairs = ((max(a, c), min(b, d)) for a, b in some for c, d in others)
    return [(begin, end) for begin, end in pairs if begin <= end]
