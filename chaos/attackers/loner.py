"""One who has a provider alone, and so is owed an answer: whatever is refused here needs a reason.

In a crowd nearly every refusal may have had one. Here nobody else comes but the vendor.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chaos.attackers import Attacker, of
from chaos.attackers.customers import TRIES_MAX
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
        return next((one, known) for one, known in calendars.items() if known["alone"])

    def _closed_and_wanted_again(self, about: Asked, calendar: dict[str, Any]) -> None:
        booked = self._book(about)
        self._except(about["provider_id"], calendar, "closed", [])
        if booked is not None and self._cancel(booked):
            again = self.perform(self.dice.choice(DOORS), "confirm", of(booked))
            if again.result != "fail":
                self._cancel(booked)
        self._except(about["provider_id"], calendar, "extra", calendar["extra"])

    def _away_and_back(self, about: Asked) -> None:
        booked = self._book(about)
        off = self._take_off(about)
        if booked is not None:
            self._cancel(booked)
        self._cancel(self._book(about))
        if off.result == "ok":
            asked = {"provider_id": about["provider_id"], "time_off": off.answer["time_off"]}
            self.perform("http", "end_off", {**asked, "taken": off.asked["token"]})
        self._cancel(self._book(about))
        day = datetime.fromisoformat(about["start"]) - FROM
        window = {"start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat()}
        asked = {"provider_id": about["provider_id"], **window, "parts": True}
        self.perform(self.dice.choice(DOORS), "read", asked)

    def _tidy(self, provider_id: str, calendar: dict[str, Any]) -> None:
        left, self._left = self._left, []
        for booked in left:
            self._cancel(booked)
        if not self._open:
            self._except(provider_id, calendar, "extra", calendar["extra"])

    def _except(
        self, provider_id: str, calendar: dict[str, Any], kind: str, hours: list[list[str]]
    ) -> None:
        asked = {"provider_id": provider_id, "exception": calendar["exception"]}
        done = self.perform("http", "exception", {**asked, "exception_kind": kind, "hours": hours})
        self._open = kind == "extra" and done.result == "ok"

    def _take_off(self, about: Asked) -> Operation:
        """With a key, so that what nobody was answered is not taken twice."""
        token = self.token()
        for _ in range(TRIES_MAX):
            asked = {**about, "token": token, "key": token.ljust(16, "-")}
            done = self.perform("http", "take_off", asked)
            if done.result != "unknown" or self.this_run.exhausted:
                break
        return done

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
