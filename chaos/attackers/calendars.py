"""Those who change when a provider is to be had, and the crowd that wants that time meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import gevent

from chaos.attackers import Attacker, Scene
from chaos.history import Asked
from chaos.stage import PARKED

Change = Callable[[str, dict[str, Any]], None]
DOORS = ("http", "sql")
STEP = timedelta(minutes=30)
# Whoever wants time wants it between eight and eight.
EARLIEST, LATEST, STEPS_MAX = 16, 40, 4
HOLD_SECONDS = 1.0
# Not there: the time was closed, or became something else while it was looked for.
NOT_THERE = {"SLOT_NOT_FOUND", "VALIDATION_ERROR"}
HOURS: tuple[list[list[str]], ...] = (
    [["09:00", "12:00"], ["13:00", "17:00"]],
    [["09:00", "11:00"]],
    [["12:00", "19:00"]],
    [["08:00", "20:00"]],
    [],
)
EXCEPTIONS: tuple[tuple[str, list[list[str]]], ...] = (
    ("closed", []),
    ("other", [["10:00", "14:00"]]),
    ("other", [["08:00", "10:00"], ["12:00", "16:00"]]),
    ("extra", [["17:00", "20:00"]]),
)
# Who books today books nothing that begins before long; days at hand are seldom anybody's wish.
SOON, TODAY_SHARE = timedelta(minutes=10), 0.2
CALENDARS = ("private", "club")
EVENTS_MAX = 3


class Clockwatcher(Attacker):
    """Whoever deals in a provider's time, by the half hour."""

    abstract = True

    def some_calendar(self) -> tuple[str, dict[str, Any]]:
        """A provider, and what the stage says of their time."""
        calendars = self.calendars()
        if self.dice.random() < TODAY_SHARE:
            calendars = self.days_at_hand() or calendars
        provider_id = self.dice.choice(sorted(calendars))
        return provider_id, calendars[provider_id]

    def calendars(self) -> dict[str, dict[str, Any]]:
        """Those that are for everybody."""
        known = self.this_run.stage.calendars
        return {
            one: calendar
            for one, calendar in known.items()
            if not calendar.get("alone") and not calendar.get("begun")
        }

    def days_at_hand(self) -> dict[str, dict[str, Any]]:
        """Those of whose day, which has begun, something is still to come."""
        known = self.this_run.stage.calendars
        return {
            one: calendar
            for one, calendar in known.items()
            if calendar.get("begun") and _first_of(calendar) < LATEST
        }

    def some_time(self, calendar: dict[str, Any]) -> tuple[str, str]:
        """From when to when, on one of the days."""
        midnight = datetime.fromisoformat(self.dice.choice(calendar["days"]))
        first = self.dice.randrange(_first_of(calendar), LATEST)
        steps = min(self.dice.randint(1, STEPS_MAX), LATEST - first)
        start = midnight + first * STEP
        return start.isoformat(), (start + steps * STEP).isoformat()

    def book_at(self, provider_id: str, start: str, end: str, places: int) -> None:
        """Book it; and now and then, if it was not there, ask again whether it is."""
        door = self.dice.choice(DOORS)
        asked: Asked = {"provider_id": provider_id, "start": start, "end": end}
        asked["quantity"] = self.dice.randint(1, places)
        if door == "sql" and self.dice.random() < 0.1:
            asked["hold"] = HOLD_SECONDS
        done = self.perform(door, "book", {**asked, "token": self.token()})
        if done.result == "fail" and done.code in NOT_THERE and self.dice.random() < 0.5:
            self.perform(door, "book", {**asked, "token": self.token(), "again": True})


class TimeCustomer(Clockwatcher):
    """Wants some time of a provider, open or not."""

    def act(self) -> None:
        provider_id, calendar = self.some_calendar()
        self.book_at(provider_id, *self.some_time(calendar), calendar["capacity"])


class OpeningsReader(Clockwatcher):
    """Looks when a provider is to be had on a day, and takes some of what is shown."""

    def act(self) -> None:
        calendars = self.calendars()
        provider_id = self.dice.choice(sorted(calendars))
        start = datetime.fromisoformat(self.dice.choice(calendars[provider_id]["days"]))
        end = start + timedelta(days=1)
        day = {"start": start.isoformat(), "end": end.isoformat()}
        asked = {"provider_id": provider_id, **day, "parts": True}
        seen = self.perform(self.dice.choice(DOORS), "read", asked)
        free = [one for slot in seen.answer.get("parts", {}).values() for one in slot["free"]]
        if free:
            begins, ends, places = self.dice.choice(free)
            if self.dice.random() < 0.7:
                ends = min(ends, _later(begins, self.dice.randint(1, STEPS_MAX)), key=_moment)
            self.book_at(provider_id, begins, ends, places)


