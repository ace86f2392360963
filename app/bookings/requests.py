"""A request to book, which names its time in one of four ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.bookings.schemas import METADATA_MAX, NOTES_MAX, CustomerSchema
from app.wire.fields import (
    CHANNEL_MAX,
    QUANTITY_MAX,
    Text,
    Time,
    YesOrNo,
    json_object,
    whole_number,
)

SLOTS_MAX, LOCATIONS_MAX = 366, 100


class BookingRequestSchema(Schema):
    """Names the time in exactly one way: `slot_id` (whole, or the part from `start` to `end`);
    `slot_ids`, next to each other; `provider_id` with `start` and `end`; or `service_id` with
    `start` (and `end`), and then whoever is free does it. `service_id` and `provider_id` may
    accompany any of them and are checked.
    """

    slot_id = fields.UUID()
    slot_ids = fields.List(fields.UUID(), validate=validate.Length(1, SLOTS_MAX))
    provider_id = fields.UUID()
    start = Time()
    end = Time(
        metadata={
            "description": "Without an API key a minute after `start` at least. With `service_id`"
            " and `start`: needed only where whole slots of several lengths begin together; a"
            " service with a duration says itself when it ends."
        }
    )
    service_id = fields.UUID(
        allow_none=True,
        metadata={
            "description": "What is booked: its rules, buffers and price hold. With `start` (and"
            " `end`), whoever of its providers is free does it."
        },
    )
    location_id = fields.UUID(
        metadata={"description": "Where it has to be; refused if the time is elsewhere."}
    )
    location_ids = fields.List(
        fields.UUID(),
        validate=validate.Length(1, LOCATIONS_MAX),
        metadata={
            "description": "With `service_id` and `start`: at one of these, the first that is free."
        },
    )
    quantity = whole_number(
        1,
        QUANTITY_MAX,
        load_default=1,
        metadata={"description": "Places taken: seats, rooms, chairs."},
    )
    guests = whole_number(
        0, QUANTITY_MAX, allow_none=True, metadata={"description": "For information only."}
    )
    customer = fields.Nested(
        CustomerSchema(),
        allow_none=True,
        metadata={
            "description": "Who comes: joins the customer with exactly these details, or makes one."
            " Needed without an API key."
        },
    )
    customer_id = fields.UUID(
        allow_none=True,
        metadata={"description": "Instead of `customer`, with an API key: somebody known already."},
    )
    hold = YesOrNo(
        load_default=False,
        metadata={
            "description": "true: held for the vendor's `hold_minutes`, until it is confirmed."
        },
    )
    channel = Text(
        CHANNEL_MAX,
        allow_none=True,
        metadata={
            "description": "The sales channel it comes through. If the vendor has mapped it, the"
            " booking never lands at a location outside that map; without a key, `web` if not said."
        },
    )
    notes = Text(NOTES_MAX, shortest=0, allow_none=True)
    internal_notes = Text(
        NOTES_MAX, shortest=0, allow_none=True, metadata={"description": "With an API key only."}
    )
    metadata = json_object(
        METADATA_MAX,
        metadata={
            "description": "Anything of your own, such as references. Shown to whoever sees the"
            " booking; once it is made, changed with an API key only."
        },
    )

    @validates_schema(skip_on_field_errors=True)
    def name_one_customer(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("customer") and data.get("customer_id"):
            raise ValidationError({"customer_id": ["Give customer or customer_id, not both."]})

    @validates_schema(skip_on_field_errors=True)
    def name_the_time_in_one_way(self, data: dict[str, Any], **_: Any) -> None:
        errors = _errors_of_places(data) or _errors_of_time(data)
        if errors:
            raise ValidationError({field: [message] for field, message in errors.items()})


_NO_TIME = {
    "slot_id": "Say which time: slot_id (with start and end for a part of it), slot_ids,"
    " provider_id with start and end, or service_id with start."
}


def by_service_and_start(data: Mapping[str, Any]) -> bool:
    """Whether a request names its time by service and start, and leaves open who does it."""
    named = {"slot_id", "slot_ids"}.intersection(data) or {"provider_id", "end"} <= data.keys()
    return bool(data.get("service_id")) and "start" in data and not named


def _errors_of_places(data: dict[str, Any]) -> dict[str, str]:
    if "location_ids" not in data:
        return {}
    if not by_service_and_start(data):
        return {"location_ids": "Goes with service_id and start alone: name location_id here."}
    if "location_id" in data:
        return {"location_ids": "Give location_id or location_ids, not both."}
    return {}


def _errors_of_time(data: dict[str, Any]) -> dict[str, str]:
    """What keeps the request from naming a time in exactly one way, by field."""
    has_start, has_end = "start" in data, "end" in data
    if by_service_and_start(data):
        return {}
    if "slot_id" in data and "slot_ids" in data:
        return {"slot_ids": "Give slot_id or slot_ids, not both."}
    if "slot_id" in data or "slot_ids" in data:
        if has_start == has_end or (has_start and data.get("service_id")):
            return {}
        missing = "end" if has_start else "start"
        return {missing: "A part of a slot needs both start and end."}
    if "provider_id" in data and (has_end or not data.get("service_id")):
        both = {"start": has_start, "end": has_end}
        return {
            name: "provider_id needs start and end with it, or a slot_id."
            for name, given in both.items()
            if not given
        }
    return _NO_TIME
