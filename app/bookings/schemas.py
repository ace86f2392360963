"""Bookings, blocks and events, as requests and answers hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from app.wire.contacts import EmailAddress, PersonName, PhoneNumber
from app.wire.fields import (
    QUANTITY_MAX,
    MoneySchema,
    Pattern,
    Text,
    Time,
    whole_number,
)
from app.wire.pages import PageQuery

NOTES_MAX, METADATA_MAX = 10_000, 16_384
CANCELLATION_REASON_MAX = 500
STATUSES = [
    "requested",
    "held",
    "confirmed",
    "completed",
    "no_show",
    "cancelled",
    "expired",
    "declined",
]


class CustomerSchema(Schema):
    """Who comes. Public callers give a name, and an e-mail address or a telephone number."""

    name = PersonName(allow_none=True)
    email = EmailAddress(allow_none=True)
    phone = PhoneNumber(allow_none=True)


class BookingCustomerSchema(CustomerSchema):
    """The customer of a booking."""

    id = fields.UUID()


class BookingSchema(Schema):
    """A booking, or a vendor's block, with the price it was made at."""

    id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(["appointment", "block"]))
    status = fields.String(validate=validate.OneOf(STATUSES))
    version = fields.Integer()
    provider_id = fields.UUID()
    provider_ids = fields.List(
        fields.UUID(),
        metadata={
            "description": "Everybody who takes part: `provider_id` alone, or one for each of a"
            " joint service's needs, in order."
        },
    )
    location_id = fields.UUID()
    service_id = fields.UUID(allow_none=True)
    slot_ids = fields.List(fields.UUID())
    start = Time()
    end = Time()
    time_zone = fields.String()
    quantity = fields.Integer()
    guests = fields.Integer(allow_none=True)
    customer = fields.Nested(BookingCustomerSchema(), allow_none=True)
    price = fields.Nested(MoneySchema(), allow_none=True)
    hold_expires_at = Time(
        allow_none=True,
        metadata={"description": "A hold's end: from then on it is shown as expired."},
    )
    cancelled_by = fields.String(
        allow_none=True,
        validate=validate.OneOf(["customer", "vendor", "system"]),
        metadata={"description": "While it is cancelled: who did it, the last time."},
    )
    cancellation_reason = fields.String(
        allow_none=True,
        metadata={"description": "While it is cancelled: what was given as the reason."},
    )
    channel = fields.String(allow_none=True)
    notes = fields.String(allow_none=True)
    internal_notes = fields.String(
        allow_none=True, metadata={"description": "Shown to the vendor only."}
    )
    buffer_before_minutes = fields.Integer(
        metadata={
            "description": "Occupied before `start`, as the service had it when this was booked."
            " Shown to the vendor only, as is `buffer_after_minutes`."
        }
    )
    buffer_after_minutes = fields.Integer(metadata={"description": "Occupied after `end`."})
    metadata = fields.Dict()
    created_at = Time()
    updated_at = Time()


class CancellationSchema(Schema):
    """Why it is cancelled, if that is to be said."""

    reason = Text(
        CANCELLATION_REASON_MAX,
        shortest=0,
        allow_none=True,
        metadata={"description": "For everybody who sees the booking, its customer included."},
    )


