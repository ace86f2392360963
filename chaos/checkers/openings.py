"""When providers were to be had: open by their hours and exceptions, and not busy.

Of what was asked for and answered alone. Time is counted in half hours, in which everything here
begins and ends: a cell is the number of one, since the epoch.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from chaos.checkers.levels import Peaks
from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS, Moments, Register
from chaos.checkers.stands import prepare
from chaos.evidence import MINUTE, Evidence, Span, moment

HALF_HOUR = 30 * MINUTE
# What is told again was done before, and may have been undone since; but whoever is told of it for
# the first time knows that it was done since they first asked: nobody may have heard the answer
# before, and a server that lost its database on the way asks it again by itself.
SET = """
    WITH back AS MATERIALIZED (
        SELECT json_extract(asked, '$.taken') AS token, min(began) AS began FROM operations
        WHERE kind = 'end_off' AND result <> 'fail' GROUP BY 1)
    SELECT o.kind,
           CASE WHEN o.replayed THEN (
               SELECT min(first.began) FROM operations first
               WHERE first.token = o.token AND first.kind = 'take_off') ELSE o.began END AS since,
           o.ended,
           CASE WHEN o.replayed AND back.began <= o.ended THEN 'unknown' ELSE o.result END,
           o.asked
    FROM operations o LEFT JOIN back ON back.token = o.token
    WHERE o.kind IN ('hours', 'exception', 'time_off', 'take_off', 'end_off', 'calendar', 'apply',
                     'close', 'close_begun')
      AND o.result <> 'fail' AND (NOT o.replayed OR o.kind = 'take_off' AND NOT EXISTS (
          SELECT 1 FROM operations told
          WHERE told.token = o.token AND told.kind = 'take_off' AND told.result = 'ok'
            AND told.n < o.n))
    ORDER BY since
"""
BY_TIME = (
    "kind = 'book' AND json_extract(asked, '$.slots') IS NULL"
    " AND json_extract(asked, '$.service_id') IS NULL"
)
# When a hold over several slots lapses while one of them is changed, what it had in busy time is
# closed only by whoever next looks (app/sql/README.md).
LAPSED_ASTRIDE = f"""
    SELECT b.provider_id, o.starts, o.ends
    FROM (SELECT token, starts, ends FROM operations WHERE {BY_TIME} AND hold IS NOT NULL) AS o
    JOIN bookings b ON b.token = o.token
    WHERE b.status IN ('held', 'expired') AND b.claim_count > 1
"""
STANDING = """
    SELECT DISTINCT b.provider_id, s.booking_id, s.began, s.ended, s.quantity, s.starts, s.ends
    FROM {} s JOIN bookings b ON b.id = s.booking_id
