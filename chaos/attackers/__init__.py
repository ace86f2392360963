"""Who attacks: users of Locust with dice of their own, who ask through doors and note the answers.

An attacker decides what to ask next; it keeps nothing but what its next question needs. Whether an
answer was right is for the checkers, afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from locust import User, between, task

from chaos.doors import Door
from chaos.doors.http import HttpDoor
from chaos.doors.raw import RawDoor
from chaos.doors.sql import SqlDoor
from chaos.history import Asked, Operation
from chaos.run import Run
from chaos.stage import GUESTS, SERVICE, Slot

NIGHTS_MAX = 5
QUANTITY_MAX = 3


def of(booked: Operation) -> Asked:
    """What is asked for to change a booking that was made."""
    names = ("start", "end", "before", "after")
    known: Asked = {name: booked.asked[name] for name in names if name in booked.asked}
    return {
        "booking_id": booked.answer["booking_id"],
        # Who asked for a service was told of which slots it is; who asked for a time, of none.
        "slots": booked.asked.get("slots") or booked.answer.get("slots", []),
        "quantity": booked.asked["quantity"],
        **known,
    }


class Scene:
    """The run of this process, which users find here when they are born."""

    run: ClassVar[Run | None] = None
    # Ends the run from outside the user who noticed that enough has been done.
    end: ClassVar[Callable[[], None]] = staticmethod(lambda: None)
    born: ClassVar[dict[str, int]] = {}


class Attacker(User):
    """Somebody whom the seed and their number decide; `act` does one more thing."""

    abstract = True
    wait_time = between(0.001, 0.01)
    # Whether it needs the owner's address.
    by_hand: ClassVar[bool] = False
    this_run: Run

    def on_start(self) -> None:
        kind = type(self).__name__
        Scene.born[kind] = Scene.born.get(kind, 0) + 1
        self.name = f"{kind} {Scene.born[kind]}"
        self._doors: dict[str, Door] = {}
        if Scene.run is not None:
            self.this_run = Scene.run
            self.dice = self.this_run.dice(self.name)

    def on_stop(self) -> None:
        for door in self._doors.values():
            door.close()

    @task
    def go_on(self) -> None:
        """Do one more thing, or wait for the end when enough has been done."""
        if Scene.run is None or Scene.run.exhausted:
            Scene.end()
        else:
            self.act()

    def act(self) -> None:
        """Ask for something."""
        raise NotImplementedError

    def door(self, name: str) -> Door:
        """A way in, opened when it is first needed: http, sql, owner or role."""
        if name not in self._doors:
            self._doors[name] = self._opened(name)
        return self._doors[name]

    def perform(self, door: str, kind: str, asked: Asked) -> Operation:
        """Ask, and note what came of it; who books or blocks lets others know."""
        operation = self.this_run.perform(self.name, self.door(door), kind, asked)
        if operation.result == "ok" and kind == "book":
            run = self.this_run
            pool = run.holds if operation.code == "HELD" else run.standing
            (pool if "slots" in asked else run.found).add(operation)
        return operation

    def token(self) -> str:
        """A mark that no other request of any run has."""
        return f"{self.this_run.header['run_id']}-{self.this_run.history.invoked + 1}"

    def wish(self) -> tuple[list[Slot], int]:
        """Slots and a quantity, as the stage's roles suggest."""
        others = (SERVICE, GUESTS)
        roles = (role for role in self.this_run.stage.roles if not role.startswith(others))
        role = self.dice.choice(sorted(roles))
        slots = self.this_run.stage.roles[role]
        if role == "nights":
            first = self.dice.randrange(len(slots))
            nights = self.dice.randint(1, NIGHTS_MAX)
            return slots[first : first + nights], self.dice.randint(1, 2)
        # Of four, three want the first.
        slot = slots[0] if self.dice.random() < 0.75 else self.dice.choice(slots)
        return [slot], min(self.dice.randint(1, QUANTITY_MAX), slot.capacity)

    def booking(self, **more: Any) -> Asked:
        """What is asked for to book a wish."""
        slots, quantity = self.wish()
        return {
            "slots": [slot.id for slot in slots],
            "quantity": quantity,
            "token": self.token(),
            **more,
        }

    def _opened(self, name: str) -> Door:
        target, vendor_id = self.this_run.target, self.this_run.stage.vendor_id
        requests = self.environment.events.request
        if name == "http":
            return HttpDoor(target, requests)
        if name == "sql":
            return SqlDoor(target.database_url, vendor_id, requests)
        url = target.owner_url if name == "owner" else target.database_url
        return RawDoor(name, url, vendor_id, requests)
