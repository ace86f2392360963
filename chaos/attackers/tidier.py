"""Who gives back what everybody has forgotten, so that a long run ends as it began."""

from __future__ import annotations

from typing import Any

import gevent

from chaos.attackers import Attacker
from chaos.history import Asked
from chaos.stage import GUESTS

DOORS = ("http", "sql")
# What is found so often by its provider's list is given back: what nobody remembers, and what
# somebody does, whose turn has not come for long.
LOOKS_FORGOTTEN, LOOKS_MAX = 2, 20
# What has been completed is not cancelled before that is taken back.
OVER = {"completed", "no_show"}


class Tidier(Attacker):
    """The vendor's assistant: lists the bookings of a provider, and cancels those of nobody.

    Whoever hears no answer does not know the booking that was made; such bookings would hold one
    place after the other, until nobody gets any.
    """

    def on_start(self) -> None:
        super().on_start()
        # How often each booking was found, by provider.
        self._looks: dict[str, dict[str, int]] = {}

    def act(self) -> None:
        provider_id = self.dice.choice(self.this_run.stage.providers)
        listed = self.perform("http", "list", {"provider_id": provider_id})
        if listed.result == "ok":
            before, remembered = self._looks.get(provider_id, {}), self._remembered()
            looks: dict[str, int] = {}
            for booking_id, kind, status, slots in listed.answer["listed"]:
                if kind == "block" and provider_id in self.this_run.stage.calendars:
                    # It stands for busy time, and goes with that alone.
                    continue
                if status in OVER and provider_id in self._hosts():
                    # Their customers may be erased; then that is never taken back.
                    continue
                looks[booking_id] = before.get(booking_id, 0) + 1
                known = booking_id in remembered or status == "held"
                if looks[booking_id] >= (LOOKS_MAX if known else LOOKS_FORGOTTEN):
                    self._give_back(kind, status, {"booking_id": booking_id, "slots": slots})
            self._looks[provider_id] = looks
        gevent.sleep(self.dice.uniform(0.1, 0.3))

    def _give_back(self, kind: str, status: str, asked: Asked) -> None:
        door = self.dice.choice(DOORS)
        if status in OVER:
            self.perform(door, "confirm", asked)
        self.perform(door, "unblock" if kind == "block" else "cancel", asked)

    def _hosts(self) -> set[str]:
        """The providers of those customers who are erased."""
        roles = self.this_run.stage.roles.items()
        return {slots[0].provider_id for role, slots in roles if role.startswith(GUESTS)}

    def _remembered(self) -> set[str]:
        """The bookings and blocks that somebody may still cancel of his own accord."""
        run = self.this_run
        theirs = [one for person in run.people.things for one in person.booked]
        booked: list[Any] = [
            each.answer for each in [*run.standing.things, *run.found.things, *theirs]
        ]
        return {each["booking_id"] for each in [*booked, *run.blocks.things]}
