"""The independent checker: it reads the rows as they are and reckons for itself what is wrong.

It knows the words of the design and nothing of the product: none of its functions, views or
constraints. `python -m chaos.sweep DATABASE_URL` prints what it finds and exits 1 if that is
anything.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from chaos.checkers import Finding
from chaos.checkers.places import OCCUPYING
from chaos.checkers.territory import Territory

Row = dict[str, Any]
READ = {
    "slots": "SELECT vendor_id, id, provider_id, during, capacity FROM slots",
    "bookings": "SELECT vendor_id, id, status, quantity, claim_count, version FROM bookings",
    "claims": (
        "SELECT vendor_id, booking_id, ordinal, slot_id, provider_id, during, units FROM claims"
    ),
    "events": "SELECT vendor_id, booking_id, sequence, kind FROM events",
    "idempotency_keys": "SELECT vendor_id, key, booking_id FROM idempotency_keys",
}


def sweep(connection: psycopg.Connection[Any], vendor_id: UUID | None = None) -> list[Finding]:
    """Everything wrong with one vendor's data, or with all, in one snapshot; empty if nothing."""
    rows = _read(connection, vendor_id)
    bookings = {(b["vendor_id"], b["id"]): b for b in rows["bookings"]}
    slots = {(s["vendor_id"], s["id"]): s for s in rows["slots"]}
    return [
        *_overlapping_slots(rows["slots"]),
        *_double_claims(rows["claims"]),
        *_misfits(rows["claims"], slots),
        *_beyond_capacity(rows["claims"], bookings, slots),
        *_wrong_claims(rows["claims"], bookings),
        *_wrong_history(rows["events"], bookings),
        *_keys_to_nowhere(rows["idempotency_keys"], bookings),
    ]


def _read(connection: psycopg.Connection[Any], vendor_id: UUID | None) -> dict[str, list[Row]]:
    rows = {}
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table, statement in READ.items():
            where = "" if vendor_id is None else " WHERE vendor_id = %s"
            rows[table] = cursor.execute(
                f"{statement}{where}".encode(), [] if vendor_id is None else [vendor_id]
            ).fetchall()
    return rows


def _overlapping_slots(slots: list[Row]) -> Iterator[Finding]:
    calendars = defaultdict(list)
    for slot in slots:
        if not _is_span(slot["during"]):
            yield Finding("slot_without_times", f"slot {slot['id']}: {slot['during']}")
        else:
            calendars[slot["vendor_id"], slot["provider_id"]].append(slot)
    for calendar in calendars.values():
        calendar.sort(key=lambda slot: slot["during"].lower)
        for earlier, later in pairwise(calendar):
            if later["during"].lower < earlier["during"].upper:
                yield Finding("slots_overlap", f"slots {earlier['id']} and {later['id']}")


def _double_claims(claims: list[Row]) -> Iterator[Finding]:
    """Walk each calendar by time and keep who has which unit until when."""
    calendars = defaultdict(list)
    for claim in claims:
        if _is_span(claim["during"]):
            calendars[claim["vendor_id"], claim["provider_id"]].append(claim)
    for calendar in calendars.values():
        calendar.sort(key=lambda claim: claim["during"].lower)
        taken: Territory[datetime] = Territory()
        for claim in calendar:
            when = (claim["during"].lower, claim["during"].upper)
            for run in _units(claim):
                for unit, other in taken.take(run, *when, str(claim["booking_id"])):
                    about = f"unit {unit}: bookings {other} and {claim['booking_id']}"
                    yield Finding("unit_claimed_twice", about)


def _misfits(claims: list[Row], slots: dict[Any, Row]) -> Iterator[Finding]:
    for claim in claims:
        about = f"booking {claim['booking_id']}, claim {claim['ordinal']}"
        slot = slots.get((claim["vendor_id"], claim["slot_id"]))
        if not _is_span(claim["during"]):
            yield Finding("claim_without_times", about)
        if slot is None:
            yield Finding("claim_of_no_slot", about)
            continue
        if claim["provider_id"] != slot["provider_id"]:
            yield Finding("claim_of_other_provider", about)
        if _is_span(claim["during"]) and _is_span(slot["during"]) and not _inside(claim, slot):
            yield Finding("claim_outside_slot", about)
        units = _units(claim)
        if not units or units[0][0] < 1 or units[-1][1] > slot["capacity"] + 1:
            yield Finding("claim_of_no_such_unit", about)


