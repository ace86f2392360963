"""Those who ask for a service and leave open who does it, and the vendor, who changes who does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import gevent

from chaos.attackers import Attacker, of
from chaos.attackers.customers import insist
from chaos.attackers.parts import Dayworker
from chaos.history import Asked
from chaos.stage import SERVICE

DOORS = ("http", "sql")
HOLD_SECONDS = 1.0
# Minutes off the step: what a vendor's key may book, and the public may not.
ASIDE = 5
WINDOW = timedelta(hours=4)
GONE = {"cancelled", "expired", "declined"}


class Asker(Attacker):
    """Whoever wants a service, as the stage describes it."""

    abstract = True

    def some_service(self) -> tuple[str, dict[str, Any]]:
        """A service's id, and what the stage says of it."""
        services = self.this_run.stage.services
        service_id = self.dice.choice(sorted(services))
        return service_id, services[service_id]

    def start_of(self, service: dict[str, Any]) -> datetime:
        """A time on the service's grid that all who do it are open for; more often an early one."""
        opens, closes = (datetime.fromisoformat(service[name]) for name in ("opens", "closes"))
        before, length, after = (
            timedelta(minutes=service[name]) for name in ("before", "duration", "after")
        )
        step = timedelta(minutes=service["step"])
        first = -(-before // step)
        last = (closes - after - length - opens) // step
        return opens + min(first + int(self.dice.expovariate(0.15)), last) * step

    def booking_of(
        self, service_id: str, service: dict[str, Any], start: datetime, quantity: int
    ) -> Asked:
        """What is asked for to book it, and what else the judges need to know of it."""
        return {
            "service_id": service_id,
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=service["duration"])).isoformat(),
            "before": service["before"],
            "after": service["after"],
            "quantity": quantity,
            "token": self.token(),
        }

    def quantity_of(self, service: dict[str, Any]) -> int:
        """As many as one booking may be for."""
        return self.dice.randint(1, service["quantity_max"] or 1)


class ServiceCustomer(Asker):
    """Wants a service at a start; now and then of somebody in particular, held, or with a key."""

    def act(self) -> None:
        service_id, service = self.some_service()
        start, door = self.start_of(service), self.dice.choice(DOORS)
        if door == "sql" and self.dice.random() < 0.2:
            start += timedelta(minutes=ASIDE)
            if start + timedelta(minutes=service["duration"] + service["after"]) > (
                datetime.fromisoformat(service["closes"])
            ):
                start -= timedelta(minutes=2 * ASIDE)
        asked = self.booking_of(service_id, service, start, self.quantity_of(service))
        if self.dice.random() < 0.1:
            # Of the first, who does it whatever the vendor changes.
            asked["provider_id"] = next(iter(self.dice.choice(service["needs"])))
        if door == "sql" and self.dice.random() < 0.1:
            asked["hold"] = HOLD_SECONDS
        if self.dice.random() < 0.2:
            insist(self, door, {**asked, "key": asked["token"].ljust(16, "-")})
        else:
            self.perform(door, "book", asked)


class ServiceCanceller(Attacker):
    """Gives services back; now and then wants one again, which is then with the same providers."""

    def act(self) -> None:
        booked = self.this_run.found.pick(self.dice, keep=self.dice.random() < 0.1)
        if booked is None:
            return
        done = self.perform(self.dice.choice(DOORS), "cancel", of(booked))
        if done.result != "ok" and done.answer.get("status") not in GONE:
            self.this_run.found.add(booked)
        if done.result == "ok" and self.dice.random() < 0.1:
            self.perform(self.dice.choice(DOORS), "confirm", of(booked))
            self.this_run.found.add(booked)


class TimesReader(Asker):
    """Searches when a service can be booked, and books what is shown, as it is shown."""

    def act(self) -> None:
        service_id, service = self.some_service()
        opens = datetime.fromisoformat(service["opens"])
        begin = opens + self.dice.randint(0, 1) * WINDOW
        quantity = self.quantity_of(service)
        asked = {
            "service_id": service_id,
            "from": begin.isoformat(),
            "to": (begin + WINDOW).isoformat(),
            "quantity": quantity,
        }
        if self.dice.random() < 0.2:
            asked["provider_id"] = next(iter(self.dice.choice(service["needs"])))
        seen = self.perform(self.dice.choice(DOORS), "search", asked)
        if times := seen.answer.get("times"):
            start, options = self.dice.choice(times)
            wanted = self.booking_of(service_id, service, datetime.fromisoformat(start), quantity)
            # Of those who do it whatever the vendor changes; the others may be gone by now.
            shown = {one for providers, _ in options for one in providers}
            always = [one for one in map(next, map(iter, service["needs"])) if one in shown]
            if always and self.dice.random() < 0.3:
                wanted["provider_id"] = self.dice.choice(always)
            self.perform(self.dice.choice(DOORS), "book", wanted)


class WalkIn(Dayworker):
    """Takes time of one who does services, without naming any."""

    def act(self) -> None:
        roles = self.this_run.stage.roles
        role = self.dice.choice(sorted(role for role in roles if role.startswith(SERVICE)))
        slot = self.dice.choice(roles[role])
        self.book_at([slot], self.time_in(slot, slot), min(slot.capacity, 2))


class Manager(Asker):
    """Changes who does a service, and in which order they are asked. The first always does it."""

    def act(self) -> None:
        service_id, service = self.some_service()
        needs = []
        for providers in service["needs"]:
            first, *others = providers
            some = [first, *(one for one in others if self.dice.random() < 0.6)]
            needs.append([[one, self.dice.randint(1, 2)] for one in some])
        self.perform("http", "offer", {"service_id": service_id, "needs": needs})
        gevent.sleep(self.dice.uniform(0.1, 0.4))
