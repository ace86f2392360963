"""What every client did and heard: each operation is invoked, and ends ok, fail or unknown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TextIO

Result = Literal["ok", "fail", "unknown"]
Kind = Literal["book", "cancel"]


@dataclass(slots=True)
class Operation:
    """One thing asked for, from `began` to `ended`, in seconds of this process's steady clock.

    `unknown`: no answer, or one that does not say whether it was done; an operation is that until
    it is told otherwise. `token`: what the booking carries in its metadata, so that it can be found
    by who asked for it. `booking_id`: what a cancellation is about, or what a booking led to.
    """

    number: int
    user: str
    door: str
    kind: Kind
    slot_id: str
    quantity: int
    began: float
    token: str = ""
    booking_id: str | None = None
    ended: float | None = None
    result: Result = "unknown"
    code: str = ""
    status: int | None = None

    def end(self, at: float, outcome: Outcome) -> None:
        """Note what came of it."""
        self.ended = at
        self.result, self.code, self.status = outcome.result, outcome.code, outcome.status
        self.booking_id = outcome.booking_id or self.booking_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a door says of an operation. `status` is HTTP's."""

    result: Result
    code: str
    booking_id: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as it stands in the database when all is over."""

    id: str
    token: str | None
    slot_id: str
    quantity: int
    status: str


def write(history: Sequence[Operation], file: TextIO) -> None:
    """One line of JSON an operation, in the order they were invoked."""
    file.writelines(json.dumps(asdict(operation)) + "\n" for operation in history)


def most_at_once(history: Sequence[Operation]) -> int:
    """The largest number of operations under way at one moment."""
    edges = [(operation.began, 1) for operation in history]
    edges += [(operation.ended, -1) for operation in history if operation.ended is not None]
    under_way = most = 0
    for _, change in sorted(edges):
        under_way += change
        most = max(most, under_way)
    return most
