"""Those who want parts of long slots, slots that join, and several providers at one time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import gevent

from chaos.attackers import Attacker, of
from chaos.attackers.customers import insist
from chaos.history import Asked, Operation
from chaos.stage import Slot

DOORS = ("http", "sql")
STEP, HOUR = timedelta(minutes=30), timedelta(hours=1)
STEPS_MAX = 6
HOLD_SECONDS = 1.0


class Dayworker(Attacker):
    """Whoever deals in times of the day, which are multiples of half an hour."""

    abstract = True

    def time_in(self, first: Slot, last: Slot, steps_min: int = 1) -> dict[str, str]:
        """Some time between the start of one slot and the end of another."""
        opens, closes = (datetime.fromisoformat(text) for text in (first.start, last.end))
        room = int((closes - opens) / STEP)
        steps = min(self.dice.randint(steps_min, steps_min + STEPS_MAX - 1), room)
        start = opens + self.dice.randint(0, room - steps) * STEP
        return {"start": start.isoformat(), "end": (start + steps * STEP).isoformat()}

    def book_at(self, slots: list[Slot], time: dict[str, str], places: int) -> None:
        """Book that time of these slots; half by the provider's name where there is only one."""
        asked: Asked = {
            "slots": [slot.id for slot in slots],
            "quantity": self.dice.randint(1, places),
            "token": self.token(),
            **time,
        }
        door = self.dice.choice(DOORS)
        only_one = len({slot.provider_id for slot in slots}) == 1
        # Several contiguous slots are found by the provider; the API takes their ids as well.
        if door == "http" and time and only_one and self.dice.random() < 0.5:
            asked["provider_id"] = slots[0].provider_id
        if door == "sql" and self.dice.random() < 0.1:
            asked["hold"] = HOLD_SECONDS
        if self.dice.random() < 0.2:
            insist(self, door, {**asked, "key": asked["token"].ljust(16, "-")})
        else:
            self.perform(door, "book", asked)


class PartTaker(Dayworker):
    """Books hours of long days, and across the seam of two slots that join."""

    def act(self) -> None:
        roles = self.this_run.stage.roles
        if self.dice.random() < 0.3:
            first, last = roles["joined"]
            # Five hours of eight: not within one of the two, which have four.
            time = self.time_in(first, last, steps_min=9)
            self.book_at([first, last], time, min(first.capacity, last.capacity))
            return
        slot = self.dice.choice(roles["days"])
        # Now and then somebody wants all day.
        whole = self.dice.random() < 0.05
        self.book_at([slot], {} if whole else self.time_in(slot, slot), slot.capacity)


class JointTaker(Dayworker):
    """Wants therapist and room at one time, and names them in either order."""

    def act(self) -> None:
        roles = self.this_run.stage.roles
        day = self.dice.randrange(len(roles["therapist"]))
        therapist, room = roles["therapist"][day], roles["room"][day]
        both = [therapist, room] if self.dice.random() < 0.5 else [room, therapist]
        time = {} if self.dice.random() < 0.1 else self.time_in(therapist, room)
        # Others want only one of them.
        self.book_at(both if self.dice.random() < 0.8 else both[:1], time, 1)


class PartReader(Dayworker):
    """Looks which parts are free, and takes what it is shown."""

    def act(self) -> None:
        roles = self.this_run.stage.roles
        slot = self.dice.choice([*roles["days"], *roles["therapist"], *roles["room"]])
        asked = {"provider_id": slot.provider_id, "start": slot.start, "end": slot.end}
        seen = self.perform(self.dice.choice(DOORS), "read", {**asked, "parts": True})
        shown: dict[str, Any] = seen.answer.get("parts", {}).get(slot.id, {})
        if shown.get("free"):
            start, end, places = self.dice.choice(shown["free"])
            self.book_at([slot], {"start": start, "end": end}, places)


class PartBlocker(Dayworker):
    """The vendor, who closes for an hour or two, and opens again."""

    def act(self) -> None:
        block = self.this_run.blocks.pick(self.dice, keep=False)
        if block is not None and self.dice.random() < 0.5:
            self.perform(self.dice.choice(DOORS), "unblock", block)
        else:
            slot = self.dice.choice(self.this_run.stage.roles["days"])
            time = self.time_in(slot, slot)
            about = {"provider_id": slot.provider_id, "slots": [slot.id], "token": self.token()}
            done = self.perform(self.dice.choice(DOORS), "block", {**about, **time})
            if done.result == "ok":
                block = {"booking_id": done.answer["booking_id"], "slots": [slot.id], **time}
                self.this_run.blocks.add(block)
        gevent.sleep(self.dice.uniform(0.01, 0.05))


class Dealer(Dayworker):
    """Has a slot of two places alone: one is taken at first, the other later, and then it wants one
    all day. There is one by head-count; somebody has to make way.
    """

    def perform(self, door: str, kind: str, asked: Asked) -> Operation:
        """What it books is nobody else's to cancel."""
        return self.this_run.perform(self.name, self.door(door), kind, asked)

    def act(self) -> None:
        (slot,) = self.this_run.stage.roles["dealt"]
        opens = datetime.fromisoformat(slot.start)
        hours = [(opens + n * HOUR).isoformat() for n in range(4)]
        first, later = ({"start": hours[n], "end": hours[n + 1]} for n in (0, 2))
        mine = [self._book(slot, first), self._book(slot, first)]
        self._cancel(mine.pop(0))
        mine += [self._book(slot, later), self._book(slot, {})]
        for booked in mine:
            self._cancel(booked)

    def _book(self, slot: Slot, time: dict[str, str]) -> Operation:
        token = self.token()
        asked = {"slots": [slot.id], "quantity": 1, "token": token, **time}
        return insist(self, self.dice.choice(DOORS), {**asked, "key": token.ljust(16, "-")})

    def _cancel(self, booked: Operation) -> None:
        if booked.result == "ok":
            self.perform(self.dice.choice(DOORS), "cancel", of(booked))
