"""The vendor of the demo: a salon with a chair, a long day and a class."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.auth.keys import create_key, find_key
from app.db import db
from app.idempotency import IdempotencyKey
from app.models import Location, Provider, Service, Vendor
from app.slots.actions import publish_slots
from app.vendors.actions import create, create_vendor

SLUG = "demo-salon"
TIME_ZONE = "Europe/Berlin"
DAYS = 14

PLACE = {
    "name": "Salon Sonnenallee",
    "address": "Sonnenallee 1, 12047 Berlin",
    "time_zone": TIME_ZONE,
}
SERVICES = (
    {
        "name": "Haircut",
        "duration_minutes": 45,
        "price": {"amount": 4500, "currency": "EUR"},
    },
    {
        "name": "Yoga class",
        "duration_minutes": None,
        "price": {"amount": 1500, "currency": "EUR"},
    },
)


class Calendar(NamedTuple):
    """A provider, the hours at which its slots begin each day, their length and their places."""

    name: str
    hours: range
    minutes: int
    capacity: int


CALENDARS = (
    Calendar("Alex, chair 1", range(9, 17), 45, 1),
    Calendar("Kim, by agreement", range(9, 10), 8 * 60, 1),
    Calendar("Yoga room", range(18, 19), 75, 12),
)

ONCE = IdempotencyKey(None, None)
LOADER = {"type": "system", "id": "demo"}


def load_demo_vendor(now: datetime, known_key: str | None) -> str:
    """Make the demo vendor as it should be today, and return a valid key of it.

    What is there stays; slots are topped up to DAYS days from `now`. `known_key` is returned again
    if it is still valid.
    """
    vendor_id = _vendor()
    place = _once(Location, vendor_id, PLACE)
    for service in SERVICES:
        _once(Service, vendor_id, service)
    for calendar in CALENDARS:
        values = {"name": calendar.name, "location_id": place}
        slots = [
            {
                "start": start,
                "end": start + timedelta(minutes=calendar.minutes),
                "capacity": calendar.capacity,
            }
            for start in _starts(now, calendar.hours)
        ]
        publish_slots(vendor_id, _once(Provider, vendor_id, values), slots, "skip", LOADER)
    known = find_key(known_key) if known_key else None
    if known_key and known is not None and known.vendor_id == vendor_id:
        return known_key
    return create_key(vendor_id, "demo")[1]


def _vendor() -> UUID:
    found = db.session.scalar(select(Vendor).where(Vendor.slug == SLUG))
    vendor = found or create_vendor(SLUG, "Demo Salon", TIME_ZONE)
    vendor_id: UUID = vendor.id
    return vendor_id


def _once(
    model: type[Location | Provider | Service], vendor_id: UUID, values: dict[str, Any]
) -> UUID:
    found: UUID | None = db.session.scalar(
        select(model.id).where(
            model.vendor_id == vendor_id,
            model.name == values["name"],
            model.archived_at.is_(None),
        )
    )
    return found or UUID(str(create(model, vendor_id, values, ONCE)[0]["id"]))


def _starts(now: datetime, hours: range) -> list[datetime]:
    """The full hours of the days to come, by the salon's clock, as moments of UTC."""
    here = ZoneInfo(TIME_ZONE)
    today: date = now.astimezone(here).date()
    local = [
        datetime.combine(today + timedelta(days=day), time(hour), here)
        for day in range(DAYS + 1)
        for hour in hours
    ]
    return [start.astimezone(ZoneInfo("UTC")) for start in local if start > now]
