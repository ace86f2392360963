"""Reads of schedules and exceptions, as answers show them and as weeks to expand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db import db, read
from app.errors import Problem
from app.models import Location, Provider, Schedule, ScheduleException
from app.schedules.expand import Deviation, Week, zone_of
from app.schedules.hours import read_day, read_week
from app.wire.pages import page, position_after

LOOK_AGAIN = "interval '1 hour'"
# Where time is kept for bookings, and may be wanted otherwise as soon as they are gone.
LOOK_SOON = "interval '1 minute'"
Kept = TypeVar("Kept", Schedule, ScheduleException)

NOT_FOUND: dict[type[Schedule | ScheduleException], tuple[str, str]] = {
    Schedule: ("SCHEDULE_NOT_FOUND", "schedule"),
    ScheduleException: ("EXCEPTION_NOT_FOUND", "exception"),
}
# In one statement, so that they belong together. What is over for long gives nothing any more.
_SCHEDULES = text("""
    SELECT s.*, COALESCE(s.location_id, p.location_id) AS at, l.time_zone, l.archived_at AS gone
    FROM schedules s
    JOIN providers p ON p.vendor_id = s.vendor_id AND p.id = s.provider_id
    JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = COALESCE(s.location_id, p.location_id)
    WHERE s.vendor_id = :vendor_id AND s.provider_id = :provider_id AND s.archived_at IS NULL
      AND (s.valid_until IS NULL OR s.valid_until >= :since)
    ORDER BY s.id
""")
_EXCEPTIONS = text("""
    SELECT e.* FROM schedule_exceptions e
    WHERE e.vendor_id = :vendor_id AND e.provider_id = :provider_id AND e.archived_at IS NULL
      AND e.ends_on >= :since
    ORDER BY e.id
""")


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that a provider's published slots come from."""

    weeks: tuple[Week, ...]
    deviations: tuple[Deviation, ...]


def read_calendar(session: Session, vendor_id: UUID, provider_id: UUID, since: date) -> Calendar:
    """The provider's schedules and exceptions that say anything of the days since then.

    A schedule at a location that is archived says nothing.
    """
    of = {"vendor_id": vendor_id, "provider_id": provider_id, "since": since}
    weeks = [row for row in session.execute(_SCHEDULES, of) if row.gone is None]
    deviations = session.execute(_EXCEPTIONS, of)
    return Calendar(tuple(map(_week, weeks)), tuple(map(_deviation, deviations)))


def week_of(row: Any, location_id: UUID, time_zone: str) -> Week:
    """A schedule's row as a week at its place."""
    price = None if row.price_amount is None else (row.price_amount, row.price_currency)
    return Week(
        schedule_id=row.id,
        location_id=location_id,
        zone=zone_of(time_zone),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        days=read_week(row.weekly),
        slot_minutes=row.slot_minutes,
        gap_minutes=row.gap_minutes,
        capacity=row.capacity,
        price=price,
    )


def _week(row: Any) -> Week:
    return week_of(row, row.at, row.time_zone)


def _deviation(row: Any) -> Deviation:
    return Deviation(row.schedule_id, row.starts_on, row.ends_on, row.kind, read_day(row.hours))


def get_one(model: type[Kept], vendor_id: UUID, row_id: UUID) -> dict[str, Any]:
    """The row, archived or not. Raises …_NOT_FOUND."""
    row = db.session.get(model, (vendor_id, row_id))
    if row is None:
        raise not_found(model, row_id)
    return show(db.session(), row)


def list_page(
    model: type[Kept], vendor_id: UUID, provider_id: UUID, limit: int, cursor: str | None
) -> dict[str, Any]:
    """The provider's rows that are not archived, oldest first. Raises PROVIDER_NOT_FOUND."""
    session = db.session()
    require_provider(session, vendor_id, provider_id)
    wanted = select(model).where(
        model.vendor_id == vendor_id,
        model.provider_id == provider_id,
        model.archived_at.is_(None),
    )
    after = position_after(cursor, UUID)
    if after is not None:
        wanted = wanted.where(model.id > after[0])
    rows = session.scalars(wanted.order_by(model.id).limit(limit + 1)).all()
    return page(rows, limit, lambda row: show(session, row), lambda row: (row.id,))


def require_provider(session: Session, vendor_id: UUID, provider_id: UUID) -> Provider:
    """The provider, if it is one and not archived. Raises PROVIDER_NOT_FOUND."""
    provider = session.get(Provider, (vendor_id, provider_id), populate_existing=True)
    if provider is None or provider.archived_at is not None:
        raise Problem("PROVIDER_NOT_FOUND", f"There is no provider {provider_id}.")
    return provider


def not_found(model: type[Schedule | ScheduleException], row_id: UUID) -> Problem:
    """That this vendor has no such row."""
    code, name = NOT_FOUND[model]
    return Problem(code, f"There is no {name} {row_id}.")


def show(session: Session, row: Schedule | ScheduleException) -> dict[str, Any]:
    """The row as answers hold it."""
    return {
        "id": row.id,
        "provider_id": row.provider_id,
        **(_shown_schedule(session, row) if isinstance(row, Schedule) else _shown_exception(row)),
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "archived_at": row.archived_at,
    }


