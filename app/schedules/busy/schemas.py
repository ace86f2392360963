"""Time off, as requests and answers hold it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.schedules.busy.recurrence import REASONS
from app.schedules.schemas import REASON_MAX, DryRunQuery
from app.wire.fields import Day, Text, Time
from app.wire.pages import PageQuery

CALENDAR_BYTES_MAX = 4 * 1024 * 1024
NAME_MAX = 100


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
            "description": "Bookings that stand in it, and stay: the first hundred by time. Cancel"
            " them, or leave them."
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
        load_only=True,
        metadata={
            "description": "The last day, included; if not said, starts_on (PATCH: as it is)."
        },
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


def _name(**kwargs: Any) -> Text:
    return Text(
        NAME_MAX, metadata={"description": "The vendor's name for it, one a calendar."}, **kwargs
    )


class CalendarImportQuery(DryRunQuery):
    """Which of the provider's calendars, and what the blocks tell."""

    calendar = _name(load_default="calendar")
    reason = Text(REASON_MAX, metadata={"description": "Told by all its blocks."})
    summaries = fields.Boolean(
        load_default=False,
        metadata={"description": "true: keep the events' summaries, and tell them as reasons."},
    )


class CalendarQuery(TimeOffQuery):
    """Which imported times to list: those that overlap the time from `from` to `to`."""

    calendar = _name()


class CalendarTimeSchema(Schema):
    """Time in which a provider's own calendar makes them busy."""

    id = fields.UUID()
    provider_id = fields.UUID()
    calendar = fields.String()
    start = Time()
    end = Time()
    time_zone = fields.String(metadata={"description": "Of the provider's place."})
    reason = fields.String(allow_none=True)
    version = fields.Integer()
    created_at = Time()
    updated_at = Time()
    archived_at = Time(allow_none=True)


IgnoredSchema = Schema.from_dict(
    {
        name: fields.Integer(metadata={"description": said})
        for name, said in zip(
            REASONS,
            (
                "Events that are marked as free time.",
                "Cancelled ones.",
                "Those without an end or duration.",
                "Those that are over.",
                "Those beyond the time that is looked at.",
            ),
            strict=True,
        )
    },
    name="IgnoredSchema",
)


class ImportedSchema(Schema):
    """What an import made of the file."""

    calendar = fields.String()
    until = Time(metadata={"description": "Up to when the file was looked at."})
    events = fields.Integer(metadata={"description": "Events in the file."})
    imported = fields.Integer(metadata={"description": "Busy times that are new."})
    changed = fields.Integer(metadata={"description": "Those with other times or reasons."})
    unchanged = fields.Integer()
    removed = fields.Integer(metadata={"description": "Those that the file names no more."})
    ignored = fields.Nested(
        IgnoredSchema(), metadata={"description": "Events that make nobody busy, by why."}
    )
    blocking = fields.Nested(BlockingSchema())
