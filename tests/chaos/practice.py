"""Anna's practice: one place, on the first two days of the epoch, from nine to five."""

from __future__ import annotations

from chaos.checkers.all import CHECKERS
from chaos.checkers.calendars import CALENDARS
from tests.chaos.story import HOUR, Story, There

# All but those that want a run of some length.
ALL = (*CALENDARS, *(one for one in CHECKERS if one.name != "places_were_contended"))
ANNA = {
    "schedule": "week",
    "exception": "day",
    "time_off": "off",
    "location": "here",
    "days": ["1970-01-01T00:00:00+00:00", "1970-01-02T00:00:00+00:00"],
    "hours": [["09:00", "17:00"]],
    "extra": [],
    "by_sql": False,
}
MORNING, AFTERNOON = [["09:00", "12:00"]], [["13:00", "17:00"]]


def at(hour):
    day, hour = divmod(hour, 24)
    return f"1970-01-{1 + int(day):02}T{int(hour):02}:{int(hour % 1 * 60):02}:00+00:00"


class Practice(Story):
    """Anna's slots are as one, for two days: of which slots time is made is nobody's business."""

    def __init__(self, places=1, **more):
        super().__init__(slot=places)
        self.header["calendars"] = {"provider": {**ANNA, "capacity": places, **more}}
        # What schedules publish is not known to the run.
        self.capacities = {}
        self.slots["slot"][1:3] = [0, 48 * HOUR]

    def gets(self, start, end, *when, quantity=1, units="{[1,2)}", heard=True):
        """Somebody booked that time, and has it."""
        number = len(self.operations) + 1
        token, booking_id = f"token {number}", f"booking {number}"
        answer = {"booking_id": booking_id, "quantity": quantity}
        told = ("ok", "CONFIRMED") if heard else ("unknown", "RemoteDisconnected")
        asked = self.wish(start, end, quantity)
        self.tells("book", when, *told, answer=answer if heard else {}, **asked)
        there = There(booking_id, token, ["slot"], quantity, "confirmed", units)
        there.part = (int(start * HOUR), int(end * HOUR))
        there.begins()
        self.there[booking_id] = there
        return booking_id

    def is_refused(self, start, end, *when, code="BOOKING_CONFLICT", quantity=1, **more):
        self.tells("book", when, "fail", code, **self.wish(start, end, quantity), **more)

    def wish(self, start, end, quantity):
        token = f"token {len(self.operations) + 1}"
        time = {"provider_id": "provider", "start": at(start), "end": at(end)}
        return {**time, "quantity": quantity, "token": token}

    def sets(self, kind, *when, result="ok", **asked):
        code = {"ok": "SET", "unknown": "HUNG_UP", "fail": "INVENTORY_LOCKED"}[result]
        self.tells(kind, when, result, code, provider_id="provider", **asked)

    def opens(self, hours, *when, **more):
        self.sets("hours", *when, schedule="week", hours=hours, **more)

    def excepts(self, kind, hours, *when, **more):
        self.sets("exception", *when, exception="day", exception_kind=kind, hours=hours, **more)

    def is_off(self, start, end, *when, **more):
        time = {"start": at(start), "end": at(end)}
        self.sets("time_off", *when, time_off="off", token=self.mark(), **time, **more)

    def imports(self, busy, *when, name="private", **more):
        events = [[at(start), at(end), days] for start, end, days in busy]
        self.sets("calendar", *when, calendar=name, busy=events, token=self.mark(), **more)

    def mark(self):
        return f"token {len(self.operations) + 1}"

    def is_blocked(self, start, end, token, units="{[1,2)}", quantity=1):
        """A block of this busy time is there in the end."""
        number = f"block {len(self.there) + 1}"
        there = There(number, token, ["slot"], quantity, "confirmed", units, kind="block")
        there.part = (int(start * HOUR), int(end * HOUR))
        there.events.append((1, "confirmed", {}))
        self.there[number] = there

    def shows(self, free, *when, places=1, day=0):
        """Somebody looked at a day: what is free from hour to hour."""
        asked = {"provider_id": "provider", "start": at(24 * day), "end": at(24 * day + 24)}
        stretches = [[at(start), at(end), places] for start, end in free]
        part = {"start": at(24 * day), "end": at(24 * day + 23), "free": stretches}
        answer = {"shown": {"slot": 0}, "parts": {"slot": part}}
        self.tells("read", when, code="SHOWN", answer=answer, **asked, parts=True)

    def wants_again(self, booking_id, *when, result="ok", code="CONFIRMED", offered=()):
        """Somebody who has cancelled asks for the same time once more."""
        there = self.there[booking_id]
        first = next(o for o in self.operations if o.answer.get("booking_id") == booking_id)
        time = {name: first.asked[name] for name in ("start", "end")}
        asked = {"booking_id": booking_id, "slots": [], "quantity": there.quantity, **time}
        answer = {"alternatives": list(offered)} if offered else {}
        self.tells("confirm", when, result, code, answer=answer, **asked)
        if result == "ok":
            there.moves("confirmed")


def all_findings(story):
    return {checker.name: found for checker in ALL if (found := story.findings(checker))}
