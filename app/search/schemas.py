"""Times that can be booked, as requests and answers hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

from app.wire.fields import QUANTITY_MAX, Count, MoneySchema, Time, channel_name
from app.wire.pages import PageQuery

LOCATIONS_MAX = 100


class Ids(fields.List[UUID]):
    """Ids in an address, each named by itself: location_id=…&location_id=…"""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.UUID(), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        named = value if isinstance(value, list) else [value]
        try:
            return super()._deserialize(named, attr, data, **kwargs)
        except ValidationError:
            # By the parameter's name alone: it has no numbered members in an address.
            raise ValidationError(
                "Must be an id (UUID), such as 01980000-0000-7000-8000-000000000001."
            ) from None


class TimesQuery(PageQuery):
    """What begins in the time from `from` to `to`, at most 92 days."""

    start = Time(data_key="from", required=True)
    end = Time(data_key="to", required=True)
    quantity = Count(
        validate=validate.Range(1, QUANTITY_MAX),
        metadata={"description": "Places to book; the service's `quantity_min` if not said."},
    )
    provider_id = fields.UUID(
        metadata={"description": "Takes part, in whichever of the service's needs."}
    )
    location_id = Ids(
        validate=validate.Length(1, LOCATIONS_MAX),
        metadata={
            "description": "Only there. Named several times: best first, and options in that order."
        },
    )
    channel = channel_name()


class TimesOptionSchema(Schema):
    """One way to book a time: at this place, with these providers."""

    provider_id = fields.UUID(metadata={"description": "The booking's: of the first need."})
    provider_ids = fields.List(
        fields.UUID(), metadata={"description": "One for each of the service's needs, in order."}
    )
    location_id = fields.UUID()
    time_zone = fields.String()
    available = fields.Integer(
        allow_none=True, metadata={"description": "Places free throughout, buffers included."}
    )
    price = fields.Nested(
        MoneySchema(), allow_none=True, metadata={"description": "Of `quantity` places."}
    )


class BookableTimeSchema(Schema):
    """A time at which the service can be booked: POST …/bookings with its `start` and the
    `service_id`. `options` are in the order in which that tries them.
    """

    start = Time()
    end = Time()
    options = fields.List(fields.Nested(TimesOptionSchema))
