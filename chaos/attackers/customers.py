"""Those who want places: over HTTP and SQL, with and without keys, honest and not."""

from __future__ import annotations

from typing import Any

from chaos.attackers import Attacker
from chaos.history import Asked, Operation

TRIES_MAX = 4


class HttpCustomer(Attacker):
    """Books as a customer; a key for half the requests, and then retries until told."""

    def act(self) -> None:
        asked = self.booking()
        if self.dice.random() < 0.5:
            self.perform("http", "book", asked)
        else:
            insist(self, "http", {**asked, "key": asked["token"].ljust(16, "-")})


class ImpatientCustomer(Attacker):
    """Hangs up before the answer comes, and asks the same again with the same key."""

    def act(self) -> None:
        asked = self.booking()
        asked["key"] = asked["token"].ljust(16, "-")
        self.perform("http", "book", {**asked, "impatient": True})
        done = insist(self, "http", asked)
        if done.result == "ok" and self.dice.random() < 0.5:
            insist(self, "http", asked)
        if done.result == "ok":
            self.this_run.keys.add(asked)


class SqlCaller(Attacker):
    """Books through claim_slot_and_create_booking itself; a key now and then."""

    def act(self) -> None:
        asked = self.booking()
        if self.dice.random() < 0.75:
            self.perform("sql", "book", asked)
            return
        asked["key"] = asked["token"].ljust(16, "-")
        if insist(self, "sql", asked).result == "ok":
            self.this_run.keys.add({**asked, "by": "sql"})


class Twins(Attacker):
    """Two who send one request with one key at the same moment, over connections of their own."""

    def act(self) -> None:
        key_of_twin: Any = self.this_run.keys.pick(self.dice)
        if key_of_twin is None or self.dice.random() < 0.5:
            asked = self.booking()
            asked["key"] = asked["token"].ljust(16, "-")
            asked["by"] = "sql" if self.dice.random() < 0.5 else "http"
            # Others find it before the answer is known.
            self.this_run.keys.add(asked)
            key_of_twin = asked
        self.perform(key_of_twin.get("by", "http"), "book", key_of_twin)


class Liar(Attacker):
    """Reuses somebody's key for another request."""

    def act(self) -> None:
        known = self.this_run.keys.pick(self.dice)
        if known is None:
            asked = self.booking()
            known = {**asked, "key": asked["token"].ljust(16, "-")}
            insist(self, "http", known)
            self.this_run.keys.add(known)
        other = self.booking()
        self.perform(known.get("by", "http"), "book", {**other, "key": known["key"]})


def insist(attacker: Attacker, door: str, asked: Asked, kind: str = "book") -> Operation:
    """Ask, and after an unknown outcome ask the same again: with its key that is always safe."""
    for _ in range(TRIES_MAX):
        operation = attacker.perform(door, kind, asked)
        if operation.result != "unknown" or attacker.this_run.exhausted:
            break
    return operation
