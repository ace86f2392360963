"""Those who write rows by hand: the tables' owner, lawfully or not, and the role that may not."""

from __future__ import annotations

from typing import Any

from locust import between

from chaos.attackers import Attacker, of
from chaos.doors.trespasses import OWNERS, ROLES, Trespass
from chaos.history import Asked

# After each claim. And seldom, since whoever wants the same place waits meanwhile, all of it takes
# long: longer than an honest client ever would, though less than others wait for a lock.
LINGER_SECONDS = (0.0, 0.0, 0.002, 0.02)
LONG_SECONDS, LONG_SHARE = (0.2, 2.0), 0.02


class RawWriter(Attacker):
    """Inserts and cancels whole bookings by hand: any unit, any order, some long, some undone."""

    by_hand = True
    # Two of them on one unit deadlock for a second, and everybody behind them waits: now and then.
    wait_time = between(0.005, 0.05)

    def act(self) -> None:
        long = self.dice.uniform(*LONG_SECONDS) if self.dice.random() < LONG_SHARE else 0.0
        how: Asked = {
            "linger": long or self.dice.choice(LINGER_SECONDS),
            "rollback": self.dice.random() < 0.2,
            "backwards": self.dice.random() < 0.7,
        }
        booked: Any = self.this_run.standing.pick(self.dice)
        if booked is not None and self.dice.random() < 0.3:
            asked = of(booked)
            self.perform("owner", "cancel", {**asked, **how})
            return
        slots, _ = self.wish()
        # The plan's capacity; who has resized the slot meanwhile sees a unit out of range refused.
        units = [self.dice.randint(1, slot.capacity) for slot in slots]
        if long:
            how["linger"] = long / len(slots)
        asked = {"slots": [slot.id for slot in slots], "quantity": 1, "units": units}
        self.perform("owner", "book", {**asked, "token": self.token(), **how})


class Trespasser(Attacker):
    """The owner of the tables, who tries everything that the laws forbid."""

    by_hand = True
    door_name = "owner"
    trespasses: tuple[Trespass, ...] = tuple(OWNERS)

    def act(self) -> None:
        booked: Any = self.this_run.standing.pick(self.dice)
        if booked is None:
            return
        weights = [trespass.weight for trespass in self.trespasses]
        (trespass,) = self.dice.choices(self.trespasses, weights)
        asked = {
            "trespass": trespass.name,
            "slot_id": booked.asked["slots"][0],
            "slots": booked.asked["slots"][:1],
            "booking_id": booked.answer["booking_id"],
            "token": self.token(),
        }
        self.perform(self.door_name, "trespass", asked)


class RoleTrespasser(Trespasser):
    """The application's role, which may write nothing by hand."""

    by_hand = False
    door_name = "role"
    trespasses = tuple(ROLES)
