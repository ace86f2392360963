"""Vendors, locations, providers and services, as requests and answers hold them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.wire.fields import (
    CHANNEL_MAX,
    QUANTITY_MAX,
    Pattern,
    Text,
    Time,
    TimeZone,
    YesOrNo,
    money,
    whole_number,
)
from app.wire.pages import PageQuery
from app.wire.publishing import FollowingSchema
from app.wire.shown_numbers import FEW, NUMBERS

NAME_MAX, ADDRESS_MAX, MINUTES_MAX = 200, 1000, 525_600
HOLD_MINUTES_MAX, OPEN_BOOKINGS_MAX = 10_080, 10_000
CHANNELS_MAX, LOCATIONS_MAX = 100, 100
DAY_MINUTES, WINDOW_DAYS_MAX = 1440, 3650
NEEDS_MAX, PROVIDERS_MAX, PREFERENCE_MAX, ROLE_MAX = 10, 200, 1000, 100


class Kept(Schema):
    """What every row of the catalogue has."""

    id = fields.UUID(dump_only=True)
    version = fields.Integer(dump_only=True)
    created_at = Time(dump_only=True)
    updated_at = Time(dump_only=True)
    archived_at = Time(dump_only=True, allow_none=True)


class VendorSchema(Schema):
    """A business: the tenant to which everything else belongs."""

    slug = fields.String(dump_only=True)
    name = Text(NAME_MAX, required=True)
    time_zone = TimeZone(required=True)
    public_booking = YesOrNo(
        metadata={"description": "false: only the vendor's API keys can book; true if never said."}
    )
    availability_numbers = fields.String(
        validate=validate.OneOf(NUMBERS),
        metadata={
            "description": "How many places are left, as callers without a key of the vendor see"
            f" it. exact (if never said); few_left: up to {FEW}, null above; hidden: whether"
            " there is a place, and no number."
        },
    )
    open_bookings_max = whole_number(
        1,
        OPEN_BOOKINGS_MAX,
        allow_none=True,
        metadata={
            "description": "How many bookings by one e-mail address or telephone number may be"
            " open when booked without a key; null: any number."
        },
    )
    hold_minutes = whole_number(
        1,
        HOLD_MINUTES_MAX,
        metadata={"description": "How long a booking with `hold` is held; 10 if never said."},
    )
    service_required = YesOrNo(
        metadata={
            "description": "true: whoever books without a key has to name a `service_id`, so that"
            " its rules and price hold; false if never said."
        }
    )
    channels = fields.Dict(
        keys=Text(CHANNEL_MAX),
        values=fields.List(
            fields.UUID(), allow_none=True, validate=validate.Length(0, LOCATIONS_MAX)
        ),
        validate=validate.Length(0, CHANNELS_MAX),
        metadata={
            "description": "Sales channels (`web`, `walk-in`, a partner's name) and the locations"
            " each may book at, best first. A booking through one of them never lands elsewhere;"
            " without a key, only these and `web` can be named. In a change, null takes one away.",
            "example": {"web": ["01980000-0000-7000-8000-000000000002"]},
        },
    )
    version = fields.Integer(dump_only=True)
    created_at = Time(dump_only=True)
    updated_at = Time(dump_only=True)


class LocationSchema(Kept):
    """A site of the vendor, whose time zone tells what a time there means."""

    name = Text(NAME_MAX, required=True)
    address = Text(ADDRESS_MAX, shortest=0)
    time_zone = TimeZone(metadata={"description": "The vendor's if never said."})


class ChangedLocationSchema(LocationSchema):
    """The location, and what became of the slots of schedules if its time zone has changed."""

    publishing = fields.Nested(FollowingSchema(), dump_only=True)


class ProviderSchema(Kept):
    """One bookable calendar: a person, a room, a room type, a boat, a tour."""

    name = Text(NAME_MAX, required=True)
    location_id = fields.UUID(required=True, metadata={"description": "Where it usually is."})


class NeededProviderSchema(Schema):
    """A provider who can fill a need."""

    provider_id = fields.UUID(required=True)
    preference = whole_number(
        1,
        PREFERENCE_MAX,
        load_default=1,
        metadata={
            "description": "Lower is tried first; among equals the least busy on that day. 1 if"
            " not said."
        },
    )


class _Whole(fields.Nested):
    """An object that is given whole, also where it is part of a merge patch."""

    def _load(self, value: Any, partial: Any = None) -> Any:
        del partial
        return super()._load(value, partial=False)


class NeedSchema(Schema):
    """One of those whom a service takes at the same time and place: exactly one of `providers`."""

    role = Text(ROLE_MAX, required=True, metadata={"description": "Such as therapist, or room."})
    providers = fields.List(
        _Whole(NeededProviderSchema),
        required=True,
        validate=validate.Length(1, PROVIDERS_MAX),
    )


class ServiceSchema(Kept):
    """What is booked, how long it takes, by the rules of the vendor, who does it, and what it costs
    unless the slot says otherwise.
    """

    name = Text(NAME_MAX, required=True)
    duration_minutes = whole_number(
        1, MINUTES_MAX, allow_none=True, metadata={"description": "null: the whole slot."}
    )
    buffer_before_minutes = whole_number(
        0,
        DAY_MINUTES,
        metadata={
            "description": "Occupied before the time booked, and not shown; 0 if never said. Lies"
            " inside published time; neighbours' buffers add. Needs `duration_minutes`."
        },
    )
    buffer_after_minutes = whole_number(
        0, DAY_MINUTES, metadata={"description": "As `buffer_before_minutes`, after it."}
    )
    start_step_minutes = whole_number(
        1,
        DAY_MINUTES,
        metadata={
            "description": "The public begins at whole steps from the beginning of the slot; 15 if"
            " never said."
        },
    )
    notice_minutes = whole_number(
        0,
        MINUTES_MAX,
        metadata={"description": "The public books at least so long ahead; 0 if never said."},
    )
    window_days = whole_number(
        1,
        WINDOW_DAYS_MAX,
        allow_none=True,
        metadata={
            "description": "The public books at most so many days of 24 hours ahead; null: as far"
            " as slots are published."
        },
    )
    quantity_min = whole_number(
        1,
        QUANTITY_MAX,
        metadata={"description": "The least `quantity` of a booking; 1 if never said."},
    )
    quantity_max = whole_number(
        1,
        QUANTITY_MAX,
        allow_none=True,
        metadata={"description": "The greatest `quantity` of a booking; null: any."},
    )
    price = money()
    needs = fields.List(
        _Whole(NeedSchema),
        validate=validate.Length(0, NEEDS_MAX),
        metadata={
            "description": "Whom it takes, all at one time and place: the provider of the first"
            " need is the booking's. None: any one provider of the vendor."
        },
    )

    @validates_schema(skip_on_field_errors=True)
    def name_each_provider_once(self, data: dict[str, Any], **_: Any) -> None:
        seen = set()
        for i, need in enumerate(data.get("needs", [])):
            for j, provider in enumerate(need["providers"]):
                if provider["provider_id"] in seen:
                    wrong = {"provider_id": ["A provider stands once in a service."]}
                    raise ValidationError({"needs": {i: {"providers": {j: wrong}}}})
                seen.add(provider["provider_id"])


class ProviderQuery(PageQuery):
    """Which providers to list."""

    location_id = fields.UUID()


class NewVendorSchema(VendorSchema):
    """A vendor to make; it has no locations yet."""

    class Meta:
        exclude = ("channels",)

    slug = fields.String(
        required=True,
        validate=Pattern(
            r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
            error="Needs 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end.",
        ),
    )
