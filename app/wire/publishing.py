"""What publishing schedules did, as the answers of several features hold it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.wire.fields import Time


class PublishingConflictSchema(Schema):
    """A booking or block that keeps a slot from being what the schedule wants."""

    booking_id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(["appointment", "block"]))
    slot_id = fields.UUID()
    start = Time()
    end = Time()
    time_zone = fields.String()
    quantity = fields.Integer()


class PublishingSchema(Schema):
    """What a change did to the published slots."""

    published = fields.Integer(metadata={"description": "New slots."})
    removed = fields.Integer(metadata={"description": "Slots that are wanted no more."})
    resized = fields.Integer(
        metadata={
            "description": "Slots with new times, capacity, price or place; one that is cut between"
            " its bookings counts as often as it has parts."
        }
    )
    kept = fields.Integer(metadata={"description": "Slots that were as they are wanted."})
    in_the_way = fields.List(
        fields.Nested(PublishingConflictSchema()),
        metadata={
            "description": "Bookings whose time stays, though the schedule wants something else"
            " there: the first hundred by time. Cancel them, or leave them."
        },
    )
    in_the_way_total = fields.Integer()


class FollowingSchema(PublishingSchema):
    """What became of the slots of all providers whose schedules go by a location's clocks."""

    under_way = fields.Integer(
        metadata={
            "description": "Providers whose slots are still to follow: the worker publishes them as"
            " soon as it comes to them. Of these nothing is counted yet."
        }
    )
