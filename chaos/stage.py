"""What is fought over: slots of providers that a run makes for itself, and who is who."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from chaos.target import Target, TargetError, administer

FIRST_DAY = 30
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EARLY = [["05:00", "06:00"]]
# Of a day at hand: from long before anybody looks. Where it is morning now, much of it is to come.
ALL_DAY, MORNING = [["00:00", "23:30"]], 6
BEGINS_IN, BEGIN_TRIES = timedelta(seconds=1), 5
# A schedule publishes nothing that has begun; whoever publishes in its name may begin in a moment.
PUBLISH = """
    SELECT count(*) FROM apply_schedules(
        p_vendor_id => %(vendor)s, p_provider_id => %(provider)s, p_wanted => %(wanted)s::jsonb,
        p_from => %(start)s, p_to => %(end)s)
"""
THERE = """
    SELECT count(*) FROM slots
    WHERE vendor_id = %(vendor)s AND provider_id = %(provider)s AND schedule_id IS NOT NULL
      AND upper(during) = %(end)s
"""
# Time off that is of no day on which anything is published.
PARKED = ("2045-01-01T00:00:00+00:00", "2045-01-02T00:00:00+00:00")
# With what the roles of those who do services begin: who wants just any slot wants none of theirs.
SERVICE = "service: "
# And those of slots that are for customers who are to be erased: nobody else wants them.
GUESTS = "guests: "


@dataclass(frozen=True, slots=True)
class Slot:
    """A published slot as the run made it. `start` and `end` are RFC 3339, in UTC."""

    id: str
    provider_id: str
    start: str
    end: str
    capacity: int


@dataclass(slots=True)
class Stage:
    """The slots of a run by their role in it ("hot", "nights", …), all of providers of its own."""

    vendor_id: str
    location_id: str
    providers: list[str] = field(default_factory=list)
    roles: dict[str, list[Slot]] = field(default_factory=dict)
    # By id: name, minutes (duration, before, after, step), quantity_max, when it opens and closes,
    # and for each need who can fill it, with the preference.
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    # By provider, of those whose time comes from a schedule: capacity, location, the ids of what
    # can be changed (schedule, exception, time_off), the days as they begin, the hours of each and
    # what is extra on the first when the run began, whether somebody has it alone, and whether it
    # is a day that has begun.
    calendars: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def slots(self) -> dict[str, Slot]:
        """All slots by id."""
        return {slot.id: slot for slots in self.roles.values() for slot in slots}

    def follow(self, published: Iterable[tuple[str, str, str, int]]) -> None:
        """Slots that were published anew take the places of those that were there before."""
        where = {
            (slot.provider_id, slot.start): (slots, index)
            for slots in self.roles.values()
            for index, slot in enumerate(slots)
        }
        for provider_id, start, slot_id, capacity in published:
            if (provider_id, start) not in where:
                continue
            slots, index = where[provider_id, start]
            slots[index] = Slot(slot_id, provider_id, start, slots[index].end, capacity)

    def as_json(self) -> dict[str, Any]:
        """As it is kept in run.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Stage:
        """As it was kept in run.json."""
        roles = {role: [Slot(**slot) for slot in slots] for role, slots in kept["roles"].items()}
        known = (kept["vendor_id"], kept["location_id"], list(kept["providers"]), roles)
        return cls(*known, kept.get("services", {}), kept.get("calendars", {}))


