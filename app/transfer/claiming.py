"""One imported booking: claimed like any other, and brought to its status by the functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import json
from psycopg.types.json import Jsonb
from sqlalchemy import text

from app import db
from app.errors.refusals import refusal
from app.transfer.context import ACTOR, Context

HOLD_MAX = timedelta(days=7)
_HULL = text("""
    SELECT array_agg(s.id ORDER BY lower(s.during)) AS ids, min(lower(s.during)) AS start,
           max(upper(s.during)) AS end
    FROM slots s WHERE s.vendor_id = :vendor_id AND s.id = ANY (:ids)
""")
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


def claim(
    context: Context,
    wanted: Claim,
    provider_ids: list[UUID],
    service_id: UUID | None,
    customer_id: UUID | None,
    *,
    held: bool,
) -> db.Row:
    """What claim_slot_and_create_booking answers, for all slots of the providers in the time.

    Slots with gaps between them are claimed whole, if they begin and end with the booking.
    """
    slot_ids = [one for each in provider_ids for one in _covering(context, wanted, each)]
    arguments = {
        "p_vendor_id": context.vendor_id,
        "p_slot_ids": slot_ids,
        "p_quantity": wanted.quantity,
        "p_customer_id": customer_id,
        "p_service_id": service_id,
        "p_hold_for": _hold(context, wanted) if held else None,
        "p_details": Jsonb(wanted.details, dumps=json.dumps),
        "p_actor": ACTOR,
        "p_alternatives": 0,
    }
    function, session = "claim_slot_and_create_booking", context.session
    times = {"p_start": wanted.start, "p_end": wanted.end}
    row = db.call(function, within=session, **arguments, **times)
    if row.outcome == "VALIDATION_ERROR" and row.facts.get("reason") == "gap":
        hull = session.execute(_HULL, {"vendor_id": context.vendor_id, "ids": slot_ids}).one()
        if (hull.start, hull.end) == (wanted.start - wanted.before, wanted.end + wanted.after):
            row = db.call(function, within=session, **arguments)
    return row


def move(context: Context, booking_id: UUID, wanted: Claim, values: dict[str, Any]) -> None:
    """Bring the booking to the status of its row. Raises Refusal."""
    status = values["status"]
    if status in {"confirmed", "held"}:
        return
    arguments: dict[str, Any] = {
        "p_vendor_id": context.vendor_id,
        "p_booking_id": booking_id,
        "p_actor": ACTOR,
    }
    if status == "completed":
        function = "complete_booking"
    elif status == "no_show":
        function = "mark_no_show"
    elif values["kind"] == "block":
        function = "unblock_time"
    else:
        function = "cancel_booking"
        arguments["p_reason"] = values.get("cancellation_reason")
        by = values.get("cancelled_by", "system")
        # A customer cannot cancel what has begun, and no import can say that one did.
        if by == "vendor" or (by == "customer" and wanted.start > datetime.now(UTC)):
            arguments["p_actor"] = {**ACTOR, "type": by}
    row = db.call(function, within=context.session, **arguments)
    if row.outcome not in _DONE:
        raise refusal(row.outcome, row.facts)


def _covering(context: Context, wanted: Claim, provider_id: UUID) -> list[UUID]:
    row = db.call(
        "slots_covering",
        within=context.session,
        p_vendor_id=context.vendor_id,
        p_provider_id=provider_id,
        p_start=wanted.start - wanted.before,
        p_end=wanted.end + wanted.after,
    )
    ids: list[UUID] = row[0]
    return ids


def _hold(context: Context, wanted: Claim) -> timedelta:
    if wanted.until is None:
        return timedelta(minutes=context.directory.vendor.hold_minutes)
    left = wanted.until - datetime.now(UTC)
    return min(max(left, timedelta(seconds=1)), HOLD_MAX)
