"""Customers who are booked for by some while others erase them."""

from __future__ import annotations

from dataclasses import dataclass, field

import gevent

from chaos.attackers import Attacker, of
from chaos.attackers.customers import insist
from chaos.history import Asked, Operation
from chaos.stage import GUESTS, Slot, phones

DOORS = ("http", "sql")
HOLD_SECONDS = 1.0
# Few at a time, so that many meet at each; and few of those who are gone.
PEOPLE_MAX = 5
# What is completed for somebody who is erased stays for good, and so has a slot of its own.
HOT, VISITS = f"{GUESTS}hot", f"{GUESTS}visits"


@dataclass(slots=True)
class Person:
    """A customer as those know them who book for them. `asked`: by which request they came."""

    customer_id: str
    asked: Asked
    booked: list[Operation] = field(default_factory=list)
    # What was given back, and could be wanted again.
    cancelled: list[Operation] = field(default_factory=list)


class Host(Attacker):
    """Whoever deals with customers by name."""

    abstract = True

    def perform(self, door: str, kind: str, asked: Asked) -> Operation:
        """What is booked for a person is for those to cancel who know them."""
        return self.this_run.perform(self.name, self.door(door), kind, asked)

    def either(self) -> str:
        """One of the two doors."""
        return self.dice.choice(DOORS)

    def somebody(self) -> Person | None:
        """One of those who are there, as far as anybody knows."""
        person: Person | None = self.this_run.people.pick(self.dice)
        return person

    def some_slot(self, person: Person) -> Slot:
        """Of few places; or, for those whose number says so, of many that are never given back."""
        roles = self.this_run.stage.roles
        role = VISITS if self.may_complete(person) and self.dice.random() < 0.5 else HOT
        return self.dice.choice(roles[role])

    def may_complete(self, person: Person) -> bool:
        """Whether this is one of the few who are erased with something completed."""
        return int(person.asked["token"].rpartition("-")[2]) % 10 == 0

    def book_for(self, person: Person, *, by_details: bool = False) -> Operation:
        """Book for a person: as the vendor, by their id, or as they would, by all their details."""
        door, slot = self.either(), self.some_slot(person)
        token = self.token()
        who = {"customer": person.asked["customer"]} if by_details else {}
        asked = {
            "slots": [slot.id],
            "quantity": 1,
            "token": token,
            # By it the booking is known when the mark has been erased.
            "key": token.ljust(16, "-"),
            **(who or {"customer_id": person.customer_id}),
        }
        if door == "sql" and self.dice.random() < 0.1:
            asked["hold"] = HOLD_SECONDS
        done = insist(self, door, asked)
        if done.result == "ok":
            self._remember(person, done)
        return done

    def give_back(self, person: Person, booked: Operation) -> Operation:
        """Cancel, and say why."""
        asked = {**self.about(person, booked), "reason": f"Sick of {self.token()}"}
        done = self.perform(self.either(), "cancel", asked)
        if done.result == "ok":
            person.cancelled = [booked, *person.cancelled[:2]]
        elif done.result == "unknown":
            person.booked.append(booked)
        return done

    def about(self, person: Person, booked: Operation) -> Asked:
        """What is asked for to change a booking of theirs."""
        return {**of(booked), "customer_id": person.customer_id}

    def _remember(self, person: Person, done: Operation) -> None:
        """Their booking; or another's, whom it has made since they were erased."""
        if done.answer.get("customer_id", person.customer_id) == person.customer_id:
            person.booked.append(done)
            return
        known: list[Person] = list(self.this_run.people.things)
        others = [one for one in known if one.customer_id == done.answer["customer_id"]]
        if others:
            others[0].booked.append(done)
        else:
            twin = Person(done.answer["customer_id"], person.asked, [done])
            self.this_run.people.add(twin)


class Regular(Host):
    """Books for those who are there, writes about them, gives back and wants it again."""

    def act(self) -> None:
        person = self.somebody()
        if person is None:
            gevent.sleep(0.05)
            return
        what = self.dice.random()
        if what < 0.5 or not person.booked:
            self.book_for(person, by_details=self.dice.random() < 0.3)
        elif what < 0.6:
            booked = self.dice.choice(person.booked)
            written = {**self.about(person, booked), "notes": f"Moved to {self.token()}"}
            self.perform(self.either(), "change", written)
        elif what < 0.7:
            self.perform("http", "meet", {"customer_id": person.customer_id})
        else:
            booked = person.booked.pop(0)
            done = self.give_back(person, booked)
            if done.result == "ok" and self.dice.random() < 0.4:
                again = self.perform(self.either(), "confirm", self.about(person, booked))
                if again.result != "fail":
                    person.booked.append(booked)


class Eraser(Host):
    """Makes customers, books for them, gives all of it back and erases them; then asks for them."""

    def act(self) -> None:
        people = self.this_run.people.things
        if len(people) < PEOPLE_MAX:
            person = self._welcome()
            if person is None:
                gevent.sleep(self.dice.uniform(0.05, 0.2))
                return
            self.book_for(person)
        else:
            person = people[self.dice.randrange(len(people))]
        if person.booked and self.dice.random() < 0.3:
            # Too early.
            self.perform(self.either(), "erase", {"customer_id": person.customer_id})
        for booked in [person.booked.pop(0) for _ in range(len(person.booked))]:
            self._settle(person, booked)
        done = insist(self, self.either(), {"customer_id": person.customer_id}, kind="erase")
        if done.result == "ok":
            if person in people:
                people.remove(person)
            self._miss(person)
        elif done.code == "CUSTOMER_IN_USE":
            # Those that nobody was told of as well.
            slots = [slot.id for slot in self.this_run.stage.roles[HOT]]
            for booking_id in done.answer["bookings"]:
                asked = {"booking_id": booking_id, "slots": slots}
                self.perform(self.either(), "cancel", asked)

    def _welcome(self) -> Person | None:
        run, token = self.this_run, self.token()
        details = {
            "name": f"Guest {token}",
            "email": f"{token}@example.org",
            "phone": f"{phones(run.header['run_id'])}{run.history.invoked:07}",
        }
        asked = {"customer": details, "token": token, "key": token.ljust(16, "-")}
        made = insist(self, "http", asked, kind="register")
        if made.result != "ok":
            return None
        person = Person(made.answer["customer_id"], asked)
        run.people.add(person)
        return person

    def _settle(self, person: Person, booked: Operation) -> None:
        """It is over, or called off."""
        visits = {slot.id for slot in self.this_run.stage.roles[VISITS]}
        if self.may_complete(person) and booked.asked["slots"][0] in visits:
            self.perform("sql", "complete", self.about(person, booked))
        else:
            self.give_back(person, booked)

    def _miss(self, person: Person) -> None:
        """Nobody is there any more, whoever asks and however often."""
        self.book_for(person, by_details=self.dice.random() < 0.3)
        for booked in person.cancelled[:1]:
            self.perform(self.either(), "confirm", self.about(person, booked))
            insist(self, booked.door, booked.asked)
        insist(self, "http", person.asked, kind="register")
        self.perform("http", "meet", {"customer_id": person.customer_id})
        if self.dice.random() < 0.3:
            self.perform(self.either(), "erase", {"customer_id": person.customer_id})
