"""Those who give places back, hold them, and change their minds at the worst moment."""

from __future__ import annotations

import gevent

from chaos.attackers import Attacker, of

# Nothing is held for less than a second.
HOLD_SECONDS = (1.0, 1.1, 1.4)
DOORS = ("http", "sql")
GONE = {"cancelled", "expired", "declined"}


class Canceller(Attacker):
    """Gives places back, through either door; without this, all would be over soon."""

    def act(self) -> None:
        pool = self.this_run.holds if self.dice.random() < 0.1 else self.this_run.standing
        # Now and then two cancel the same.
        booked = pool.pick(self.dice, keep=self.dice.random() < 0.1)
        if booked is not None:
            asked = of(booked)
            done = self.perform(self.dice.choice(DOORS), "cancel", asked)
            if done.result != "ok" and done.answer.get("status") not in GONE:
                pool.add(booked)
            # Somebody wants it back: claiming again.
            if done.result == "ok" and self.dice.random() < 0.1:
                self.perform(self.dice.choice(DOORS), "confirm", asked)
                pool.add(booked)


class Squatter(Attacker):
    """Holds places for a moment, and never means to take them."""

    def act(self) -> None:
        if self.dice.random() < 0.1:
            self.perform("http", "book", self.booking(hold=True))
        else:
            self.perform("sql", "book", self.booking(hold=self.dice.choice(HOLD_SECONDS)))


class Confirmer(Attacker):
    """Holds places, and confirms just before, at, or just after the moment when the hold lapses."""

    def act(self) -> None:
        seconds = self.dice.choice(HOLD_SECONDS)
        held = self.perform("sql", "book", self.booking(hold=seconds))
        if held.result == "ok":
            early = self.dice.uniform(-0.03, 0.03) if self.dice.random() < 0.7 else seconds
            gevent.sleep(max(0.0, seconds - early))
            asked = of(held)
            done = self.perform(self.dice.choice(DOORS), "confirm", asked)
            if done.result == "ok":
                self.this_run.standing.add(held)
        else:
            gevent.sleep(self.dice.uniform(0.05, 0.2))


class Marker(Attacker):
    """Notes who came, who did not and with how many, and takes it back."""

    def act(self) -> None:
        booked = self.this_run.standing.pick(self.dice)
        if booked is None:
            return
        asked = of(booked)
        # In the end it is taken back: what is completed could never be cancelled, and in a long run
        # every place would soon be gone for good.
        for kind in (*self.dice.sample(["complete", "no_show"], 2), "confirm"):
            self.perform("sql", kind, asked)
        changed = {**asked, "guests": self.dice.randint(0, 9)}
        self.perform(self.dice.choice(DOORS), "change", changed)
        # Whoever could manage it can no more.
        self.perform("sql", "renew", asked)


class Sweeper(Attacker):
    """Tidies lapsed holds, as the worker does."""

    def act(self) -> None:
        self.perform("sql", "sweep", {})
        # Keys are kept for a day: of this run, none may go.
        self.perform("sql", "forget", {})
        gevent.sleep(self.dice.uniform(0.01, 0.1))


class Reader(Attacker):
    """Looks what is free, and books what it is shown."""

    def act(self) -> None:
        slots, quantity = self.wish()
        days = {"start": slots[0].start, "end": slots[-1].end}
        asked = {"provider_id": slots[0].provider_id, **days}
        seen = self.perform(self.dice.choice(DOORS), "read", asked)
        shown = seen.answer.get("shown", {})
        free = [slot.id for slot in slots if shown.get(slot.id, 0) >= quantity]
        if len(free) == len(slots):
            wanted = {"slots": free, "quantity": quantity, "token": self.token()}
            self.perform(self.dice.choice(DOORS), "book", wanted)
