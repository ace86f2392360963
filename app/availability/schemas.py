"""Availability, as requests and answers hold it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.wire.fields import QUANTITY_MAX, Count, MoneySchema, Time, channel_name
from app.wire.pages import PageQuery


class AvailabilityQuery(PageQuery):
    """What overlaps the time from `from` to `to`, at most 92 days."""

    start = Time(data_key="from", required=True)
    end = Time(data_key="to", required=True)
    service_id = fields.UUID(metadata={"description": "Time for this service, at its price."})
    provider_id = fields.UUID()
    location_id = fields.UUID()
    quantity = Count(load_default=1, validate=validate.Range(1, QUANTITY_MAX))
    channel = channel_name()


class FreeSchema(Schema):
    """A stretch of a slot in which places are free."""

    start = Time()
    end = Time()
    available = fields.Integer(allow_none=True)


class AvailabilitySchema(Schema):
    """A slot and what is left of it. `available`: the places free from its start to its end; 0 for
    the public once it has begun, when only parts of what is left can be booked.

    A vendor may not want the public to see numbers (its `availability_numbers`): then `capacity`
    and `available` are null above five (few_left) or always (hidden), `status` still tells whether
    there are places, and a `quantity` above ten (few_left) or one (hidden) is refused, unless the
    service's `quantity_max` is more.
    """

    slot_id = fields.UUID()
    provider_id = fields.UUID()
    location_id = fields.UUID()
    start = Time()
    end = Time()
    time_zone = fields.String()
    capacity = fields.Integer(allow_none=True)
    available = fields.Integer(
        allow_none=True,
        metadata={
            "description": "Places free from its start to its end, so that the whole slot can be"
            " booked for as many. 0 with the status available: it is booked in part; `free` has"
            " the parts that are left."
        },
    )
    status = fields.String(
        validate=validate.OneOf(["available", "sold_out"]),
        metadata={"description": "available: some of the slot can be booked as asked."},
    )
    free = fields.List(fields.Nested(FreeSchema()))
    price = fields.Nested(MoneySchema(), allow_none=True)
