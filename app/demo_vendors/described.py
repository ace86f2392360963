"""The words in which a demo vendor is described; days are counted from today, places by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calendar:
    """A provider: its schedules and exceptions as the API takes them, but days as numbers."""

    name: str
    location: str
    schedules: tuple[Body, ...]
    exceptions: tuple[Body, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the API takes it, and who fills each of its needs, the preferred first."""

    body: Body
    needs: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking at the first time that is free from `in_days` on, by the customer or at the desk.

    `nights`: so many slots of `provider` in a row. `cancelled`: why it was.
    """

    service: str
    in_days: int
    customer: Body | None = None
    channel: str | None = None
    provider: str | None = None
    nights: int | None = None
    quantity: int = 1
    cancelled: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Time of a provider that is closed, from one hour to another of a day."""

    provider: str
    in_days: int
    hours: tuple[int, int]
    reason: str


@dataclass(frozen=True, slots=True)
class DemoVendor:
    """A vendor with all that it has; the time zone is that of its locations, too."""

    slug: str
    name: str
    time_zone: str
    locations: dict[str, str]
    calendars: tuple[Calendar, ...]
    services: tuple[Service, ...]
    settings: Body = field(default_factory=dict)
    channels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bookings: tuple[Booked, ...] = ()
    blocks: tuple[Block, ...] = ()


def week(*hours: str, days: tuple[str, ...] = DAYS) -> dict[str, list[list[str]]]:
    """The same hours, such as 09:00-17:30, on each of the days."""
    return {day: [one.split("-") for one in hours] for day in days}


def person(name: str) -> Body:
    """Somebody with an address that leads nowhere."""
    return {"name": name, "email": f"{name.split(maxsplit=1)[0].lower()}@example.com"}