def _shown_schedule(session: Session, row: Schedule) -> dict[str, Any]:
    amount = row.price_amount
    price = None if amount is None else {"amount": amount, "currency": row.price_currency}
    return {
        "location_id": row.location_id,
        "time_zone": time_zone_of(session, row.vendor_id, row.provider_id, row.location_id),
        "valid_from": _day(row.valid_from),
        "valid_until": _day(row.valid_until),
        "weekly": row.weekly,
        "slot_minutes": row.slot_minutes,
        "gap_minutes": row.gap_minutes,
        "capacity": row.capacity,
        "price": price,
    }


def _shown_exception(row: ScheduleException) -> dict[str, Any]:
    return {
        "schedule_id": row.schedule_id,
        "starts_on": _day(row.starts_on),
        "ends_on": _day(row.ends_on),
        "kind": row.kind,
        "hours": row.hours,
        "reason": row.reason,
    }


def time_zone_of(
    session: Session, vendor_id: UUID, provider_id: UUID, location_id: UUID | None
) -> str:
    """The time zone of the location, or of the one where the provider usually is."""
    if location_id is None:
        location_id = session.get_one(Provider, (vendor_id, provider_id)).location_id
    return session.get_one(Location, (vendor_id, location_id)).time_zone


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def last_published(session: Session, vendor_id: UUID, provider_id: UUID) -> datetime | None:
    """When the last slot begins that came from the provider's schedules."""
    found: datetime | None = session.scalar(
        text(
            "SELECT max(lower(during)) FROM slots WHERE vendor_id = :vendor_id"
            " AND provider_id = :provider_id AND schedule_id IS NOT NULL AND lower(during) > now()"
        ),
        {"vendor_id": vendor_id, "provider_id": provider_id},
    )
    return found


_LEFT_OVER = text("""
    SELECT (SELECT string_agg(format('%s %s %s %s', s.id, c.booking_id, c.during, c.quantity), ','
                              ORDER BY s.id, c.booking_id, c.ordinal)
            FROM slots s
            LEFT JOIN (claims c JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
                       AND NOT (b.status = 'held' AND b.hold_expires_at <= now()))
              ON c.vendor_id = s.vendor_id AND c.slot_id = s.id
            WHERE s.vendor_id = :vendor_id AND s.provider_id = :provider_id
              AND s.closed <> '{}' AND lower(s.during) > now()) AS kept,
           (SELECT string_agg(format('%s %s %s', o.slot_id, o.during, o.places), ','
                              ORDER BY o.slot_id, o.during)
            FROM find_open_busy_time(:vendor_id, :provider_id) AS o) AS open
""")


def left_over(session: Session, vendor_id: UUID, provider_id: UUID) -> tuple[str | None, ...]:
    """What publishing has to do again when it changes, though no schedule has: bookings in time
    that is kept for them alone, and busy time that is not closed (of lapsed holds, say).
    """
    of = {"vendor_id": vendor_id, "provider_id": provider_id}
    return tuple(session.execute(_LEFT_OVER, of).one())


# Providers that have schedules, or had some: these have slots, maybe, that are still to go. And
# those with busy time to come, which is to be closed in whatever is published.
_SCHEDULED = """
    FROM providers p
    LEFT JOIN schedule_publishings sp ON sp.vendor_id = p.vendor_id AND sp.provider_id = p.id
    WHERE p.archived_at IS NULL AND (
        EXISTS (SELECT FROM schedules s WHERE s.vendor_id = p.vendor_id AND s.provider_id = p.id)
        OR EXISTS (SELECT FROM busy_times t WHERE t.vendor_id = p.vendor_id
                   AND t.provider_id = p.id AND t.archived_at IS NULL
                   AND t.during && tstzrange(now(), NULL)))
"""


def scheduled_providers(vendor_id: UUID) -> list[tuple[UUID, str]]:
    """The vendor's providers with schedules or busy time to come: id and name."""
    found = f"SELECT p.id, p.name {_SCHEDULED} AND p.vendor_id = %s ORDER BY p.id"
    return [(row.id, row.name) for row in read(found, vendor_id)]


def due_everywhere() -> list[tuple[UUID, UUID]]:
    """The providers with schedules or busy time that nobody has looked at for an hour, or for a
    minute where time is kept for bookings: vendor and provider.
    """
    kept = (
        "SELECT FROM slots s WHERE s.vendor_id = p.vendor_id AND s.provider_id = p.id"
        " AND s.closed <> '{}' AND lower(s.during) > now()"
    )
    wait = f"CASE WHEN EXISTS ({kept}) THEN {LOOK_SOON} ELSE {LOOK_AGAIN} END"
    due = f"(sp.looked_at < now() - {wait}) IS NOT FALSE"
    found = f"""
        SELECT p.vendor_id, p.id {_SCHEDULED} AND {due} AND EXISTS (
            SELECT FROM vendors v WHERE v.id = p.vendor_id AND v.archived_at IS NULL)
        ORDER BY p.vendor_id, p.id
    """  # noqa: S608  # Constants of ours.
    return [(row.vendor_id, row.id) for row in read(found)]
