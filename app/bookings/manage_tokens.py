"""A booking's manage_token: a new one, and an end to those before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app import db
from app.auth import VendorBlueprint, Visit, current_visit, vendor_write
from app.bookings.queries import describe_booking, show_booking
from app.bookings.schemas import NewBookingSchema
from app.errors import Problem
from app.errors.refusals import refusal
from app.idempotency import IdempotencyKey, idempotency_key, remember
from app.wire.answers import answer, expected_version

blueprint = VendorBlueprint("manage tokens", "What opens one booking to its customer.")


@blueprint.call(
    "POST",
    "/bookings/<uuid:booking_id>/manage-token",
    answers=(200, NewBookingSchema()),
    refuses=["VENDOR_NOT_FOUND", "BOOKING_NOT_FOUND"],
    guard=vendor_write,
    keyed=True,
    versioned=True,
)
def renew_manage_token(booking_id: UUID) -> Response:
    """Give a booking a new manage_token: all before it are refused from the next request on.

    For a customer who has lost the link, or whose link has got about.
    """
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    expected = expected_version()
    facts, replayed = db.persist(
        lambda: _renew(visit, booking_id, key, expected), repeatable=key.key is not None
    )
    token = visit.manage_token(booking_id, facts["token_version"])
    response = answer({**show_booking(facts, internal=True), "manage_token": token})
    response.headers["Cache-Control"] = "no-store"
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _renew(
    visit: Visit, booking_id: UUID, key: IdempotencyKey, expected_version: int | None
) -> tuple[dict[str, Any], bool]:
    """The booking with its new token_version and False; on a replay, as it is now, and True."""
    with db.transaction() as session:
        before = remember(session, visit.vendor_id, key, {"booking_id": str(booking_id)})
        if before is None:
            row = db.call(
                "renew_manage_token",
                within=session,
                p_vendor_id=visit.vendor_id,
                p_booking_id=booking_id,
                p_actor=visit.actor,
                p_expected_version=expected_version,
            )
            if row.outcome != "RENEWED":
                raise refusal(row.outcome, row.facts, booking_id=str(booking_id))
            return row.facts, False
    facts = describe_booking(visit.vendor_id, booking_id)
    if facts is None:
        raise Problem("BOOKING_NOT_FOUND", f"There is no booking {booking_id}.")
    return facts, True
