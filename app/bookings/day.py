"""One day of a vendor: each provider with its slots, bookings and blocks, in one answer."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response
from marshmallow import Schema, fields, validate

from app import db
from app.auth import VendorBlueprint, current_visit, vendor_read
from app.bookings.queries import show_block, show_booking
from app.bookings.schemas import BlockSchema, BookingSchema
from app.errors import Problem
from app.wire.answers import answer
from app.wire.fields import Count, Day, MoneySchema, Time, closed_times
from app.wire.pages import PageQuery, page, position_after

blueprint = VendorBlueprint("day", "A vendor's day.")

PROVIDERS_MAX = 50
# Of slots, and of bookings and blocks together, each.
PER_PROVIDER_MAX = 500


class DayQuery(PageQuery):
    """Which day; `location_id` and `provider_id` show a part of it."""

    limit = Count(
        load_default=PROVIDERS_MAX,
        validate=validate.Range(1, PROVIDERS_MAX),
        metadata={"description": f"How many providers at most; {PROVIDERS_MAX} if not said."},
    )
    date = Day(required=True, metadata={"example": "2031-03-30"})
    location_id = fields.UUID()
    provider_id = fields.UUID()


class HoursSchema(Schema):
    """From when to when the day lasts in a time zone: 23 or 25 hours when the clocks change."""

    time_zone = fields.String()
    start = Time()
    end = Time()


class DaySlotSchema(Schema):
    """A slot that reaches into the day."""

    id = fields.UUID()
    location_id = fields.UUID()
    start = Time()
    end = Time()
    time_zone = fields.String(metadata={"description": "Of the location."})
    capacity = fields.Integer()
    closed = closed_times()
    price = fields.Nested(MoneySchema(), allow_none=True)
    version = fields.Integer()


class ProviderDaySchema(Schema):
    """A provider's day, each list by start. What is cancelled, declined or expired is not shown."""

    provider_id = fields.UUID()
    name = fields.String()
    location_id = fields.UUID(metadata={"description": "The provider's usual one."})
    time_zone = fields.String(metadata={"description": "Of that location."})
    slots = fields.List(fields.Nested(DaySlotSchema))
    bookings = fields.List(
        fields.Nested(BookingSchema),
        metadata={"description": "A joint booking is shown with each of its providers."},
    )
    blocks = fields.List(fields.Nested(BlockSchema))
    complete = fields.Boolean(
        metadata={
            "description": f"false: there are more than {PER_PROVIDER_MAX} slots, or bookings and"
            " blocks; the lists of slots and bookings have all."
        }
    )


