"""Hours as people write them ("09:00", "12:30"), and which of them overlap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

from app.schedules.expand import DAY, Hours, Week

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00"
_CLOCK = re.compile(CLOCK, re.ASCII)

Written = Sequence[Sequence[str]]


def read_hours(written: Sequence[str]) -> Hours:
    """["22:00", "02:00"] as minutes: an end that is not after its start is on the next day.

    Raises ValueError, with a sentence, when they are no times of the clock.
    """
    if len(written) != 2 or not all(_CLOCK.fullmatch(one) for one in written):
        raise ValueError("Must be a start and an end by the clock, such as 09:00 and 17:30.")
    starts, ends = ((int(one[:2]) * 60 + int(one[3:])) for one in written)
    if starts == DAY_MINUTES:
        raise ValueError("Cannot start at 24:00: that is 00:00 of the next day.")
    return Hours(starts, ends if ends > starts else ends + DAY_MINUTES)


def read_week(weekly: Mapping[str, Written]) -> tuple[tuple[Hours, ...], ...]:
    """The hours of each day, Monday first."""
    return tuple(read_day(weekly.get(name, ())) for name in WEEKDAYS)


def read_day(written: Written) -> tuple[Hours, ...]:
    """The hours of one day, in order."""
    return tuple(sorted(map(read_hours, written)))


def overlapping(hours: Iterable[Hours]) -> bool:
    """Whether some of the hours of one day overlap, by the clock."""
    return any(one.ends > other.starts for one, other in pairwise(sorted(hours)))


def overlap_in_week(days: Sequence[Sequence[Hours]]) -> str | None:
    """The name of the first day whose hours overlap others of the week, by the clock; or None."""
    spans = sorted(
        (number * DAY_MINUTES + one.starts, number * DAY_MINUTES + one.ends)
        for number, hours in enumerate(days)
        for one in hours
    )
    if not spans:
        return None
    first = (spans[0][0] + WEEK_MINUTES, spans[0][1] + WEEK_MINUTES)
    for one, other in pairwise([*spans, first]):
        if one[1] > other[0]:
            return WEEKDAYS[other[0] % WEEK_MINUTES // DAY_MINUTES]
    return None


def overlap_of_weeks(one: Week, other: Week) -> date | None:
    """The first day that both hold on and whose hours, by the clock, overlap; or None."""
    first = max(one.valid_from, other.valid_from)
    lasts = [week.valid_until for week in (one, other) if week.valid_until is not None]
    # After a week everything has been seen.
    for number in range(8):
        day = first + timedelta(days=number)
        if any(day > last for last in lasts):
            return None
        if overlapping([*_around(one, day), *_around(other, day)]):
            return day
    return None


def _around(week: Week, day: date) -> list[Hours]:
    """The hours that begin on the day, and what reaches into it from the day before."""
    before = day - DAY
    reaching = week.days[before.weekday()] if week.holds_on(before) else ()
    return [
        *(Hours(0, one.ends - DAY_MINUTES) for one in reaching if one.ends > DAY_MINUTES),
        *week.days[day.weekday()],
    ]
