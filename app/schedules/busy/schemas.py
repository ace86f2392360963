"""Time off, as requests and answers hold it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.schedules.schemas import REASON_MAX
from app.wire.fields import Day, Text, Time
from app.wire.pages import PageQuery


class BusyConflictSchema(Schema):
    """A customer's booking that stands in busy time."""

    busy_time_id = fields.UUID()
    booking_id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(["appointment"]))
    slot_id = fields.UUID()
    start = Time()
    end = Time()
    time_zone = fields.String()
    quantity = fields.Integer()


class BlockingSchema(Schema):
    """What a change did to the published time."""

    blocked = fields.Integer(metadata={"description": "New blocks; each is in one slot."})
    lifted = fields.Integer(metadata={"description": "Blocks that are gone."})
    in_the_way = fields.List(
        fields.Nested(BusyConflictSchema()),
        metadata={
            "description": "Bookings that stand in it, and stay: the first hundred by time. Move or"
            " cancel them, or leave them."
        },
    )
    in_the_way_total = fields.Integer()


class TimeOffSchema(Schema):
    """Time in which a provider is not to be had: from `start` to `end`, or whole days."""

    id = fields.UUID(dump_only=True)
    provider_id = fields.UUID(dump_only=True)
    start = Time(metadata={"description": "With `end`; or give days."})
    end = Time()
    starts_on = Day(
        load_only=True,
        metadata={"description": "The first whole day at the provider's place, instead of start."},
    )
    ends_on = Day(
        load_only=True, metadata={"description": "The last day, included; starts_on if not said."}
    )
    time_zone = fields.String(dump_only=True, metadata={"description": "Of the provider's place."})
    reason = Text(
        REASON_MAX,
        allow_none=True,
        metadata={"description": "Told by the blocks, to the vendor alone."},
    )
    version = fields.Integer(dump_only=True)
    created_at = Time(dump_only=True)
    updated_at = Time(dump_only=True)
    archived_at = Time(dump_only=True, allow_none=True)


class ChangedTimeOffSchema(TimeOffSchema):
    """The time off, and what its change did to the published time."""

    blocking = fields.Nested(BlockingSchema(), dump_only=True)


class TimeOffQuery(PageQuery):
    """Which time off to list: what overlaps the time from `from` to `to`."""

    start = Time(data_key="from", metadata={"description": "If not said, what is not over yet."})
    end = Time(data_key="to")