class CalendarKeeper(Clockwatcher):
    """Opens and closes: weekly hours, exceptions, time off, calendars; all days soon as before."""

    def on_start(self) -> None:
        super().on_start()
        # None: what is left of today.
        changes: list[Change | None] = [
            self._time_off,
            self._hours,
            self._import,
            self._except,
            None,
            self._apply,
        ]
        # Each begins with another and has done all of them once before chance decides: on a slow
        # machine a run is over when they have had two turns each.
        begin = 2 * Scene.born[type(self).__name__] % len(changes)
        self._first = changes[begin:] + changes[:begin]

    def act(self) -> None:
        begins = bool(self._first)
        change = self._first.pop() if begins else None
        if change is None and (begins or self.dice.random() < TODAY_SHARE):
            for provider_id, calendar in self.days_at_hand().items():
                self._today(provider_id, calendar)
        else:
            self._change(change)
        gevent.sleep(self.dice.uniform(0.0, 0.05))

    def _change(self, change: Change | None) -> None:
        """Change this of somebody, or anything."""
        calendars = self.calendars()
        fitting = [one for one in sorted(calendars) if change in self._changes(calendars[one])]
        provider_id = self.dice.choice(fitting or sorted(calendars))
        calendar = calendars[provider_id]
        if change is None or not fitting:
            change = self.dice.choice(self._changes(calendar))
        change(provider_id, calendar)

    def _changes(self, calendar: dict[str, Any]) -> list[Change]:
        if calendar["by_sql"]:
            return [self._time_off, self._import, self._apply, self._close]
        return [self._time_off, self._import, self._hours, self._except]

    def _hours(self, provider_id: str, calendar: dict[str, Any]) -> None:
        asked = {"provider_id": provider_id, "schedule": calendar["schedule"]}
        self.perform("http", "hours", {**asked, "hours": self._some_hours(calendar)})

    def _except(self, provider_id: str, calendar: dict[str, Any]) -> None:
        kind, hours = "extra", calendar["extra"]
        if self.dice.random() < 0.5:
            kind, hours = self.dice.choice(EXCEPTIONS)
        asked = {"provider_id": provider_id, "exception": calendar["exception"]}
        self.perform("http", "exception", {**asked, "exception_kind": kind, "hours": hours})

    def _time_off(self, provider_id: str, calendar: dict[str, Any]) -> None:
        start, end = PARKED if self.dice.random() < 0.4 else self.some_time(calendar)
        asked = {"provider_id": provider_id, "time_off": calendar["time_off"]}
        self.perform("http", "time_off", {**asked, "start": start, "end": end, **self._mark()})

    def _import(self, provider_id: str, calendar: dict[str, Any]) -> None:
        days = len(calendar["days"])
        busy = [
            [*self.some_time({"days": calendar["days"][:1]}), self.dice.randint(1, days)]
            for _ in range(self.dice.randint(0, EVENTS_MAX))
        ]
        asked = {"provider_id": provider_id, "calendar": self.dice.choice(CALENDARS)}
        self.perform("http", "calendar", {**asked, "busy": busy, **self._mark()})

    def _apply(self, provider_id: str, calendar: dict[str, Any]) -> None:
        """What the schedule gives is published, as if its hours were others."""
        hours = self._some_hours(calendar)
        days = [datetime.fromisoformat(day) for day in calendar["days"]]
        asked = {
            **{name: calendar[name] for name in ("schedule", "location", "capacity")},
            "provider_id": provider_id,
            "hours": hours,
            "wanted": [[_at(day, time) for time in pair] for day in days for pair in hours],
            "from": days[0].isoformat(),
            "to": (days[-1] + timedelta(days=1)).isoformat(),
        }
        self.perform("sql", "apply", asked)

    def _today(self, provider_id: str, calendar: dict[str, Any]) -> None:
        """A day that has begun is closed in part, or opened again."""
        if not calendar["by_sql"]:
            self._hours(provider_id, calendar)
            return
        hours = self._some_hours(calendar)
        (day,) = (datetime.fromisoformat(day) for day in calendar["days"])
        asked = {
            **{name: calendar[name] for name in ("schedule", "location", "capacity")},
            "provider_id": provider_id,
            "hours": hours,
            "wanted": [[_at(day, time) for time in pair] for pair in hours],
            "now": datetime.now(UTC).isoformat(),
        }
        self.perform("sql", "close_begun", asked)

    def _close(self, provider_id: str, _calendar: dict[str, Any]) -> None:
        self.perform("sql", "close", {"provider_id": provider_id})

    def _some_hours(self, calendar: dict[str, Any]) -> list[list[str]]:
        usual: list[list[str]] = calendar["hours"]
        return usual if self.dice.random() < 0.5 else self.dice.choice(HOURS)

    def _mark(self) -> dict[str, str]:
        return {"token": self.token()}


def _first_of(calendar: dict[str, Any]) -> int:
    """The first half hour that anybody may want of a day."""
    if not calendar.get("begun"):
        return EARLIEST
    passed = datetime.now(UTC) + SOON - _moment(calendar["days"][0])
    return max(EARLIEST, -(-passed // STEP))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _later(start: str, steps: int) -> str:
    return (_moment(start) + steps * STEP).isoformat()


def _at(day: datetime, time: str) -> str:
    hours, minutes = map(int, time.split(":"))
    return (day + timedelta(hours=hours, minutes=minutes)).isoformat()
