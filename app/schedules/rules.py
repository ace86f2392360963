"""What a schedule or an exception must be as a whole, once a change is merged into it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import InvalidRequest
from app.errors.refusals import refusal
from app.models import Schedule, ScheduleException
from app.schedules.expand import Hours
from app.schedules.hours import (
    WEEKDAYS,
    overlap_in_week,
    overlap_of_weeks,
    overlapping,
    read_day,
    read_hours,
    read_week,
)
from app.schedules.queries import time_zone_of, week_of

EXCEPTION_DAYS_MAX = 3660
NOT_BEFORE = "The last day must not be before the first."
OVERLAP = "Some of these times overlap."


def check_schedule(
    session: Session, row: Schedule, values: Mapping[str, Any], time_zone: str
) -> None:
    """Raises InvalidRequest by the member, and SCHEDULE_OVERLAP with the provider's other one."""
    new = _merged(row, values)
    if new.valid_until is not None and new.valid_until < new.valid_from:
        raise InvalidRequest({"valid_until": NOT_BEFORE})
    if new.slot_minutes is None and new.gap_minutes:
        raise InvalidRequest({"gap_minutes": "Only between slots of a length: give slot_minutes."})
    for name in WEEKDAYS:
        written = new.weekly.get(name, [])
        _check_hours(f"weekly.{name}", written)
        for number, hours in enumerate(written):
            if new.slot_minutes is not None and _minutes(read_hours(hours)) < new.slot_minutes:
                raise InvalidRequest({f"weekly.{name}.{number}": "Shorter than slot_minutes."})
    overlap = overlap_in_week(read_week(new.weekly))
    if overlap is not None:
        raise InvalidRequest(
            {f"weekly.{overlap}": "Overlaps the night of the day before, which goes on until then."}
        )
    _check_others(session, row, new, time_zone)


def _check_others(session: Session, row: Schedule, new: Any, time_zone: str) -> None:
    week = week_of(new, row.location_id or row.provider_id, time_zone)
    with session.no_autoflush:
        others = session.scalars(
            select(Schedule)
            .where(
                Schedule.vendor_id == row.vendor_id,
                Schedule.provider_id == row.provider_id,
                Schedule.archived_at.is_(None),
                Schedule.id != row.id,
            )
            .order_by(Schedule.id)
        ).all()
        for other in others:
            zone = time_zone_of(session, row.vendor_id, row.provider_id, other.location_id)
            day = overlap_of_weeks(week, week_of(other, other.id, zone))
            if day is not None:
                facts = {"schedule_id": str(other.id), "date": day.isoformat()}
                raise refusal("SCHEDULE_OVERLAP", facts)


def check_exception(row: ScheduleException, values: Mapping[str, Any]) -> None:
    """Raises InvalidRequest by the member."""
    new = _merged(row, values)
    if new.ends_on < new.starts_on:
        raise InvalidRequest({"ends_on": NOT_BEFORE})
    if new.ends_on - new.starts_on > timedelta(days=EXCEPTION_DAYS_MAX):
        raise InvalidRequest({"ends_on": f"At most {EXCEPTION_DAYS_MAX} days after the first."})
    _check_hours("hours", new.hours)
    if new.kind == "closed" and new.hours:
        raise InvalidRequest({"hours": "Closed days have none: leave them out."})
    if new.kind != "closed" and not new.hours:
        raise InvalidRequest({"hours": f"Days of the kind {new.kind} need some."})


def _check_hours(field: str, written: list[list[str]]) -> None:
    for number, hours in enumerate(written):
        try:
            read_hours(hours)
        except ValueError as error:
            raise InvalidRequest({f"{field}.{number}": str(error)}) from None
    if overlapping(read_day(written)):
        raise InvalidRequest({field: OVERLAP})


def _minutes(hours: Hours) -> int:
    return hours.ends - hours.starts


def _merged(row: Schedule | ScheduleException, values: Mapping[str, Any]) -> Any:
    """The row as it would be, and not yet is."""
    columns = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return SimpleNamespace(**{**columns, **values})
