"""Judges a history: does what the clients were told fit together, and fit what is there now?

It knows nothing but the clients' own clock. A booking surely stands from the moment its client was
told so until somebody first asks to cancel it, and may stand from the moment it was asked for until
somebody is told that it is cancelled. What surely stands must never be more than there are places;
and a refusal needs a moment, while it was asked for, at which what may stand left too few.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from chaos.history import Booking, Operation
from chaos.sweep import OCCUPYING, Finding

NO_ROOM = {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY"}
BUSY = {"INVENTORY_LOCKED", "CONCURRENCY_ABORT"}
# The laws' own refusals of rows written by hand, and a deadlock among those who write them.
BY_HAND = {"23P01", "40P01"}
SERVER_ERROR = 500

Interval = tuple[float, float, int]


def check(
    history: Sequence[Operation], bookings: Sequence[Booking], places: Mapping[str, int]
) -> list[Finding]:
    """Everything that does not fit; empty if nothing. `places`: the capacity of each slot."""
    return [
        *_unexpected_answers(history),
        *_nothing_contended(history),
        *_what_became_of_them(history, bookings),
        *_asked_for_by_nobody(history, bookings),
        *_too_many_at_the_end(bookings, places),
        *_too_many_at_some_moment(history, places),
        *_refused_for_no_reason(history, places),
    ]


def _unexpected_answers(history: Sequence[Operation]) -> Iterator[Finding]:
    for operation in history:
        if operation.status is not None and operation.status >= SERVER_ERROR:
            yield Finding("server_error", _named(operation))
        elif operation.result == "fail" and operation.code not in _refusals(operation):
            yield Finding("unexpected_answer", _named(operation))


def _refusals(operation: Operation) -> set[str]:
    if operation.kind == "cancel":
        return BUSY
    return BY_HAND if operation.door == "hand" else NO_ROOM | BUSY


def _nothing_contended(history: Sequence[Operation]) -> Iterator[Finding]:
    """A run in which nobody won, or nobody lost, has proved nothing."""
    results = Counter(operation.result for operation in history if operation.kind == "book")
    if not results["ok"] or not results["fail"]:
        won = f"{results['ok']} booked and {results['fail']} were refused"
        yield Finding("nothing_contended", f"{won}: let the run be longer")


def _what_became_of_them(
    history: Sequence[Operation], bookings: Sequence[Booking]
) -> Iterator[Finding]:
    """Compare what each client was told of its booking with the booking."""
    there = {booking.id: booking for booking in bookings}
    found = defaultdict(list)
    for booking in bookings:
        found[booking.token].append(booking)
    cancelled: dict[str | None, set[str]] = defaultdict(set)
    for operation in history:
        if operation.kind == "cancel" and operation.result != "fail":
            cancelled[operation.booking_id].add(operation.result)
    for operation in history:
        if operation.kind != "book":
            continue
        made = found[operation.token]
        if len(made) > 1:
            yield Finding("booked_twice", f"{_named(operation)}: {len(made)} bookings")
        if operation.result == "fail" and made:
            yield Finding("refused_but_there", f"{_named(operation)}: booking {made[0].id}")
        if operation.result == "ok":
            tried = cancelled[operation.booking_id]
            yield from _acknowledged(operation, there.get(operation.booking_id or ""), tried)


def _acknowledged(
    operation: Operation, booking: Booking | None, tried: set[str]
) -> Iterator[Finding]:
    """`tried`: how attempts to cancel the booking ended, failed ones left out."""
    if booking is None:
        yield Finding("acknowledged_but_lost", _named(operation))
        return
    about = f"{_named(operation)}: booking {booking.id} is {booking.status}"
    same = (booking.token, booking.slot_id, booking.quantity)
    if same != (operation.token, operation.slot_id, operation.quantity):
        yield Finding("another_than_acknowledged", about)
    if not tried and booking.status not in OCCUPYING:
        yield Finding("acknowledged_but_lost", about)
    if "ok" in tried and booking.status in OCCUPYING:
        yield Finding("cancelled_but_there", about)


def _asked_for_by_nobody(
    history: Sequence[Operation], bookings: Sequence[Booking]
) -> Iterator[Finding]:
    tokens = {operation.token for operation in history if operation.kind == "book"}
    for booking in bookings:
        if booking.token not in tokens:
            yield Finding("asked_for_by_nobody", f"booking {booking.id}")


def _too_many_at_the_end(
    bookings: Sequence[Booking], places: Mapping[str, int]
) -> Iterator[Finding]:
    taken: Counter[str] = Counter()
    for booking in bookings:
        if booking.status in OCCUPYING:
            taken[booking.slot_id] += booking.quantity
    for slot_id, capacity in places.items():
        if taken[slot_id] > capacity:
            about = f"slot {slot_id}: {taken[slot_id]} of {capacity} places are taken"
            yield Finding("place_taken_twice", about)


def _too_many_at_some_moment(
    history: Sequence[Operation], places: Mapping[str, int]
) -> Iterator[Finding]:
    for slot_id, capacity in places.items():
        standing = _standing(history, slot_id, surely=True)
        for moment, taken in _levels(standing):
            if taken > capacity:
                about = f"slot {slot_id}: {taken} of {capacity} places at {moment:.6f} s"
                yield Finding("place_given_twice", about)
                break


def _refused_for_no_reason(
    history: Sequence[Operation], places: Mapping[str, int]
) -> Iterator[Finding]:
    for slot_id, capacity in places.items():
        levels = _levels(_standing(history, slot_id, surely=False))
        for operation in history:
            if operation.slot_id != slot_id or operation.code not in NO_ROOM:
                continue
            ended = math.inf if operation.ended is None else operation.ended
            if _most_between(levels, operation.began, ended) + operation.quantity <= capacity:
                yield Finding("refused_for_no_reason", _named(operation))


def _standing(history: Sequence[Operation], slot_id: str, *, surely: bool) -> list[Interval]:
    """From when to when each booking of the slot surely stands, or else may stand; its places."""
    gone: dict[str | None, float] = {}
    for operation in history:
        if operation.kind == "cancel" and operation.result != "fail":
            at = operation.began if surely else _told(operation)
            gone[operation.booking_id] = min(at, gone.get(operation.booking_id, math.inf))
    return [
        (
            _told(operation) if surely else operation.began,
            gone.get(operation.booking_id, math.inf) if operation.booking_id else math.inf,
            operation.quantity,
        )
        for operation in history
        if operation.kind == "book"
        and operation.slot_id == slot_id
        and (operation.result == "ok" or (operation.result == "unknown" and not surely))
    ]


def _told(operation: Operation) -> float:
    """When somebody heard that it was done; never, if nobody did."""
    heard = operation.result == "ok" and operation.ended is not None
    return operation.ended or 0.0 if heard else math.inf


def _levels(intervals: Sequence[Interval]) -> list[tuple[float, int]]:
    """How many places are taken from each moment on; those who leave at a moment leave first."""
    edges = [(begin, 1, taken) for begin, end, taken in intervals if begin < end]
    edges += [(end, 0, -taken) for begin, end, taken in intervals if begin < end < math.inf]
    level, levels = 0, []
    for moment, _, change in sorted(edges):
        level += change
        levels.append((moment, level))
    return levels


def _most_between(levels: Sequence[tuple[float, int]], begin: float, end: float) -> int:
    most = 0
    for moment, level in levels:
        if moment > end:
            break
        most = level if moment <= begin else max(most, level)
    return most


def _named(operation: Operation) -> str:
    """An operation in few words."""
    answer = operation.code or "no answer"
    status = "" if operation.status is None else f" ({operation.status})"
    return (
        f"operation {operation.number} by {operation.user}, {operation.kind}"
        f" {operation.quantity} of slot {operation.slot_id}: {answer}{status}"
    )
