"""From weekly hours in local time, and their exceptions, to instants: the one place that does it.

Local times become instants as RFC 5545 §3.3.5 has it: a time that the clock skips takes the offset
before the gap, a time that happens twice is the first. Lengths of slots, and gaps between them, are
elapsed time. Nothing here knows the database or the present.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
# What began so many days before a window may stand in the way of what begins in it.
DAYS_AROUND = 7

Kind = Literal["closed", "extra", "other"]
Time = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """From `starts` to `ends`, in minutes of the clock after the day's midnight.

    More than 1440 is the next day; they are at most 24 hours.
    """

    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class Week:
    """A schedule, at its place: what is open on each day from Monday on, and cut into what."""

    schedule_id: UUID
    location_id: UUID
    zone: ZoneInfo
    valid_from: date
    valid_until: date | None
    days: tuple[tuple[Hours, ...], ...]
    slot_minutes: int | None = None
    gap_minutes: int = 0
    capacity: int = 1
    price: tuple[int, str] | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the day is one of those it is valid on."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class Deviation:
    """Days, both included, on which a schedule (None: all) has no, further or other hours."""

    schedule_id: UUID | None
    starts_on: date
    ends_on: date
    kind: Kind
    hours: tuple[Hours, ...] = ()

    def concerns(self, week: Week, day: date) -> bool:
        """Whether it says anything of this schedule on this day."""
        return self.starts_on <= day <= self.ends_on and self.schedule_id in {
            None,
            week.schedule_id,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """A slot that a schedule wants. `whole`: as it is or not at all, since its length is fixed."""

    week: Week
    start: datetime
    end: datetime

    @property
    def whole(self) -> bool:
        return self.week.slot_minutes is not None


@cache
def zone_of(name: str) -> ZoneInfo:
    """The time zone from the package tzdata: the same wherever the server runs."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which the zone's clocks show `minutes` after the day's midnight."""
    shown = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001  # As the clock shows it.
    # fold=0, which is the rule: of two the first, and in a gap the offset before it.
    return shown.replace(tzinfo=zone, fold=0).astimezone(UTC)


def expand(
    weeks: Sequence[Week], deviations: Sequence[Deviation], start: datetime, end: datetime
) -> list[Wanted]:
    """The slots that begin in [start, end), in order of time; no two overlap.

    Weeks and deviations come oldest first. Where two would overlap (two schedules, further hours
    beside the usual ones, hours that a clock change pushes together), the usual hours stand before
    the further ones, the older schedule before the younger, the earlier before the later: what
    comes after is cut, or left out if its length is fixed.
    """
    taken: list[Time] = []
    wanted: list[Wanted] = []
    for further in (False, True):
        for week in weeks:
            opened = _opened(weeks, week, deviations, start, end, further=further)
            for times in sorted(opened):
                for slot in _slots_of(week, times, taken):
                    insort(taken, slot)
                    if start <= slot[0] < end:
                        wanted.append(Wanted(week, *slot))
    return sorted(wanted, key=lambda one: one.start)


def _opened(
    weeks: Sequence[Week],
    week: Week,
    deviations: Sequence[Deviation],
    start: datetime,
    end: datetime,
    *,
    further: bool,
) -> Iterator[Time]:
    """The times at which this schedule is open around the window: usual hours, or further ones."""
    day = max(start.astimezone(week.zone).date() - DAYS_AROUND * DAY, week.valid_from)
    last = end.astimezone(week.zone).date() + DAYS_AROUND * DAY
    if week.valid_until is not None:
        last = min(last, week.valid_until)
    while day <= last:
        concerned = [one for one in deviations if one.concerns(week, day)]
        hours = (_further if further else _usual)(weeks, week, concerned, day)
        for one in hours:
            times = instant(day, one.starts, week.zone), instant(day, one.ends, week.zone)
            # A gap can swallow them: 02:30 to 03:15 where the clock goes from 02:00 to 03:00.
            if times[0] < times[1]:
                yield times
        day += DAY


def _usual(
    weeks: Sequence[Week], week: Week, concerned: Sequence[Deviation], day: date
) -> Iterable[Hours]:
    """The week's hours, or what is said instead: by whoever says it of fewest days, of one schedule
    rather than of all, last.
    """
    instead: Deviation | None = None
    for one in concerned:
        if one.kind != "extra" and (instead is None or _scope(one) <= _scope(instead)):
            instead = one
    if instead is None:
        return week.days[day.weekday()]
    return instead.hours if _is_for(instead, weeks, week, day) else ()


def _further(
    weeks: Sequence[Week], week: Week, concerned: Sequence[Deviation], day: date
) -> Iterable[Hours]:
    for one in concerned:
        if one.kind == "extra" and _is_for(one, weeks, week, day):
            yield from one.hours


def _scope(one: Deviation) -> tuple[timedelta, bool]:
    return one.ends_on - one.starts_on, one.schedule_id is None


def _is_for(one: Deviation, weeks: Sequence[Week], week: Week, day: date) -> bool:
    """Whether the hours are published by this schedule: the one named, or the oldest of the day."""
    if one.schedule_id is not None:
        return True
    return week is next(each for each in weeks if each.holds_on(day))


def _slots_of(week: Week, times: Time, taken: Sequence[Time]) -> list[Time]:
    """What is published of the time, where `taken` is not to be touched."""
    if week.slot_minutes is None:
        return list(_left_of(times, taken))
    length = timedelta(minutes=week.slot_minutes)
    step = length + timedelta(minutes=week.gap_minutes)
    count = max(0, (times[1] - times[0] - length) // step + 1)
    grid = ((times[0] + step * n, times[0] + step * n + length) for n in range(count))
    return [slot for slot in grid if not any(_overlapping(slot, taken))]


def _left_of(times: Time, taken: Sequence[Time]) -> Iterator[Time]:
    start, end = times
    for other in _overlapping(times, taken):
        if start < other[0]:
            yield start, other[0]
        start = max(start, other[1])
    if start < end:
        yield start, end


def _overlapping(times: Time, taken: Sequence[Time]) -> Iterator[Time]:
    """Those of `taken`, which is sorted and without overlaps, that overlap the time, in order."""
    index = bisect_left(taken, times)
    if index and taken[index - 1][1] > times[0]:
        index -= 1
    while index < len(taken) and taken[index][0] < times[1]:
        yield taken[index]
        index += 1
