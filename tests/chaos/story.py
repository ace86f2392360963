"""Histories told by hand: who asked when, what was answered, and what is there in the end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count

from chaos.checkers import Checker, judge
from chaos.evidence import Evidence
from chaos.history import Operation, Outcome

HOUR = 3_600_000_000
FREE = {"cancelled", "expired", "declined"}


@dataclass
class There:
    """A booking as it stands at the end; change what shall be wrong."""

    id: str
    token: str | None
    slots: list[str]
    quantity: int
    status: str
    units: str
    kind: str = "appointment"
    claim_count: int = 1
    version: int = 1
    events: list[tuple[int, str, dict]] = field(default_factory=list)
    # Slots of its claims, in order; None: one for each of its slots while it occupies.
    claims: list[str] | None = None
    # From when to when, where it has only a part of its slots: microseconds.
    part: tuple[int, int] | None = None
    guests: int | None = None

    def begins(self) -> None:
        now = {"status": self.status, "quantity": self.quantity, "slot_ids": self.slots}
        told = {name: {"from": None, "to": value} for name, value in now.items()}
        self.events.append((1, self.status, told))

    def moves(self, status: str) -> None:
        self.version += 1
        change = {"status": {"from": self.status, "to": status}}
        self.events.append((self.version, status, change))
        self.status = status


class Story:
    """A run on slots of these capacities, next to each other. Nothing is wrong until told so."""

    def __init__(self, **capacities: int):
        self.capacities = capacities or {"slot": 1}
        self.operations: list[Operation] = []
        self.there: dict[str, There] = {}
        self.faults: list[tuple] = []
        self.keys: list[tuple[str, str]] = []
        self.slots = {
            name: ["provider", number * HOUR, (number + 1) * HOUR, capacity]
            for number, (name, capacity) in enumerate(self.capacities.items())
        }
        # As they are published; `slots` is what is there in the end.
        self.slots_at_first = {name: list(slot) for name, slot in self.slots.items()}
        self.extra_claims: list[tuple] = []
        self.extra_events: list[tuple] = []
        # Of tables that most stories know nothing of.
        self.extra_rows: dict[str, list[tuple]] = {}
        self._numbers = count(1)
        self.header: dict = {"seed": 1}

    def tells(
        self, kind, at, result="ok", code="", *, door="http", status=None, answer=(), **asked
    ):
        """One operation, from at[0] to at[1]."""
        number = next(self._numbers)
        operation = Operation(number, f"user {number}", door, kind, asked, at[0])
        if at[1] is not None:
            operation.end(at[1], Outcome(result, code, status, dict(answer)))
        self.operations.append(operation)
        return operation

    def books(self, *at, slots=("slot",), quantity=1, units="{[1,2)}", hold=None, key=None, **how):
        """Somebody booked, was told so (unless `heard` is false), and the booking is there."""
        heard = how.pop("heard", True)
        status = "held" if hold else "confirmed"
        number = len(self.operations) + 1
        token, booking_id = f"token {number}", f"booking {number}"
        asked = {"slots": list(slots), "quantity": quantity, "token": token}
        asked |= ({"key": key} if key else {}) | ({"hold": hold} if hold else {})
        answer = {"booking_id": booking_id, "quantity": quantity} if heard else {}
        result = ("ok", status.upper()) if heard else ("unknown", "RemoteDisconnected")
        self.tells("book", at, *result, answer=answer, **asked, **how)
        there = There(booking_id, token, list(slots), quantity, status, units)
        there.claim_count = len(slots)
        there.begins()
        self.there[booking_id] = there
        if key:
            self.keys.append((key, booking_id))
        return booking_id

    def again(self, booking_id, *at, key, door="http"):
        """The same request once more, replayed."""
        first = next(o for o in self.operations if o.answer.get("booking_id") == booking_id)
        answer = {"booking_id": booking_id, "quantity": 1, "replayed": True}
        asked = {**first.asked, "key": key}
        self.tells("book", at, "ok", "CONFIRMED", answer=answer, door=door, **asked)

    def refused(self, *at, code="BOOKING_CONFLICT", slots=("slot",), quantity=1, **how):
        """Somebody was refused."""
        token = f"token {len(self.operations) + 1}"
        wish = {"slots": list(slots), "quantity": quantity, "token": token}
        return self.tells("book", at, "fail", code, **{**wish, **how})

    def moves(self, kind, booking_id, *at, result="ok", code="", to=None, **how):
        """Somebody cancelled, confirmed, …; the booking has moved if `to` says where."""
        there = self.there[booking_id]
        asked = {"booking_id": booking_id, "slots": there.slots, "quantity": there.quantity}
        self.tells(kind, at, result, code, **asked, **how)
        if to:
            there.moves(to)

    def cancelled(self, booking_id, *at):
        self.moves("cancel", booking_id, *at, code="CANCELLED", to="cancelled")

    def evidence(self) -> Evidence:
        found = Evidence(":memory:")
        places = [
            (name, self.slots_at_first[name][0], places, *self.slots_at_first[name][1:3])
            for name, places in self.capacities.items()
        ]
        rows = {
            "stage": places,
            "faults": self.faults,
            "slots": [(name, *slot) for name, slot in self.slots.items()],
            "bookings": [self._booking(there) for there in self.there.values()],
            "claims": [
                *(claim for there in self.there.values() for claim in self._claims(there)),
                *self.extra_claims,
            ],
            "events": [
                *((t.id, n, k, json.dumps(c)) for t in self.there.values() for n, k, c in t.events),
                *self.extra_events,
            ],
            "keys": self.keys,
            **self.extra_rows,
        }
        found.fill(self.header, self.operations, rows)
        return found

    def findings(self, checker: Checker) -> dict[str, int]:
        """How many findings of each kind the checker has."""
        evidence = self.evidence()
        try:
            (verdict,) = judge(evidence, [checker])
        finally:
            evidence.close()
        assert (verdict.status == "FAIL") == bool(verdict.count)
        assert sum(verdict.kinds.values()) == verdict.count
        return verdict.kinds

    def _booking(self, t):
        slots = json.dumps(t.slots)
        shape = (t.quantity, t.claim_count, t.version)
        return (t.id, t.kind, t.status, *shape, t.token, slots, "provider", t.guests)

    def _claims(self, t):
        slots = t.claims if t.claims is not None else [] if t.status in FREE else t.slots
        for ordinal, slot in enumerate(slots, 1):
            provider, starts, ends, _ = self.slots.get(slot, ["provider", 0, HOUR, 1])
            if t.part is not None:
                starts, ends = max(starts, t.part[0]), min(ends, t.part[1])
            yield (t.id, ordinal, slot, provider, starts, ends, t.units)
