"""What may be changed of a booking beside its status: who comes, notes, guests and the like."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, pre_load, validates_schema

from app import db
from app.auth import Visit
from app.bookings.queries import show_booking
from app.bookings.schemas import METADATA_MAX, NOTES_MAX, CustomerSchema
from app.errors.refusals import refusal
from app.wire.fields import CHANNEL_MAX, QUANTITY_MAX, Text, json_object, whole_number

_MOVE = "Moves are calls of their own: POST …/cancel, …/confirm, …/complete or …/no-show."
_REBOOK = "Cannot be changed here: cancel the booking, with POST …/cancel, and book anew."
_FIXED = "Cannot be changed."
_NOT_CHANGED_HERE = {
    "status": _MOVE,
    "hold": _MOVE,
    **dict.fromkeys(
        (
            "start",
            "end",
            "slot_id",
            "slot_ids",
            "provider_id",
            "location_id",
            "service_id",
            "quantity",
        ),
        _REBOOK,
    ),
    **dict.fromkeys(
        (
            "id",
            "kind",
            "version",
            "time_zone",
            "price",
            "hold_expires_at",
            "cancelled_by",
            "cancellation_reason",
            "created_at",
            "updated_at",
            "manage_token",
        ),
        _FIXED,
    ),
}


class BookingChangeSchema(Schema):
    """What may be changed of a booking (JSON merge patch): what is left out stays, null removes.

    In `customer` and `metadata` member by member.
    """

    customer = fields.Nested(
        CustomerSchema(),
        allow_none=True,
        metadata={"description": "Who comes instead; nobody else's bookings change with it."},
    )
    customer_id = fields.UUID(
        allow_none=True,
        metadata={"description": "Instead of `customer`, with an API key: somebody known already."},
    )
    guests = whole_number(
        0, QUANTITY_MAX, allow_none=True, metadata={"description": "For information only."}
    )
    channel = Text(CHANNEL_MAX, allow_none=True)
    notes = Text(NOTES_MAX, shortest=0, allow_none=True)
    internal_notes = Text(
        NOTES_MAX, shortest=0, allow_none=True, metadata={"description": "With an API key only."}
    )
    metadata = json_object(
        METADATA_MAX,
        allow_none=True,
        metadata={"description": "With an API key only. Merged; null empties it."},
    )

    @validates_schema(skip_on_field_errors=True)
    def name_one_customer(self, data: dict[str, Any], **_: Any) -> None:
        if "customer" in data and "customer_id" in data:
            raise ValidationError({"customer_id": ["Give customer or customer_id, not both."]})

    @pre_load
    def name_the_right_call(self, data: Any, **_: Any) -> Any:
        errors = {name: [_NOT_CHANGED_HERE[name]] for name in data if name in _NOT_CHANGED_HERE}
        if errors:
            raise ValidationError(errors)
        return data


def change_booking(
    visit: Visit, booking_id: UUID, changes: dict[str, Any], expected_version: int | None
) -> dict[str, Any]:
    """The booking as the JSON merge patch `changes` leaves it; what changes nothing writes nothing.

    Raises BOOKING_NOT_FOUND, BOOKING_STATE_CONFLICT, PRECONDITION_FAILED, CUSTOMER_NOT_FOUND, what
    keeps the public from booking with an address or number, and what is wrong with a field.
    """
    if changes.get("customer_id") is not None:
        changes = {**changes, "customer_id": str(changes["customer_id"])}
    row = db.call(
        "change_booking",
        p_vendor_id=visit.vendor_id,
        p_booking_id=booking_id,
        p_changes=changes,
        p_actor=visit.actor,
        p_expected_version=expected_version,
    )
    if row.outcome != "CHANGED":
        raise refusal(row.outcome, row.facts, booking_id=str(booking_id))
    return show_booking(row.facts, internal=visit.caller.is_vendor)