class DaySchema(Schema):
    """A page of providers, and when the day begins and ends where they are."""

    date = fields.Date()
    hours = fields.List(fields.Nested(HoursSchema))
    items = fields.List(fields.Nested(ProviderDaySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@blueprint.call(
    "GET",
    "/day",
    query=DayQuery(),
    answers=(200, DaySchema()),
    refuses=["VENDOR_NOT_FOUND", "LOCATION_NOT_FOUND", "PROVIDER_NOT_FOUND"],
    guard=vendor_read,
)
def get_day(query: dict[str, Any]) -> Response:
    """Show a day: every provider with the slots, bookings and blocks that reach into it.

    The day is that of each location's own time zone, from midnight to midnight there. Providers
    come oldest first, archived ones only if something of theirs is published on that day.
    """
    return answer(show_day(current_visit().vendor_id, **query))


def show_day(
    vendor_id: UUID,
    date: date,
    *,
    limit: int,
    cursor: str | None,
    location_id: UUID | None = None,
    provider_id: UUID | None = None,
) -> dict[str, Any]:
    """The day in four statements, however many providers and bookings there are.

    Raises LOCATION_NOT_FOUND, PROVIDER_NOT_FOUND.
    """
    after = position_after(cursor, UUID) or [UUID(int=0)]
    hours = [_hours(zone, date) for zone in _time_zones(vendor_id, location_id)]
    asked = {
        "vendor": vendor_id,
        "location": location_id,
        "zones": [one["time_zone"] for one in hours],
        "starts": [one["start"] for one in hours],
        "ends": [one["end"] for one in hours],
    }
    rows = db.read(_PROVIDERS, **asked, provider=provider_id, after=after[0], limit=limit + 1)
    if provider_id is not None and not rows and cursor is None:
        raise Problem("PROVIDER_NOT_FOUND", f"There is no provider {provider_id} here on that day.")
    shown = page(rows, limit, lambda row: row._asdict(), lambda row: (row.provider_id,))
    ids = [item["provider_id"] for item in shown["items"]]
    slots, held = defaultdict(list), defaultdict(list)
    for row in db.read(_SLOTS, **asked, providers=ids, limit=PER_PROVIDER_MAX + 1):
        slots[row.provider_id].append(row)
    for row in db.read(_BOOKINGS, **asked, providers=ids, limit=PER_PROVIDER_MAX + 1):
        held[row.provider_id].append(row.facts)
    items = [
        {**item, **_show(slots[item["provider_id"]], held[item["provider_id"]])}
        for item in shown["items"]
    ]
    return {"date": date.isoformat(), "hours": hours, **shown, "items": items}


def _show(slots: list[Any], held: list[dict[str, Any]]) -> dict[str, Any]:
    kept = held[:PER_PROVIDER_MAX]
    members = DaySlotSchema().fields
    return {
        "slots": [
            {name: getattr(row, name) for name in members} for row in slots[:PER_PROVIDER_MAX]
        ],
        "bookings": [show_booking(one, internal=True) for one in kept if one["kind"] != "block"],
        "blocks": [show_block(one) for one in kept if one["kind"] == "block"],
        "complete": max(len(slots), len(held)) <= PER_PROVIDER_MAX,
    }


def _hours(time_zone: str, day: date) -> dict[str, Any]:
    """The day's beginning and end there. A midnight that the clocks skip is when they have."""
    zone = ZoneInfo(time_zone)
    midnights = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    start, end = (midnight.astimezone(UTC) for midnight in midnights)
    return {"time_zone": time_zone, "start": start, "end": end}


def _time_zones(vendor_id: UUID, location_id: UUID | None) -> list[str]:
    rows = db.read(
        "SELECT DISTINCT time_zone FROM locations"
        " WHERE vendor_id = %s AND (id = %s OR %s::uuid IS NULL) ORDER BY time_zone",
        vendor_id,
        location_id,
        location_id,
    )
    if location_id is not None and not rows:
        raise Problem("LOCATION_NOT_FOUND", f"There is no location {location_id}.")
    return [row.time_zone for row in rows]


# The hours of each time zone; a location's day is that of its zone.
_HOURS = "unnest(%(zones)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])"
# From the first zone's midnight to the last one's: what a search by time can use.
_ANYWHERE = (
    "tstzrange((SELECT min(m) FROM unnest(%(starts)s::timestamptz[]) AS m),"
    " (SELECT max(m) FROM unnest(%(ends)s::timestamptz[]) AS m))"
)
_HERE = "(%(location)s::uuid IS NULL OR s.location_id = %(location)s)"
_SLOTS_OF_THE_DAY = f"""
    FROM slots s
    JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
    JOIN {_HOURS} AS h (zone, starts, ends)
      ON h.zone = l.time_zone AND s.during && tstzrange(h.starts, h.ends)
    WHERE s.vendor_id = %(vendor)s AND s.provider_id = p.id AND s.during && {_ANYWHERE} AND {_HERE}
"""
_PROVIDERS = f"""
    SELECT p.id AS provider_id, p.name, p.location_id, usual.time_zone
    FROM providers p
    JOIN locations usual ON usual.vendor_id = p.vendor_id AND usual.id = p.location_id
    WHERE p.vendor_id = %(vendor)s AND p.id > %(after)s
      AND (%(provider)s::uuid IS NULL OR p.id = %(provider)s)
      AND (p.archived_at IS NULL
           AND (%(location)s::uuid IS NULL OR p.location_id = %(location)s)
           OR EXISTS (SELECT {_SLOTS_OF_THE_DAY}))
    ORDER BY p.id LIMIT %(limit)s
"""  # noqa: S608  # Of constants alone.
_SLOTS = f"""
    SELECT p.id AS provider_id, found.*
    FROM unnest(%(providers)s::uuid[]) AS p (id)
    CROSS JOIN LATERAL (
        SELECT s.id, s.location_id, lower(s.during) AS start, upper(s.during) AS "end",
               l.time_zone, s.capacity, times_json(s.closed) AS closed,
               price_json(s.price_amount, s.price_currency) AS price, s.version
        {_SLOTS_OF_THE_DAY}
        ORDER BY lower(s.during), s.id LIMIT %(limit)s
    ) found ORDER BY p.id, found.start, found.id
"""  # noqa: S608
# By their claims, and so each with all its providers, and none that holds nothing.
_BOOKINGS = f"""
    SELECT p.id AS provider_id, describe_booking(%(vendor)s, found.booking_id) AS facts
    FROM unnest(%(providers)s::uuid[]) AS p (id)
    CROSS JOIN LATERAL (
        SELECT c.booking_id, min(lower(b.during)) AS starts
        FROM claims c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        JOIN slots s ON s.vendor_id = c.vendor_id AND s.id = c.slot_id
        JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
        JOIN {_HOURS} AS h (zone, starts, ends)
          ON h.zone = l.time_zone AND c.during && tstzrange(h.starts, h.ends)
        WHERE c.vendor_id = %(vendor)s AND c.provider_id = p.id AND c.during && {_ANYWHERE}
          AND {_HERE} AND NOT (b.status = 'held' AND b.hold_expires_at <= now())
        GROUP BY c.booking_id ORDER BY starts, c.booking_id LIMIT %(limit)s
    ) found ORDER BY p.id, found.starts, found.booking_id
"""  # noqa: S608
