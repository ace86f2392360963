"""Weeks to expand, and a model of what they give that shares no code with what it judges.

The model goes the other way: it asks what the clocks show at a moment, never what moment a clock
time is, and it counts minutes one by one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from app.schedules.expand import Hours, Wanted, Week, zone_of

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# Whole hours, half hours, two hours; at night, at midnight, by day; winter's the other way round.
SAMPLE = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
)
# All of tzdata instead: SLOTKEEPER_TEST_ZONES=all
ZONES = (
    tuple(files("tzdata").joinpath("zones").read_text("utf-8").split())
    if os.environ.get("SLOTKEEPER_TEST_ZONES") == "all"
    else SAMPLE
)
YEARS = range(2024, 2029)


@dataclass(frozen=True)
class Change:
    """A change of a zone's clocks: the last moment before it, and by how much they go forward."""

    before: datetime
    forward: timedelta

    def day(self, zone: ZoneInfo) -> date:
        """The day on which it happens, by the clocks before it."""
        return self.before.astimezone(zone).date()


@cache
def changes_of(name: str) -> tuple[Change, ...]:
    """The changes of a zone's clocks in YEARS, found by looking at its clocks every hour."""
    zone = zone_of(name)
    found = []
    moment = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    while moment.year in YEARS:
        step = 24 * HOUR
        if _offset(moment, zone) != _offset(moment + step, zone):
            before, after = moment, moment + step
            while after - before > MINUTE:
                middle = before + (after - before) / 2
                middle = middle.replace(second=0, microsecond=0)
                if _offset(middle, zone) == _offset(moment, zone):
                    before = middle
                else:
                    after = middle
            found.append(Change(before, _offset(after, zone) - _offset(before, zone)))
        moment += step
    return tuple(found)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).replace(tzinfo=UTC) - moment


def shown_at(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks show, as a bare time."""
    return moment.astimezone(zone).replace(tzinfo=None)


def modelled_instant(shown: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the clocks show this time; in a gap, by the offset before it."""
    around = shown.replace(tzinfo=UTC)
    offsets = {_offset(around + n * HOUR, zone) for n in range(-36, 37)}
    shows = [around - offset for offset in offsets if shown_at(around - offset, zone) == shown]
    if shows:
        return min(shows)
    # In a gap: the clocks never show it. The last moment before they show something later:
    before, after = around - 36 * HOUR, around + 36 * HOUR
    while after - before > MINUTE:
        middle = (before + (after - before) / 2).replace(second=0, microsecond=0)
        if shown_at(middle, zone) < shown:
            before = middle
        else:
            after = middle
    return around - _offset(before, zone)


def modelled(week: Week, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The slots of one schedule without exceptions that begin in [start, end), minute by minute."""
    taken: set[datetime] = set()
    slots: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(_openings(week, start, end)):
        found = _cut(week, opens, closes, taken)
        for slot in found:
            taken.update(_minutes(*slot))
        slots += found
    return sorted(slot for slot in slots if start <= slot[0] < end)


def _openings(week: Week, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    day = shown_at(start, week.zone).date() - timedelta(days=5)
    while day <= shown_at(end, week.zone).date() + timedelta(days=2):
        if week.valid_from <= day and (week.valid_until is None or day <= week.valid_until):
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # As the clock shows it.
            for hours in week.days[day.weekday()]:
                yield (
                    modelled_instant(midnight + hours.starts * MINUTE, week.zone),
                    modelled_instant(midnight + hours.ends * MINUTE, week.zone),
                )
        day += timedelta(days=1)


def _minutes(start: datetime, end: datetime) -> list[datetime]:
    return [start + n * MINUTE for n in range(int((end - start) / MINUTE))]


def _cut(
    week: Week, opens: datetime, closes: datetime, taken: set[datetime]
) -> list[tuple[datetime, datetime]]:
    if week.slot_minutes is None:
        free = [minute for minute in _minutes(opens, closes) if minute not in taken]
        starts = [m for m in free if m == opens or m - MINUTE not in free]
        ends = [m + MINUTE for m in free if m + MINUTE == closes or m + MINUTE not in free]
        return list(zip(starts, ends, strict=True))
    slots = []
    begin = opens
    while begin + week.slot_minutes * MINUTE <= closes:
        slot = begin, begin + week.slot_minutes * MINUTE
        if not taken.intersection(_minutes(*slot)):
            slots.append(slot)
        begin = slot[1] + week.gap_minutes * MINUTE
    return slots


def week(
    days: Sequence[Sequence[tuple[int, int]]] | dict[int, Sequence[tuple[int, int]]],
    zone: str = "Europe/Berlin",
    **more: object,
) -> Week:
    """A week with hours in minutes by weekday (0: Monday), valid for ever unless it is said."""
    by_day = days if isinstance(days, dict) else dict(enumerate(days))
    given = {
        "schedule_id": uuid.uuid4(),
        "location_id": uuid.uuid4(),
        "zone": zone_of(zone),
        "valid_from": date(1900, 1, 1),
        "valid_until": None,
        "days": tuple(tuple(Hours(*one) for one in by_day.get(n, ())) for n in range(7)),
    } | more
    return Week(**given)  # type: ignore[arg-type]


def every_day(*hours: tuple[float, float]) -> list[list[tuple[int, int]]]:
    """The same hours on each day, in hours of the clock."""
    return [[(int(start * 60), int(end * 60)) for start, end in hours]] * 7


def clocks(wanted: Sequence[Wanted]) -> list[str]:
    """The slots as people at the place would say them: "03-29 09:00-10:30"."""
    return [
        f"{shown_at(one.start, one.week.zone):%m-%d %H:%M}-{shown_at(one.end, one.week.zone):%H:%M}"
        for one in wanted
    ]