"""
Cells = frozenset[int]
Hours = tuple[tuple[str, str], ...]
SPANS_KEPT = 512
NOTHING: Cells = frozenset()


def cells(span: Span) -> range:
    """The half hours of a time, the first and the last maybe in part."""
    return range(span[0] // HALF_HOUR, -(-span[1] // HALF_HOUR))


def times(start: str, end: str, days: int = 1) -> Cells:
    """The half hours of a time that comes on so many days, one after another."""
    first, last = moment(start) // HALF_HOUR, moment(end) // HALF_HOUR
    return frozenset(cell + 48 * day for day in range(days) for cell in range(first, last))


class Calendar:
    """One provider: when they may have been open, or busy, at each moment of the run."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.capacity: int = described["capacity"]
        self.days = [moment(day) // HALF_HOUR for day in described["days"]]
        self._first = _hours(described["hours"])
        # Who publishes as the schedule says may do so at any time, and we do not hear of it.
        self._by_sql: bool = described["by_sql"]
        self._hours = Register(self._first)
        extra = _hours(described["extra"])
        self._exception: Register[tuple[str, Hours]] = Register(("extra", extra))
        self._busy: dict[str, Register[Cells]] = {}
        self._changes: list[Moments] = []
        self._longest = 0.0
        self._left_open: Cells = NOTHING
        self._open = lru_cache(None)(self._of_all_days)

    def change(self, row: tuple[Any, ...]) -> None:
        """Somebody changed something, or may have. In order of the beginning."""
        kind, began, ended, result, text = row
        asked, surely = json.loads(text), result == "ok"
        until = ended if surely else began + ANSWERED_WITHIN_SECONDS
        self._changes.append((began, until))
        self._longest = max(self._longest, until - began)
        if kind in {"hours", "apply", "close_begun"}:
            self._hours.change(began, ended, _hours(asked["hours"]), surely=surely)
        elif kind == "exception":
            told = (asked["exception_kind"], _hours(asked["hours"]))
            self._exception.change(began, ended, told, surely=surely)
        elif kind in {"time_off", "take_off"}:
            busy = times(asked["start"], asked["end"])
            name = asked["time_off"] if kind == "time_off" else asked["token"]
            self._name(name).change(began, ended, busy, surely=surely)
        elif kind == "end_off":
            self._name(asked["taken"]).change(began, ended, NOTHING, surely=surely)
        elif kind == "calendar":
            busy = NOTHING.union(*(times(*event) for event in asked["busy"]))
            self._name(asked["calendar"]).change(began, ended, busy, surely=surely)

    def may_be_left_open(self, some: Cells) -> None:
        """These may be anybody's though they are busy."""
        self._left_open |= some

    def changing(self, when: Moments) -> bool:
        """Whether somebody may have been changing what is published at some moment of the time."""
        index = bisect_right(self._changes, when[1], key=lambda change: change[0])
        while index:
            index -= 1
            began, until = self._changes[index]
            if until >= when[0]:
                return True
            if began + self._longest < when[0]:
                break
        return False

    def untouched(self, until: float) -> bool:
        """Whether surely nobody has changed what is published since the run began."""
        return not self._by_sql and not (self._changes and self._changes[0][0] <= until)

    def surely_open(self, when: Moments) -> Cells:
        """Open at every moment of the time, whatever came first."""
        return frozenset.intersection(*self._possible(when))

    def possibly_open(self, when: Moments) -> Cells:
        """Open at some moment, maybe."""
        return NOTHING.union(*self._possible(when))

    def surely_busy(self, when: Moments) -> Cells:
        """Busy at every moment: one thing at least was there all the time."""
        busy = (frozenset.intersection(*one.versions(when)) for one in self._busy.values())
        return NOTHING.union(*busy) - self._left_open

    def possibly_busy(self, when: Moments) -> Cells:
        """Busy at some moment, maybe."""
        return NOTHING.union(*(cell for one in self._busy.values() for cell in one.versions(when)))

    def _name(self, name: str) -> Register[Cells]:
        return self._busy.setdefault(name, Register(NOTHING))

    def _possible(self, when: Moments) -> list[Cells]:
        hours = self._hours.versions(when)
        if self._by_sql:
            hours = [*hours, self._first]
        exceptions = self._exception.versions(when)
        return [self._open(week, one) for week, one in product({*hours}, {*exceptions})]

    def _of_all_days(self, week: Hours, exception: tuple[str, Hours]) -> Cells:
        """What is open; the exception is of the first day."""
        kind, more = exception
        first, *others = self.days
        usual = NOTHING if kind in {"closed", "other"} else _of_day(first, week)
        extra = NOTHING if kind == "closed" else _of_day(first, more)
        return usual.union(extra, *(_of_day(day, week) for day in others))


class Openings:
    """All whose time comes from schedules, and what of it was taken, surely or possibly."""

    _known: ClassVar[WeakKeyDictionary[Evidence, Openings]] = WeakKeyDictionary()

    @classmethod
    def of(cls, evidence: Evidence) -> Openings:
        """What this evidence says, reckoned once."""
        if evidence not in cls._known:
            cls._known[evidence] = cls(evidence)
        return cls._known[evidence]

    def __init__(self, evidence: Evidence) -> None:
        prepare(evidence)
        described: dict[str, dict[str, Any]] = evidence.setting("calendars") or {}
        self.calendars = {provider: Calendar(one) for provider, one in described.items()}
        for row in evidence.query(SET):
            self.calendars[json.loads(row[4])["provider_id"]].change(row)
        for provider, starts, ends in evidence.query(LAPSED_ASTRIDE):
            if provider in self.calendars:
                self.calendars[provider].may_be_left_open(frozenset(cells((starts, ends))))
        self._sure = self._standing(evidence, "sure")
        self._may = self._standing(evidence, "may")
        self.surely = lru_cache(SPANS_KEPT)(self._surely)
        self.possibly = lru_cache(SPANS_KEPT)(self._possibly)

    def all_taken(self, provider: str) -> Iterator[tuple[int, Peaks]]:
        """What was surely taken of each half hour in which anything was."""
        taken = {cell for row in self._sure.get(provider, ()) for cell in cells((row[3], row[4]))}
        for cell in sorted(taken):
            yield cell, self.surely(provider, of_cell(cell))

    def _standing(self, evidence: Evidence, table: str) -> dict[str, list[tuple[Any, ...]]]:
        found: dict[str, list[tuple[Any, ...]]] = {}
        if self.calendars:
            for provider, _, *row in evidence.query(STANDING.format(table)):
                if provider in self.calendars:
                    found.setdefault(provider, []).append(tuple(row))
        return found

    def _surely(self, provider: str, span: Span) -> Peaks:
        return _peaks(self._sure.get(provider, []), span)

    def _possibly(self, provider: str, span: Span) -> Peaks:
        return _peaks(self._may.get(provider, []), span)


def of_cell(cell: int) -> Span:
    """From when to when a half hour is."""
    return cell * HALF_HOUR, (cell + 1) * HALF_HOUR


def _peaks(rows: list[tuple[Any, ...]], span: Span) -> Peaks:
    return Peaks((row for row in rows if row[3] < span[1] and row[4] > span[0]), span)


def _hours(written: list[list[str]]) -> Hours:
    return tuple((start, end) for start, end in written)


def _of_day(midnight: int, hours: Hours) -> Cells:
    return frozenset(
        midnight + cell
        for start, end in hours
        for cell in range(_cells_until(start), _cells_until(end))
    )


def _cells_until(clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    return hours * 2 + minutes // 30