class BookingPageSchema(Schema):
    """A page of bookings."""

    items = fields.List(fields.Nested(BookingSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    settled_until = Time(
        metadata={
            "description": "With updated_since: up to here nothing is missing, and nothing can turn"
            " up any more. Ask from here next time."
        }
    )


class NewBookingSchema(BookingSchema):
    """A booking as its creation, and a replay of that, answers it."""

    manage_token = fields.String(
        metadata={"description": "Opens this one booking: Authorization: Bearer mt_…"}
    )


class Statuses(fields.List[str]):
    """Statuses in an address: named several times, or with commas between them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.String(validate=validate.OneOf(STATUSES)), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        named = value if isinstance(value, list) else [value]
        parts = [part.strip() for one in named for part in str(one).split(",")]
        try:
            return super()._deserialize(parts, attr, data, **kwargs)
        except ValidationError:
            # By its name alone: which of the parts it was is in the message.
            unknown = next(part for part in parts if part not in STATUSES)
            known = ", ".join(STATUSES)
            raise ValidationError(f"{unknown or 'Nothing'} is no status: {known}.") from None


class BookingQuery(PageQuery):
    """Which bookings to list: those that overlap the time from `from` to `to`, and are all that is
    asked besides.
    """

    start = Time(data_key="from")
    end = Time(data_key="to")
    status = Statuses(
        metadata={"description": "Of any of these: status=held,confirmed or status twice."}
    )
    kind = fields.String(
        load_default="appointment",
        validate=validate.OneOf(["appointment", "block", "all"]),
        metadata={"description": "Blocks are not listed unless asked for."},
    )
    provider_id = fields.UUID(
        metadata={
            "description": "Of this provider; a joint booking is listed with its first one, and in"
            " the day with each."
        }
    )
    location_id = fields.UUID()
    customer_id = fields.UUID()
    email = Text(254, metadata={"description": "Of the customer, in upper or lower case."})
    phone = PhoneNumber(
        60,
        validate=Pattern(r"^(?:[^0-9]*[0-9]){3}.*$", error="Needs three digits at least."),
        metadata={"description": "Of the customer; only its digits count, and 00 is +."},
    )
    updated_since = Time(
        metadata={
            "description": "What was made or changed then or later, in order of change. For the"
            " next time, keep `settled_until` of the last page."
        }
    )


class ActorSchema(Schema):
    """Who did it. A customer is not told by which of the vendor's keys."""

    type = fields.String(
        validate=validate.OneOf(["customer", "vendor", "system"]),
        metadata={
            "description": "customer: the public, or a manage_token; vendor: an API key; system:"
            " the clock (a hold that lapsed), a command or work by hand."
        },
    )
    id = fields.String(
        allow_none=True, metadata={"description": "Of the customer or the API key, if known."}
    )
    name = fields.String(
        allow_none=True, metadata={"description": "The API key's, such as front desk."}
    )


class EventSchema(Schema):
    """One line of a booking's history."""

    sequence = fields.Integer(
        metadata={"description": "From 1, without gaps: the booking's version after it."}
    )
    kind = fields.String(
        validate=validate.OneOf([*STATUSES, "changed"]),
        metadata={
            "description": "The status that the booking came to, or `changed`: something else"
            " about it changed."
        },
    )
    actor = fields.Nested(ActorSchema)
    request_id = fields.String(
        allow_none=True,
        metadata={"description": "The X-Request-Id of the request that did it; null: no request."},
    )
    changes = fields.Dict(
        metadata={
            "description": '{"field": {"from", "to"}}; {"field": {}} where the values may be'
            " personal, which history does not keep."
        }
    )
    occurred_at = Time()


class BlockRequestSchema(Schema):
    """Published time to close. Without `quantity`: all places."""

    provider_id = fields.UUID(required=True)
    start = Time(required=True)
    end = Time(required=True)
    quantity = whole_number(1, QUANTITY_MAX, allow_none=True)
    reason = Text(NOTES_MAX, shortest=0, allow_none=True)


class BlockSchema(Schema):
    """Time that the vendor has closed."""

    id = fields.UUID()
    status = fields.String(validate=validate.OneOf(STATUSES))
    version = fields.Integer()
    provider_id = fields.UUID()
    location_id = fields.UUID()
    slot_ids = fields.List(fields.UUID())
    start = Time()
    end = Time()
    time_zone = fields.String()
    quantity = fields.Integer()
    reason = fields.String(allow_none=True)
    busy_time_id = fields.UUID(
        allow_none=True,
        metadata={"description": "The busy time it stands for, and goes with; null: made by hand."},
    )
    created_at = Time()
    updated_at = Time()


class BlockQuery(PageQuery):
    """Which blocks to list: those that overlap the time from `from` to `to`."""

    provider_id = fields.UUID()
    start = Time(data_key="from")
    end = Time(data_key="to")
