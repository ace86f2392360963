"""One who has a provider alone, and so is owed an answer: whatever is refused here needs a reason.

In a crowd nearly every refusal may have had one. Here nobody else comes but the vendor.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chaos.attackers import Attacker, of
from chaos.attackers.customers import insist
from chaos.history import Asked, Operation

DOORS = ("http", "sql")
FROM, UNTIL = timedelta(hours=10), timedelta(hours=12)


class Loner(Attacker):
    """Takes a time, which the vendor closes; gives it back, and wants it again; the vendor takes
    time off instead, gives it back, and it is taken once more.
    """

    def on_start(self) -> None:
        super().on_start()
        # What may still be there of an act that something broke off.
        self._left: list[Operation] = []
        self._open = False
        # Time off of which nobody knows whether it was taken, or given back.
        self._away: Asked | None = None

    def act(self) -> None:
        provider_id, calendar = self._mine()
        self._tidy(provider_id, calendar)
        midnight = datetime.fromisoformat(calendar["days"][0])
        time = {"start": (midnight + FROM).isoformat(), "end": (midnight + UNTIL).isoformat()}
        about = {"provider_id": provider_id, **time}
        self._closed_and_wanted_again(about, calendar)
        self._away_and_back(about)

    def perform(self, door: str, kind: str, asked: Asked) -> Operation:
        """What it books is nobody else's to cancel."""
        return self.this_run.perform(self.name, self.door(door), kind, asked)

    def _mine(self) -> tuple[str, dict[str, Any]]:
        calendars = self.this_run.stage.calendars
        return next((one, known) for one, known in calendars.items() if known.get("alone"))

    def _closed_and_wanted_again(self, about: Asked, calendar: dict[str, Any]) -> None:
        booked = self._book(about)
        self._except(about["provider_id"], calendar, "closed", [])
        if booked is not None and self._cancel(booked):
            again = self.perform(self.dice.choice(DOORS), "confirm", of(booked))
            if again.result != "fail":
                self._cancel(booked)
            # Nor anybody else.
            self._cancel(self._book(about))
        self._except(about["provider_id"], calendar, "extra", calendar["extra"])

    def _away_and_back(self, about: Asked) -> None:
        booked = self._book(about)
        token = self.token()
        # With a key, so that what nobody was answered is not taken twice.
        self._away = {**about, "token": token, "key": token.ljust(16, "-")}
        taken = insist(self, "http", self._away, kind="take_off")
        self._cancel(booked)
        self._cancel(self._book(about))
        self._come_back(taken)
        self._cancel(self._book(about))
        day = datetime.fromisoformat(about["start"]) - FROM
        window = {"start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat()}
        asked = {"provider_id": about["provider_id"], **window, "parts": True}
        self.perform(self.dice.choice(DOORS), "read", asked)

    def _tidy(self, provider_id: str, calendar: dict[str, Any]) -> None:
        left, self._left = self._left, []
        for booked in left:
            self._cancel(booked)
        if self._away is not None:
            self._come_back(insist(self, "http", self._away, kind="take_off"))
        if not self._open:
            self._except(provider_id, calendar, "extra", calendar["extra"])

    def _except(
        self, provider_id: str, calendar: dict[str, Any], kind: str, hours: list[list[str]]
    ) -> None:
        asked = {"provider_id": provider_id, "exception": calendar["exception"]}
        done = self.perform("http", "exception", {**asked, "exception_kind": kind, "hours": hours})
        self._open = kind == "extra" and done.result == "ok"

    def _come_back(self, taken: Operation) -> None:
        if taken.result == "ok":
            provider_id, token = taken.asked["provider_id"], taken.asked["token"]
            asked = {"provider_id": provider_id, "time_off": taken.answer["time_off"]}
            ended = self.perform("http", "end_off", {**asked, "taken": token})
            taken = ended
        if taken.result == "ok":
            self._away = None

    def _book(self, about: Asked) -> Operation | None:
        asked = {**about, "quantity": 1, "token": self.token()}
        done = self.perform(self.dice.choice(DOORS), "book", asked)
        return done if done.result == "ok" else None

    def _cancel(self, booked: Operation | None) -> bool:
        """Whether it surely is; otherwise that is tried again later."""
        if booked is None:
            return False
        done = self.perform(self.dice.choice(DOORS), "cancel", of(booked))
        if done.result != "ok":
            self._left.append(booked)
        return done.result == "ok"
