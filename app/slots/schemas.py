"""Slots, as requests and answers hold them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.wire.fields import QUANTITY_MAX, Time, closed_times, money, whole_number
from app.wire.pages import PageQuery

PUBLISHED_AT_ONCE_MAX = 10_000
# As check_slot_times has it.
START = "Within 20 years of now, either way."
END = "A minute to 366 days after the start, and at most 20 years from now."


class SlotChangeSchema(Schema):
    """What may be changed of a slot; what is left out stays. `price: null` removes the price."""

    start = Time(metadata={"description": START})
    end = Time(metadata={"description": END})
    capacity = whole_number(
        1, QUANTITY_MAX, metadata={"description": "Places: chairs, seats, rooms of this type."}
    )
    location_id = fields.UUID(metadata={"description": "If not the provider's usual one."})
    price = money(patch=True, metadata={"description": "A place; null: the service's price."})


class SlotSchema(SlotChangeSchema):
    """A published range of time of one provider."""

    id = fields.UUID()
    provider_id = fields.UUID()
    schedule_id = fields.UUID(
        allow_none=True,
        metadata={"description": "The schedule it came from; null: made or changed by hand."},
    )
    closed = closed_times()
    price = money()
    time_zone = fields.String(metadata={"description": "Of the location."})
    version = fields.Integer()
    created_at = Time()
    updated_at = Time()


class SlotWantedSchema(SlotChangeSchema):
    """A slot to publish. `capacity` is 1 and `location_id` the provider's if not said."""

    start = Time(required=True, metadata={"description": START})
    end = Time(required=True, metadata={"description": END})
    price = money(metadata={"description": "A place; null: the service's price."})


class PublishSchema(Schema):
    """Slots to publish, all or nothing; with `on_overlap: skip`, all that fit."""

    slots = fields.List(
        fields.Nested(SlotWantedSchema()),
        required=True,
        validate=validate.Length(1, PUBLISHED_AT_ONCE_MAX),
    )
    on_overlap = fields.String(load_default="refuse", validate=validate.OneOf(["refuse", "skip"]))


class PublishedSchema(Schema):
    """The slots that are now published, by start."""

    items = fields.List(fields.Nested(SlotSchema()))
    published = fields.Integer()
    skipped = fields.Integer(metadata={"description": "How many did not fit."})


class SlotQuery(PageQuery):
    """Which slots to list: those that overlap the time from `from` to `to`."""

    provider_id = fields.UUID()
    location_id = fields.UUID()
    start = Time(data_key="from")
    end = Time(data_key="to")
