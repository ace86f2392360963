"""Imported bookings: claimed like any other, and brought to their status by the functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from flask import json
from psycopg.types.json import Jsonb
from sqlalchemy import text

from app import db
from app.errors import Refusal
from app.errors.refusals import refusal
from app.transfer.context import ACTOR, Context

HOLD_MAX = timedelta(days=7)
_HULL = text("""
    SELECT array_agg(s.id ORDER BY lower(s.during)) AS ids, min(lower(s.during)) AS start,
           max(upper(s.during)) AS end
    FROM slots s WHERE s.vendor_id = :vendor_id AND s.id = ANY (:ids)
""")
_CLAIM = "claim_slot_and_create_booking"
_DONE = {"CONFIRMED", "CANCELLED", "COMPLETED", "NO_SHOW"}


@dataclass(slots=True)
class Claim:
    """The time shown, the buffers around it, and what goes with it. `until`: a hold's end."""

    start: datetime
    end: datetime
    quantity: int
    details: dict[str, Any]
    until: datetime | None
    before: timedelta = timedelta()
    after: timedelta = timedelta()


@dataclass(slots=True)
class Asked:
    """A claim, of whom and for whom; `held`: as a hold."""

    claim: Claim
    provider_ids: list[UUID]
    service_id: UUID | None
    customer_id: UUID | None
    held: bool


@dataclass(slots=True)
class Reached:
    """A booking that has been claimed, and the row whose status it is to have."""

    booking_id: UUID
    start: datetime
    values: dict[str, Any]


def claim_all(
    context: Context, many: Sequence[Asked], meanwhile: Callable[[], None] = lambda: None
) -> list[db.Row]:
    """What claim_slot_and_create_booking answers to each, one after the other, for all slots of the
    providers in the time. `meanwhile` is done while the database is at work.

    Slots with gaps between them are claimed whole, if they begin and end with the booking.
    """
    slots = _covering(context, many)
    calls = [
        (_CLAIM, _arguments(context, one, ids) | _times(one.claim))
        for one, ids in zip(many, slots, strict=True)
    ]
    rows = db.call_each(calls, within=context.session, meanwhile=meanwhile)
    for i, row in enumerate(rows):
        if row.outcome == "VALIDATION_ERROR" and row.facts.get("reason") == "gap":
            rows[i] = _whole(context, many[i], slots[i]) or row
    return rows


def _covering(context: Context, many: Sequence[Asked]) -> list[list[UUID]]:
    """The slots that each is about."""
    calls = [
        (
            "slots_covering",
            {
                "p_vendor_id": context.vendor_id,
                "p_provider_id": provider_id,
                "p_start": one.claim.start - one.claim.before,
                "p_end": one.claim.end + one.claim.after,
            },
        )
        for one in many
        for provider_id in one.provider_ids
    ]
    found = iter(db.call_each(calls, within=context.session))
    return [[i for row in islice(found, len(one.provider_ids)) for i in row[0]] for one in many]


def _arguments(context: Context, one: Asked, slot_ids: list[UUID]) -> dict[str, Any]:
    return {
        "p_vendor_id": context.vendor_id,
        "p_slot_ids": slot_ids,
        "p_quantity": one.claim.quantity,
        "p_customer_id": one.customer_id,
        "p_service_id": one.service_id,
        "p_hold_for": _hold(context, one.claim) if one.held else None,
        "p_details": Jsonb(one.claim.details, dumps=json.dumps),
        "p_actor": ACTOR,
        "p_alternatives": 0,
    }


def _times(wanted: Claim) -> dict[str, datetime]:
    return {"p_start": wanted.start, "p_end": wanted.end}


def _whole(context: Context, one: Asked, slot_ids: list[UUID]) -> db.Row | None:
    """The claim of whole slots, if they begin and end with the booking."""
    wanted, session = one.claim, context.session
    hull = session.execute(_HULL, {"vendor_id": context.vendor_id, "ids": slot_ids}).one()
    if (hull.start, hull.end) != (wanted.start - wanted.before, wanted.end + wanted.after):
        return None
    return db.call(_CLAIM, within=session, **_arguments(context, one, slot_ids))


def move_all(context: Context, many: Sequence[Reached]) -> list[Refusal | None]:
    """Bring each booking to the status of its row; what was refused, if it was."""
    refused: list[Refusal | None] = [None] * len(many)
    moves = [(i, _move(context, one)) for i, one in enumerate(many)]
    asked = [(i, move) for i, move in moves if move is not None]
    rows = db.call_each([move for _, move in asked], within=context.session)
    for (i, _), row in zip(asked, rows, strict=True):
        if row.outcome not in _DONE:
            refused[i] = refusal(row.outcome, row.facts)
    return refused


def _move(context: Context, one: Reached) -> tuple[str, dict[str, Any]] | None:
    """The function that brings the booking to its status, and its arguments; None: it is there."""
    status = one.values["status"]
    if status in {"confirmed", "held"}:
        return None
    arguments: dict[str, Any] = {
        "p_vendor_id": context.vendor_id,
        "p_booking_id": one.booking_id,
        "p_actor": ACTOR,
    }
    if status == "completed":
        return "complete_booking", arguments
    if status == "no_show":
        return "mark_no_show", arguments
    if one.values["kind"] == "block":
        return "unblock_time", arguments
    arguments["p_reason"] = one.values.get("cancellation_reason")
    by = one.values.get("cancelled_by", "system")
    # A customer cannot cancel what has begun, and no import can say that one did.
    if by == "vendor" or (by == "customer" and one.start > datetime.now(UTC)):
        arguments["p_actor"] = {**ACTOR, "type": by}
    return "cancel_booking", arguments


def _hold(context: Context, wanted: Claim) -> timedelta:
    if wanted.until is None:
        return timedelta(minutes=context.directory.vendor.hold_minutes)
    left = wanted.until - datetime.now(UTC)
    return min(max(left, timedelta(seconds=1)), HOLD_MAX)
