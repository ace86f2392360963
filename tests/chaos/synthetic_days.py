"""Days of a synthetic history: by the hour, by a service, and as schedules give them.

Whatever is asked is done at once, and told a while later: what is said is what stood at the asking.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

HOUR = 3_600_000_000
OPENS, CLOSES = 9, 17
# What was asked for so many operations ago has been answered.
SETTLED = 40
RULES = {"before": 0, "duration": 60, "after": 0, "step": 60}
BOTH = [{"anna": 1, "bea": 2}]
ONE = [{"anna": 1}]
WHOLE_DAY, MORNING = [["09:00", "17:00"]], [["09:00", "12:00"]]
FIRST_DAY = "1970-01-01T00:00:00+00:00"
DOCTOR = {"capacity": 1, "days": [FIRST_DAY], "hours": WHOLE_DAY, "extra": [], "by_sql": False}
# What a run says of them.
DESCRIBED = {
    "services": {"cut": {"name": "cut", **RULES, "needs": BOTH}},
    "calendars": {"doctor": DOCTOR},
}
# Kind, what is asked, result, code, answer.
Told = tuple[str, dict, str, str, dict]


def at(hour: int) -> str:
    return f"1970-01-01T{hour:02}:00:00+00:00"


def begun(slot: str) -> dict:
    """What the first event of a booking of one place there tells."""
    now = {"status": "confirmed", "quantity": 1, "slot_ids": [slot]}
    return {name: {"from": None, "to": value} for name, value in now.items()}


class Day:
    """Who has which hours of a provider who is there from nine to five, in one slot."""

    def __init__(self, provider: str):
        self.provider, self.slot = provider, f"slot of {provider}"
        self.taken: dict[int, str] = {}
        # Hours, token, what became of it, and when that was asked for.
        self.bookings: dict[str, tuple[range, str, list[str], list[int]]] = {}
        # Those that stand, and the last few that do not, in the order of their last move.
        self.standing: list[str] = []
        self.gone: list[str] = []

    def is_free(self, hours: range) -> bool:
        return not any(hour in self.taken for hour in hours)

    def book(self, n: int, hours: range) -> str:
        booking_id = f"{self.provider} {n:09}"
        self.bookings[booking_id] = (hours, f"t{n}", [], [])
        self.move(n, booking_id, "confirmed")
        return booking_id

    def move(self, n: int, booking_id: str, status: str) -> None:
        hours, _, moves, asked = self.bookings[booking_id]
        moves.append(status)
        asked.append(n)
        stands = status == "confirmed"
        for hour in hours:
            if stands:
                self.taken[hour] = booking_id
            else:
                del self.taken[hour]
        comes, goes = (self.standing, self.gone) if stands else (self.gone, self.standing)
        comes.append(booking_id)
        if booking_id in goes:
            goes.remove(booking_id)
        del self.gone[:-4]

    def cancels(self, n: int) -> Told | None:
        """Whoever has been there longest gives it back."""
        booking_id = self._settled(n, self.standing)
        if booking_id is None:
            return None
        self.move(n, booking_id, "cancelled")
        asked = {"booking_id": booking_id, "slots": [], "quantity": 1}
        return "cancel", asked, "ok", "CANCELLED", {}

    def lately_gone(self, n: int) -> str | None:
        return self._settled(n, self.gone)

    def _settled(self, n: int, those: list[str]) -> str | None:
        return next((one for one in those if n - self.bookings[one][3][-1] > SETTLED), None)

    def free(self, hours: set[int]) -> dict:
        """As an availability list shows it, if it is there at these hours."""
        shown = [[at(hour), at(hour + 1), 1] for hour in sorted(hours - self.taken.keys())]
        day = {"start": at(OPENS), "end": at(CLOSES), "free": shown}
        return {"shown": {self.slot: int(not self.taken)}, "parts": {self.slot: day}}

    def rows(self) -> Iterator[tuple[str, tuple]]:
        """What is there in the end, by table."""
        yield "slots", (self.slot, self.provider, OPENS * HOUR, CLOSES * HOUR, 1)
        for booking_id, (hours, token, moves, _) in self.bookings.items():
            yield from self.row(booking_id, token, hours, moves, "appointment")

    def row(
        self, booking_id: str, token: str, hours: range, moves: list[str], kind: str
    ) -> Iterator[tuple[str, tuple]]:
        shape = (moves[-1], 1, 1, len(moves), token, json.dumps([self.slot]), self.provider, None)
        yield "bookings", (booking_id, kind, *shape)
        if moves[-1] == "confirmed":
            times = (hours[0] * HOUR, (hours[-1] + 1) * HOUR)
            yield "claims", (booking_id, 1, self.slot, self.provider, *times, "{[1,2)}")
        for number, (before, status) in enumerate(zip([None, *moves], moves, strict=False), 1):
            change = {"status": {"from": before, "to": status}} if before else begun(self.slot)
            yield "events", (booking_id, number, status, json.dumps(change))


class Hours:
    """A long slot that is booked by the hour."""

    def __init__(self) -> None:
        self.day = Day("long")

    def act(self, n: int, dice: random.Random) -> Told:
        if dice.random() < 0.3 and (told := self.day.cancels(n)):
            return told
        if dice.random() < 0.3:
            window = {"provider_id": "long", "start": at(0), "end": at(23), "parts": True}
            return "read", window, "ok", "SHOWN", self.day.free({*range(OPENS, CLOSES)})
        hours = _some_hours(dice)
        asked = {"slots": [self.day.slot], "start": at(hours[0]), "end": at(hours[-1] + 1)}
        asked |= {"quantity": 1, "token": f"t{n}"}
        if not self.day.is_free(hours):
            return "book", asked, "fail", "BOOKING_CONFLICT", {}
        answer = {"booking_id": self.day.book(n, hours), "quantity": 1}
        return "book", asked, "ok", "CONFIRMED", answer

    def rows(self) -> Iterator[tuple[str, tuple]]:
        for table, row in self.day.rows():
            yield table, row
            if table == "slots":
                yield "stage", (row[0], row[1], row[4], *row[2:4])


class Salon:
    """A service that two give by the hour; one of them now and then does not."""

    def __init__(self) -> None:
        self.days = {name: Day(name) for name in BOTH[0]}
        self.needs = BOTH

    def act(self, n: int, dice: random.Random) -> Told:
        chance = dice.random()
        if chance < 0.05:
            self.needs = dice.choice((BOTH, ONE))
            asked = {"service_id": "cut", "needs": [list(need.items()) for need in self.needs]}
            return "offer", asked, "ok", "OFFERED", {}
        if chance < 0.2:
            return self._search()
        if chance < 0.5 and (told := dice.choice([*self.days.values()]).cancels(n)):
            return told
        return self._book(n, dice.randrange(OPENS, CLOSES))

    def _search(self) -> Told:
        times = []
        for hour in range(OPENS, CLOSES):
            free = [[[name], 1] for name in self._free(hour)]
            times += [[at(hour), free]] if free else []
        asked = {"service_id": "cut", "from": at(OPENS), "to": at(CLOSES), "quantity": 1}
        return "search", asked, "ok", "FOUND", {"times": times, "more": False}

    def _book(self, n: int, hour: int) -> Told:
        asked = {"service_id": "cut", "start": at(hour), "end": at(hour + 1), "quantity": 1}
        asked["token"] = f"t{n}"
        free = self._free(hour)
        if not free:
            return "book", asked, "fail", "BOOKING_CONFLICT", {}
        day = self.days[free[0]]
        answer = {"booking_id": day.book(n, range(hour, hour + 1)), "quantity": 1}
        answer |= {"slots": [day.slot], "time": [at(hour), at(hour + 1)]}
        return "book", asked, "ok", "CONFIRMED", answer

    def _free(self, hour: int) -> list[str]:
        """Who could do it, those first who are preferred."""
        return [name for name in self.needs[0] if hour not in self.days[name].taken]

    def rows(self) -> Iterator[tuple[str, tuple]]:
        for day in self.days.values():
            for table, row in day.rows():
                yield table, row
                if table == "slots":
                    yield "stage", (row[0], row[1], row[4], *row[2:4])


class Practice:
    """A doctor whose time comes from a schedule, which changes, as does the time off."""

    def __init__(self) -> None:
        self.day = Day("doctor")
        self.open = {*range(OPENS, CLOSES)}
        self.off: set[int] = set()
        self.token = ""

    def act(self, n: int, dice: random.Random) -> Told:
        chance = dice.random()
        if chance < 0.06:
            return self._changes(n, dice)
        if chance < 0.2:
            window = {"provider_id": "doctor", "start": at(0), "end": at(23), "parts": True}
            return "read", window, "ok", "SHOWN", self.day.free(self.open - self.off)
        if chance < 0.5 and (told := self.day.cancels(n)):
            return told
        if chance < 0.55 and (gone := self.day.lately_gone(n)):
            return self._wants_again(n, gone)
        return self._books(n, _some_hours(dice), again=dice.random() < 0.5)

    def _changes(self, n: int, dice: random.Random) -> Told:
        if dice.random() < 0.5:
            hours = dice.choice((WHOLE_DAY, WHOLE_DAY, MORNING))
            self.open = {*range(OPENS, int(hours[0][1][:2]))}
            asked = {"provider_id": "doctor", "schedule": "week", "hours": hours}
            return "hours", asked, "ok", "SET", {}
        hour = dice.randrange(OPENS, CLOSES)
        self.off, self.token = {hour}, f"t{n}"
        asked = {"provider_id": "doctor", "time_off": "off", "start": at(hour), "end": at(hour + 1)}
        return "time_off", {**asked, "token": self.token}, "ok", "SET", {}

    def _books(self, n: int, hours: range, *, again: bool) -> Told:
        asked = {"provider_id": "doctor", "start": at(hours[0]), "end": at(hours[-1] + 1)}
        asked |= {"quantity": 1, "token": f"t{n}"}
        if code := self._in_the_way(hours):
            more = {"again": True} if again and code == "SLOT_NOT_FOUND" else {}
            return "book", {**asked, **more}, "fail", code, self._instead()
        answer = {"booking_id": self.day.book(n, hours), "quantity": 1}
        return "book", asked, "ok", "CONFIRMED", answer

    def _wants_again(self, n: int, booking_id: str) -> Told:
        hours, *_ = self.day.bookings[booking_id]
        asked = {"booking_id": booking_id, "slots": [], "quantity": 1}
        asked |= {"start": at(hours[0]), "end": at(hours[-1] + 1)}
        if code := self._in_the_way(hours):
            return "confirm", asked, "fail", code, {}
        self.day.move(n, booking_id, "confirmed")
        return "confirm", asked, "ok", "CONFIRMED", {}

    def _in_the_way(self, hours: range) -> str:
        if not {*hours} <= self.open:
            return "SLOT_NOT_FOUND"
        free = self.day.is_free(hours) and not self.off & {*hours}
        return "" if free else "BOOKING_CONFLICT"

    def _instead(self) -> dict:
        free = sorted(self.open - self.off - self.day.taken.keys())[:3]
        some = [[[self.day.slot], 1, at(hour), at(hour + 1), "doctor"] for hour in free]
        return {"alternatives": some}

    def rows(self) -> Iterator[tuple[str, tuple]]:
        yield from self.day.rows()
        for hour in self.off - self.day.taken.keys():
            block = (f"block {hour}", self.token, range(hour, hour + 1), ["confirmed"], "block")
            yield from self.day.row(*block)


def _some_hours(dice: random.Random) -> range:
    first = dice.randrange(OPENS, CLOSES)
    return range(first, min(first + dice.randint(1, 2), CLOSES))