class StageBuilder:
    """Publishes what a workload asks for. Raises TargetError when it cannot.

    `dice`: of the seed, so that the same capacities come again.
    """

    def __init__(self, target: Target, dice: random.Random) -> None:
        self.dice, self._target = dice, target
        self._begun_at = 0.0
        location = administer(target, "POST", "/locations", {"name": "Chaos", "time_zone": "UTC"})
        self.stage = Stage(target.vendor_id(), location["id"])

    def slots(
        self,
        role: str,
        capacities: list[int],
        *,
        length: timedelta = timedelta(hours=1),
        opens: timedelta = timedelta(0),
        every: timedelta | None = None,
    ) -> list[Slot]:
        """Slots one after another, at a provider of their own, far enough in the future.

        `opens`: when the first begins, after midnight. `every`: from one's start to the next's, if
        they are not contiguous.
        """
        provider = self._provider(role)
        first = _midnight() + opens
        step = every or length
        wanted = [
            {
                "start": (first + number * step).isoformat(),
                "end": (first + number * step + length).isoformat(),
                "capacity": capacity,
            }
            for number, capacity in enumerate(capacities)
        ]
        path = f"/providers/{provider}/slots"
        made = administer(self._target, "POST", path, {"slots": wanted})["items"]
        slots = [
            Slot(slot["id"], provider, slot["start"], slot["end"], slot["capacity"])
            for slot in sorted(made, key=lambda slot: str(slot["start"]))
        ]
        self.stage.roles[role] = slots
        return slots

    def calendar(
        self,
        name: str,
        hours: list[list[str]],
        capacity: int,
        *,
        days: int,
        by_sql: bool = False,
        alone: bool = False,
    ) -> None:
        """A provider who is open at these hours of some days, in UTC, by a schedule of long slots.

        There is an exception for the first day, which opens an hour before anybody wants it, and
        time off that is of none of these days. `by_sql`: no exception, and the schedule is left
        alone: slots are published as if it were another. `alone`: the crowd does not come.
        """
        provider = self._provider(name)
        midnights = [_midnight() + timedelta(days=number) for number in range(days)]
        first, last = (f"{day:%Y-%m-%d}" for day in (midnights[0], midnights[-1]))
        made: dict[str, tuple[str, dict[str, Any]]] = {
            "schedule": (
                "schedules",
                {
                    "weekly": dict.fromkeys(WEEKDAYS, hours),
                    "capacity": capacity,
                    "slot_minutes": None,
                    "valid_from": first,
                    "valid_until": last,
                },
            ),
            "exception": ("exceptions", {"starts_on": first, "kind": "extra", "hours": EARLY}),
            "time_off": ("time-off", {"start": PARKED[0], "end": PARKED[1]}),
        }
        if by_sql:
            del made["exception"]
        ids = {
            what: administer(self._target, "POST", f"/providers/{provider}/{path}", body)["id"]
            for what, (path, body) in made.items()
        }
        self.stage.calendars[provider] = {
            **ids,
            "capacity": capacity,
            "location": self.stage.location_id,
            "days": [day.isoformat() for day in midnights],
            "hours": hours,
            "extra": [] if by_sql else EARLY,
            "by_sql": by_sql,
            "alone": alone,
        }

    def day_at_hand(self, name: str, capacity: int, *, by_sql: bool = False) -> None:
        """A provider with one long slot of a schedule that begins in a moment, and lasts until half
        past eleven at night, at a place where it is morning now.
        """
        offset = (MORNING - datetime.now(UTC).hour + 12) % 24 - 12
        place = {"name": f"Chaos {name}", "time_zone": f"Etc/GMT{-offset:+d}"}
        location = administer(self._target, "POST", "/locations", place)["id"]
        local = datetime.now(UTC) + timedelta(hours=offset)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        day, ends = f"{midnight:%Y-%m-%d}", timedelta(hours=23, minutes=30)
        midnight -= timedelta(hours=offset)
        provider = self._provider(name, location)
        rules = {
            "weekly": dict.fromkeys(WEEKDAYS, ALL_DAY),
            "capacity": capacity,
            "slot_minutes": None,
            "valid_from": day,
            "valid_until": day,
        }
        path = f"/providers/{provider}/schedules"
        schedule = administer(self._target, "POST", path, rules)["id"]
        self._begin(provider, schedule, location, capacity, midnight + ends)
        self.stage.calendars[provider] = {
            "schedule": schedule,
            "capacity": capacity,
            "location": location,
            "days": [midnight.isoformat()],
            "hours": ALL_DAY,
            "extra": [],
            "by_sql": by_sql,
            "begun": True,
        }

    def _begin(
        self, provider: str, schedule: str, location: str, capacity: int, end: datetime
    ) -> None:
        """Publish it to begin in a moment, by the server's clock. Raises TargetError."""
        about = {"schedule_id": schedule, "location_id": location, "capacity": capacity}
        values: dict[str, Any] = {"vendor": self.stage.vendor_id, "provider": provider, "end": end}
        try:
            with psycopg.connect(self._target.database_url, autocommit=True) as connection:
                for delay in (number * BEGINS_IN for number in range(1, BEGIN_TRIES + 1)):
                    (now,) = connection.execute("SELECT clock_timestamp()").fetchall()[0]
                    times = {"start": (now + delay).isoformat(), "end": end.isoformat()}
                    wanted = json.dumps([{**about, **times, "whole": False}])
                    values |= {"start": now + delay, "wanted": wanted}
                    connection.execute(PUBLISH, values)
                    self._begun_at = time.monotonic() + delay.total_seconds()
                    if connection.execute(THERE, values).fetchall() == [(1,)]:
                        return
        except psycopg.Error as error:
            raise TargetError(
                f"No slot could be published in a schedule's name: {error}"
            ) from error
        raise TargetError("No slot that begins in a moment could be published.")

    def wait_for_days_at_hand(self) -> None:
        """When it returns they have begun."""
        time.sleep(max(0.0, self._begun_at - time.monotonic()))

    def _provider(self, name: str, location: str | None = None) -> str:
        body = {"name": f"Chaos {name}", "location_id": location or self.stage.location_id}
        provider: str = administer(self._target, "POST", "/providers", body)["id"]
        self.stage.providers.append(provider)
        return provider

    def service(
        self,
        name: str,
        needs: list[dict[str, int]],
        *,
        duration: int,
        before: int = 0,
        after: int = 0,
        step: int = 15,
        quantity_max: int | None = None,
    ) -> None:
        """A service that one of each need does, in minutes. `needs`: preference by provider.

        The first provider of the first need says when it opens and closes.
        """
        rules = {
            "duration_minutes": duration,
            "buffer_before_minutes": before,
            "buffer_after_minutes": after,
            "start_step_minutes": step,
            "quantity_max": quantity_max or 1,
            "needs": [
                {
                    "role": f"need {number}",
                    "providers": [
                        {"provider_id": provider, "preference": preference}
                        for provider, preference in providers.items()
                    ],
                }
                for number, providers in enumerate(needs, 1)
            ],
        }
        made = administer(self._target, "POST", "/services", {"name": f"Chaos {name}", **rules})
        first = next(iter(needs[0]))
        slots = [slot for slot in self.stage.slots.values() if slot.provider_id == first]
        self.stage.services[made["id"]] = {
            "name": name,
            "duration": duration,
            "before": before,
            "after": after,
            "step": step,
            "quantity_max": quantity_max,
            "needs": needs,
            "opens": slots[0].start,
            "closes": slots[-1].end,
        }


def phones(run_id: str) -> str:
    """With what the telephone numbers of a run's customers begin, and no others."""
    return f"+99{int(run_id, 16):010}"


def _midnight() -> datetime:
    """When the first day begins on which anything is published."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=FIRST_DAY)
