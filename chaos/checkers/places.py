"""No place is given twice: told by the history, and by the rows at the end."""

from __future__ import annotations

import heapq
import json
import math
import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.levels import KNOWN, Slots
from chaos.checkers.territory import Territory
from chaos.evidence import Evidence

OCCUPYING = ("requested", "held", "confirmed", "completed", "no_show")
RUN = re.compile(r"\[(-?[0-9]+),(-?[0-9]+)\)")
CLAIMS = """
    SELECT provider_id, starts, ends, units, booking_id FROM claims
    WHERE starts IS NOT NULL ORDER BY provider_id, starts
"""
SLOTS = """
    SELECT provider_id, starts, ends, id FROM slots WHERE starts IS NOT NULL
    ORDER BY provider_id, starts
"""
MISFITS = """
    SELECT c.booking_id, c.ordinal, c.starts, c.ends, c.units, c.provider_id,
           s.id, s.starts, s.ends, s.capacity, s.provider_id
    FROM claims c LEFT JOIN slots s ON s.id = c.slot_id
"""
TAKEN = f"""
    SELECT c.slot_id, s.capacity, c.starts, c.ends, b.quantity
    FROM claims c JOIN bookings b ON b.id = c.booking_id JOIN slots s ON s.id = c.slot_id
    WHERE b.status IN {OCCUPYING!r} AND c.starts IS NOT NULL ORDER BY c.slot_id, c.starts
"""


def units_of(text: str | None) -> list[tuple[int, int]]:
    """The runs of unit numbers of a multirange as PostgreSQL writes it; none where it is broken."""
    return [(int(first), int(end)) for first, end in RUN.findall(text or "")]


def _given_twice(evidence: Evidence) -> Iterator[Finding]:
    """At no moment were more places acknowledged than there were, whatever was cancelled later."""
    slots = Slots(evidence)
    for slot_id in slots.first:
        capacity, taken = slots.capacity(slot_id), slots.surely(slot_id)
        ends = (*taken.moments[1:], math.inf)
        for moment, end, places in zip(taken.moments, ends, taken.levels, strict=False):
            # The slot may have shrunk, or gone, while all of them stood.
            if moment < end and places > capacity.lowest_most(moment, end):
                words = f"slot {slot_id}: {places} places at {moment:.6f} s or soon after"
                yield Finding("place_given_twice", words)
                break


def _taken_twice(evidence: Evidence) -> Iterator[Finding]:
    """Walk each calendar by time and keep who has which units until when."""
    for _, claims in groupby(evidence.query(CLAIMS), key=lambda row: row[0]):
        taken: Territory[int] = Territory()
        for _, starts, ends, text, booking_id in claims:
            for run in units_of(text):
                for unit, other in taken.take(run, starts, ends, booking_id):
                    about = f"unit {unit}: bookings {other} and {booking_id}"
                    yield Finding("unit_claimed_twice", about)
    for _, slots in groupby(evidence.query(SLOTS), key=lambda row: row[0]):
        for earlier, later in pairwise(slots):
            if later[1] < earlier[2]:
                yield Finding("slots_overlap", f"slots {earlier[3]} and {later[3]}")


def _beyond_capacity(evidence: Evidence) -> Iterator[Finding]:
    """Add up what bookings say they take, not the units, whenever a claim begins."""
    for (slot_id, capacity), rows in groupby(evidence.query(TAKEN), key=lambda row: row[:2]):
        until: list[tuple[int, int]] = []
        taken = most = 0
        for _, _, starts, ends, quantity in rows:
            while until and until[0][0] <= starts:
                taken -= heapq.heappop(until)[1]
            heapq.heappush(until, (ends, quantity))
            taken += quantity
            most = max(most, taken)
        if most > capacity:
            yield Finding("beyond_capacity", f"slot {slot_id}: {most} places of {capacity}")


def _misfits(evidence: Evidence) -> Iterator[Finding]:
    for row in evidence.query(MISFITS):
        yield from _misfit(*row)


def _misfit(
    booking_id: str,
    ordinal: int,
    starts: int | None,
    ends: int | None,
    text: str | None,
    *rest: Any,
) -> Iterator[Finding]:
    provider_id, slot_id, slot_starts, slot_ends, capacity, slot_provider = rest
    about = f"booking {booking_id}, claim {ordinal}"
    if slot_id is None:
        yield Finding("claim_of_no_slot", about)
        return
    if provider_id != slot_provider:
        yield Finding("claim_of_other_provider", about)
    if starts is None or ends is None:
        yield Finding("claim_without_times", about)
    elif slot_starts is not None and not slot_starts <= starts < ends <= slot_ends:
        yield Finding("claim_outside_slot", about)
    units = units_of(text)
    if not units or units[0][0] < 1 or units[-1][1] > capacity + 1:
        yield Finding("claim_of_no_such_unit", f"{about}: {text}")


def _places(evidence: Evidence) -> Iterator[Finding]:
    yield from _taken_twice(evidence)
    yield from _beyond_capacity(evidence)
    yield from _misfits(evidence)


WHOLE = """
    SELECT b.id, b.status, b.quantity, b.claim_count, c.ordinal, c.units, b.slot_ids, c.slot_id
    FROM bookings b LEFT JOIN claims c ON c.booking_id = b.id ORDER BY b.id, c.ordinal
"""
ORPHANS = """
    SELECT DISTINCT c.booking_id FROM claims c LEFT JOIN bookings b ON b.id = c.booking_id
    WHERE b.id IS NULL
"""


def _halves(evidence: Evidence) -> Iterator[Finding]:
    for booking, rows in groupby(evidence.query(WHOLE), key=lambda row: row[:4]):
        booking_id, status, quantity, claim_count = booking
        claims = [row for row in rows if row[4] is not None]
        ordinals = [row[4] for row in claims]
        about = f"booking {booking_id} ({status}): claims {ordinals} of {claim_count}"
        occupying = status in OCCUPYING
        if not occupying and ordinals:
            yield Finding("idle_but_claiming", about)
        if occupying and (not ordinals or ordinals != list(range(1, claim_count + 1))):
            yield Finding("half_booking", about)
        for row in claims:
            if sum(end - first for first, end in units_of(row[5])) != quantity:
                yield Finding("wrong_quantity", f"{about}: {row[5]}")
            if row[7] not in json.loads(row[6]):
                yield Finding("claim_of_another_slot", about)
    for (booking_id,) in evidence.query(ORPHANS):
        yield Finding("claim_of_no_booking", f"booking {booking_id}")


GIVEN = Checker(
    "no_place_given_twice",
    "At no moment were more places acknowledged than the slot had.",
    _given_twice,
    f"SELECT count(*) FROM sure WHERE slot_id IN ({KNOWN})",
    required=True,
)
PLACES = Checker(
    "no_unit_taken_twice",
    "No unit is claimed twice at any time, no slot beyond its capacity, no claim outside its slot.",
    _places,
    "SELECT count(*) FROM claims",
)
BOOKINGS = Checker(
    "no_half_booking",
    "What occupies has all its claims, of its quantity; what does not has none.",
    _halves,
    "SELECT count(*) FROM bookings",
    required=True,
)
