"""Reads of busy times, as answers show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from app import db
from app.db import db as database
from app.errors import Problem
from app.models import BusyTime
from app.schedules.queries import require_provider, time_zone_of
from app.wire.pages import page, position_after
from app.wire.windows import require_order

Shown = dict[str, Any]
TIME_OFF, CALENDAR = "time_off", "calendar"


def get_time_off(vendor_id: UUID, time_off_id: UUID) -> Shown:
    """The time off, archived or not. Raises TIME_OFF_NOT_FOUND."""
    session = database.session()
    return show(session, require_time_off(session, vendor_id, time_off_id))


def require_time_off(session: Session, vendor_id: UUID, time_off_id: UUID) -> BusyTime:
    """The row. Raises TIME_OFF_NOT_FOUND, also of what came with a calendar."""
    row = session.get(BusyTime, (vendor_id, time_off_id), populate_existing=True)
    if row is None or row.source != TIME_OFF:
        raise not_found(time_off_id)
    return row


def not_found(time_off_id: UUID) -> Problem:
    """That this vendor has no such time off."""
    return Problem("TIME_OFF_NOT_FOUND", f"There is no time off {time_off_id}.")


def list_busy_times(
    vendor_id: UUID,
    provider_id: UUID,
    source: str,
    *,
    limit: int,
    cursor: str | None,
    start: datetime | None = None,
    end: datetime | None = None,
    calendar: str | None = None,
) -> Shown:
    """A page of what stands and overlaps [start, end), by start.

    Raises PROVIDER_NOT_FOUND, INVALID_DATE_RANGE.
    """
    require_order(start, end)
    session = database.session()
    require_provider(session, vendor_id, provider_id)
    starts = func.lower(BusyTime.during)
    wanted = select(BusyTime).where(
        BusyTime.vendor_id == vendor_id,
        BusyTime.provider_id == provider_id,
        BusyTime.archived_at.is_(None),
        BusyTime.source == source,
        func.upper(BusyTime.during) > (start or datetime.now(UTC)),
    )
    if end is not None:
        wanted = wanted.where(starts < end)
    if calendar is not None:
        wanted = wanted.where(BusyTime.calendar == calendar)
    after = position_after(cursor, datetime.fromisoformat, UUID)
    if after is not None:
        wanted = wanted.where(tuple_(starts, BusyTime.id) > tuple_(*after))
    rows = session.scalars(wanted.order_by(starts, BusyTime.id).limit(limit + 1)).all()
    return page(rows, limit, lambda row: show(session, row), lambda row: (row.during.lower, row.id))


def show(session: Session, row: BusyTime) -> Shown:
    """The row as answers hold it."""
    shown: Shown = {"id": row.id, "provider_id": row.provider_id}
    if row.source == CALENDAR:
        shown["calendar"] = row.calendar
    return shown | {
        "start": row.during.lower,
        "end": row.during.upper,
        "time_zone": time_zone_of(session, row.vendor_id, row.provider_id, None),
        "reason": row.reason,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "archived_at": row.archived_at,
    }


def in_the_way(
    session: Session, vendor_id: UUID, provider_id: UUID, busy_time_ids: list[UUID]
) -> Shown:
    """The bookings that stand in these busy times: `in_the_way` and `in_the_way_total`."""
    row = db.call(
        "bookings_in_busy_time",
        within=session,
        p_vendor_id=vendor_id,
        p_provider_id=provider_id,
        p_busy_time_ids=busy_time_ids,
    )
    facts: Shown = row.bookings_in_busy_time
    return facts
