"""Schedules and their exceptions, as requests and answers hold them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.schedules.hours import CLOCK, DAY_MINUTES, WEEKDAYS
from app.wire.fields import QUANTITY_MAX, Day, Pattern, Text, Time, money, whole_number
from app.wire.publishing import PublishingSchema

INTERVALS_MAX, REASON_MAX = 24, 500
SLOT_MINUTES_MIN = 5
KINDS = ("closed", "extra", "other")
_HOURS = [["09:00", "12:00"], ["13:00", "17:30"]]


def _hours(description: str, **kwargs: Any) -> fields.List[Any]:
    """A list of pairs of times by the clock."""
    clock = fields.String(
        validate=Pattern(f"^(?:{CLOCK})$", error="Not a time by the clock, such as 09:00.")
    )
    pair: fields.Field[Any] = fields.List(clock, validate=validate.Length(equal=2))
    return fields.List(
        pair,
        metadata={"description": description, "example": _HOURS},
        **kwargs,
    )


WeeklySchema = Schema.from_dict(
    {
        name: _hours(
            "Times open; an end that is not after its start is on the next day.",
            allow_none=True,
            validate=validate.Length(0, INTERVALS_MAX),
        )
        for name in WEEKDAYS
    },
    name="WeeklySchema",
)


class ScheduleSchema(Schema):
    """A provider's week, in the local time of its place, for the days from one to another."""

    id = fields.UUID(dump_only=True)
    provider_id = fields.UUID(dump_only=True)
    location_id = fields.UUID(
        allow_none=True, metadata={"description": "null: wherever the provider usually is."}
    )
    time_zone = fields.String(dump_only=True, metadata={"description": "Of the location."})
    valid_from = Day(metadata={"description": "The first day; today if not said."})
    valid_until = Day(
        allow_none=True, metadata={"description": "The last day, included; null: for good."}
    )
    weekly = fields.Nested(
        WeeklySchema,
        required=True,
        metadata={"description": "What is open on each day; a day that is not named is closed."},
    )
    slot_minutes = whole_number(
        SLOT_MINUTES_MIN,
        DAY_MINUTES,
        allow_none=True,
        metadata={"description": "How long each slot is; null: one slot of each time open."},
    )
    gap_minutes = whole_number(
        0, DAY_MINUTES, metadata={"description": "Between one slot and the next; 0 if not said."}
    )
    capacity = whole_number(
        1, QUANTITY_MAX, metadata={"description": "Places of each slot; 1 if not said."}
    )
    price = money(metadata={"description": "A place; null: the service's price."})
    version = fields.Integer(dump_only=True)
    created_at = Time(dump_only=True)
    updated_at = Time(dump_only=True)
    archived_at = Time(dump_only=True, allow_none=True)


class ChangedScheduleSchema(ScheduleSchema):
    """The schedule, and what its change did to the published slots."""

    publishing = fields.Nested(PublishingSchema(), dump_only=True)


class ExceptionSchema(Schema):
    """Days on which a provider's week does not hold."""

    id = fields.UUID(dump_only=True)
    provider_id = fields.UUID(dump_only=True)
    schedule_id = fields.UUID(
        allow_none=True,
        metadata={
            "description": "null: all of the provider's; its hours are then published as the"
            " oldest schedule of each day has it."
        },
    )
    starts_on = Day(required=True, metadata={"description": "The first day."})
    ends_on = Day(metadata={"description": "The last day, included; starts_on if not said."})
    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata={
            "description": "closed: no usual hours; other: these instead of the usual ones; extra:"
            " these too."
        },
    )
    hours = _hours(
        "For extra and other, on each of the days.", validate=validate.Length(0, INTERVALS_MAX)
    )
    reason = Text(REASON_MAX, allow_none=True)
    version = fields.Integer(dump_only=True)
    created_at = Time(dump_only=True)
    updated_at = Time(dump_only=True)
    archived_at = Time(dump_only=True, allow_none=True)


class ChangedExceptionSchema(ExceptionSchema):
    """The exception, and what its change did to the published slots."""

    publishing = fields.Nested(PublishingSchema(), dump_only=True)


class DryRunQuery(Schema):
    """Whether it is only to be told."""

    dry_run = fields.Boolean(
        load_default=False,
        metadata={"description": "true: answer as if it were done, and do nothing."},
    )