def _beyond_capacity(
    claims: list[Row], bookings: dict[Any, Row], slots: dict[Any, Row]
) -> Iterator[Finding]:
    """Add up the places that bookings say they take, not the units, whenever a claim begins."""
    changes: dict[Any, list[tuple[datetime, int, int]]] = defaultdict(list)
    for claim in claims:
        booking = bookings.get((claim["vendor_id"], claim["booking_id"]))
        if booking and booking["status"] in OCCUPYING and _is_span(claim["during"]):
            places = booking["quantity"] or 0
            times = changes[claim["vendor_id"], claim["slot_id"]]
            # At one moment those who leave go before those who come.
            times += [(claim["during"].lower, 1, places), (claim["during"].upper, 0, -places)]
    for key, times in changes.items():
        taken = most = 0
        for _, _, places in sorted(times):
            taken += places
            most = max(most, taken)
        if key in slots and most > slots[key]["capacity"]:
            about = f"slot {key[1]}: {most} places of {slots[key]['capacity']}"
            yield Finding("beyond_capacity", about)


def _wrong_claims(claims: list[Row], bookings: dict[Any, Row]) -> Iterator[Finding]:
    found = defaultdict(list)
    for claim in claims:
        found[claim["vendor_id"], claim["booking_id"]].append(claim)
    for key in found.keys() - bookings.keys():
        yield Finding("claim_of_no_booking", f"booking {key[1]}")
    for key, booking in bookings.items():
        ordinals = sorted(claim["ordinal"] or 0 for claim in found[key])
        about = f"booking {key[1]} ({booking['status']}): claims {ordinals}"
        if booking["status"] not in OCCUPYING:
            if ordinals:
                yield Finding("idle_but_claiming", about)
        elif ordinals != list(range(1, (booking["claim_count"] or 0) + 1)):
            yield Finding("half_booking", f"{about} of {booking['claim_count']}")
        elif not ordinals:
            yield Finding("half_booking", about)
        for claim in found[key]:
            if sum(end - first for first, end in _units(claim)) != booking["quantity"]:
                yield Finding("wrong_quantity", f"{about}: {claim['units']}")


def _wrong_history(events: list[Row], bookings: dict[Any, Row]) -> Iterator[Finding]:
    history = defaultdict(list)
    for event in events:
        history[event["vendor_id"], event["booking_id"]].append((event["sequence"], event["kind"]))
    for key, booking in bookings.items():
        told = sorted(history[key])
        if [sequence for sequence, _ in told] != list(range(1, booking["version"] + 1)):
            yield Finding("history_with_gaps", f"booking {key[1]}: {told}")
        states = [kind for _, kind in told if kind != "changed"]
        if not states or states[-1] != booking["status"]:
            yield Finding("history_untrue", f"booking {key[1]} is {booking['status']}: {told}")
    for key in history.keys() - bookings.keys():
        yield Finding("history_of_nothing", f"booking {key[1]}")


def _keys_to_nowhere(keys: list[Row], bookings: dict[Any, Row]) -> Iterator[Finding]:
    for key in keys:
        if key["booking_id"] and (key["vendor_id"], key["booking_id"]) not in bookings:
            yield Finding("key_to_nowhere", f"booking {key['booking_id']}")


def _is_span(during: Any) -> bool:
    """Whether it is a half-open range of two moments, the first before the second."""
    return (
        during is not None
        and not during.isempty
        and during.lower is not None
        and during.upper is not None
        and during.lower_inc
        and not during.upper_inc
    )


def _inside(claim: Row, slot: Row) -> bool:
    begins: bool = slot["during"].lower <= claim["during"].lower
    ends: bool = claim["during"].upper <= slot["during"].upper
    return begins and ends


def _units(claim: Row) -> list[tuple[int, int]]:
    """The runs of unit numbers, in order: the first of each, and the one after the last; none where
    a bound is missing.
    """
    return [
        (run.lower, run.upper)
        for run in claim["units"] or ()
        if run.lower is not None and run.upper is not None
    ]


def main(arguments: list[str]) -> int:
    """Sweep the database at the address given; 0 when nothing is wrong with it."""
    with psycopg.connect(arguments[0], autocommit=True) as connection:
        findings = sweep(connection)
    for finding in findings:
        print(f"{finding.kind}: {finding.about}")
    print(f"{len(findings)} found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
