"""One run of an attack: who may still ask for something, what stands, and the verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from chaos.checker import check
from chaos.doors import Door
from chaos.history import Booking, Kind, Operation
from chaos.sweep import Finding, sweep
from chaos.target import Stage, Target

BOOKINGS = """
    SELECT id::text, metadata ->> 'chaos' AS token, slot_ids[1]::text AS slot_id, quantity, status
    FROM bookings WHERE vendor_id = %s AND slot_ids && %s::uuid[]
"""


@dataclass(slots=True)
class Attack:
    """The state that all users of a run share. Greenlets take turns, so nothing needs a lock.

    `iterations`: how many operations all users together may ask for.
    """

    target: Target
    stage: Stage
    run_id: str
    iterations: int
    history: list[Operation] = field(default_factory=list)
    # Bookings that nobody has tried to cancel yet.
    standing: list[Operation] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    @property
    def exhausted(self) -> bool:
        """Whether nobody may ask for anything any more."""
        return len(self.history) >= self.iterations

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def book(self, user: str, door: Door, slot_id: str, quantity: int) -> None:
        """Ask for places of a slot, and note what came of it."""
        operation = self._invoke(user, door, "book", slot_id, quantity)
        operation.token = f"{self.run_id}-{operation.number}"
        outcome = door.book(slot_id, quantity, operation.token)
        operation.end(self.now(), outcome)
        if outcome.result == "ok":
            self.standing.append(operation)

    def cancel(self, user: str, door: Door, booked: Operation) -> None:
        """Give back what a booking has taken, and note what came of it."""
        booking_id = booked.booking_id or ""
        operation = self._invoke(user, door, "cancel", booked.slot_id, booked.quantity)
        operation.booking_id = booking_id
        outcome = door.cancel(booking_id)
        operation.end(self.now(), outcome)

    def judge(self) -> list[Finding]:
        """Everything that must never be, told by the data alone and by the history.

        Raises psycopg.Error when the database cannot be read.
        """
        with psycopg.connect(self.target.database_url, autocommit=True) as connection:
            with connection.cursor(row_factory=class_row(Booking)) as cursor:
                slots = list(self.stage.places)
                bookings = cursor.execute(BOOKINGS, [self.stage.vendor_id, slots]).fetchall()
            found = sweep(connection, UUID(self.stage.vendor_id))
        return [*found, *check(self.history, bookings, self.stage.places)]

    def _invoke(self, user: str, door: Door, kind: Kind, slot_id: str, quantity: int) -> Operation:
        number = len(self.history) + 1
        operation = Operation(number, user, door.name, kind, slot_id, quantity, self.now())
        self.history.append(operation)
        return operation
