"""Changes of time off; published time is closed, or open again, in the same transaction.

Locks: idempotency key, the provider's schedules, the row, the slots it is or was about by id, then
what close_busy_time locks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import cast
from uuid import UUID

from psycopg.types.multirange import TimestamptzMultirange
from psycopg.types.range import TimestamptzRange
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app import db
from app.errors import InvalidRequest
from app.errors.refusals import refusal
from app.idempotency import IdempotencyKey, remember
from app.models import BusyTime
from app.schedules.actions import Change
from app.schedules.busy.queries import (
    TIME_OFF,
    Shown,
    in_the_way,
    not_found,
    require_time_off,
    show,
)
from app.schedules.closing import close_in_pieces
from app.schedules.expand import instant, zone_of
from app.schedules.publishing import lock_schedules
from app.schedules.queries import require_provider, time_zone_of

DAYS_MAX = 3660
_MOMENTS, _DAYS = ("start", "end"), ("starts_on", "ends_on")


def create_time_off(
    of: Change, provider_id: UUID, values: Shown, key: IdempotencyKey
) -> tuple[Shown, bool]:
    """The new time off with `blocking` and False, or what the same request made before and True.

    Raises PROVIDER_NOT_FOUND, INVALID_DATE_RANGE, IDEMPOTENCY_CONFLICT, InvalidRequest.
    """
    return db.persist(lambda: _create(of, provider_id, values, key), repeatable=key.key is not None)


def _create(
    of: Change, provider_id: UUID, values: Shown, key: IdempotencyKey
) -> tuple[Shown, bool]:
    with db.transaction() as session:
        row_id = cast("UUID", session.scalar(select(func.uuidv7())))
        before = remember(session, of.vendor_id, key, {"id": str(row_id)})
        lock_schedules(session, of.vendor_id, provider_id)
        require_provider(session, of.vendor_id, provider_id)
        if before is not None:
            row = session.get_one(BusyTime, (of.vendor_id, UUID(before["id"])))
            told = in_the_way(session, of.vendor_id, provider_id, [row.id])
            blocking = {"blocked": 0, "lifted": 0, **told}
            return {**show(session, row), "blocking": blocking}, True
        row = BusyTime(vendor_id=of.vendor_id, id=row_id, provider_id=provider_id, source=TIME_OFF)
        _take(session, row, values)
        session.add(row)
        return _closed(session, row, of, [row.during]), False


def change_time_off(
    of: Change, time_off_id: UUID, values: Shown, expected_version: int | None
) -> Shown:
    """The time off with `values` and `blocking`; unchanged values make no new version.

    Raises TIME_OFF_NOT_FOUND (also when it is archived), PROVIDER_NOT_FOUND, PRECONDITION_FAILED,
    INVALID_DATE_RANGE, InvalidRequest.
    """

    def take(session: Session, row: BusyTime) -> None:
        if row.archived_at is not None:
            raise not_found(time_off_id)
        _take(session, row, values)

    return db.persist(lambda: _change(of, time_off_id, expected_version, take))


def archive_time_off(of: Change, time_off_id: UUID, expected_version: int | None) -> Shown:
    """The time off, which closes nothing any more, with `blocking`; again: changes nothing.

    Raises TIME_OFF_NOT_FOUND, PROVIDER_NOT_FOUND, PRECONDITION_FAILED.
    """

    def take(_session: Session, row: BusyTime) -> None:
        if row.archived_at is None:
            row.archived_at = datetime.now(UTC)

    return db.persist(lambda: _change(of, time_off_id, expected_version, take))


def _change(
    of: Change,
    time_off_id: UUID,
    expected_version: int | None,
    take: Callable[[Session, BusyTime], None],
) -> Shown:
    with db.transaction() as session:
        found = require_time_off(session, of.vendor_id, time_off_id)
        # It stays its provider's for ever, so whose schedules to lock is known without a lock.
        lock_schedules(session, of.vendor_id, found.provider_id)
        # NO KEY: whoever gives a place back to it just now holds its key, and a slot we wait for.
        row = session.get_one(
            BusyTime,
            (of.vendor_id, time_off_id),
            with_for_update={"key_share": True},
            populate_existing=True,
        )
        require_provider(session, of.vendor_id, row.provider_id)
        if expected_version is not None and expected_version != row.version:
            raise refusal("PRECONDITION_FAILED", {"version": row.version})
        before = row.during
        take(session, row)
        changed = session.is_modified(row)
        if changed:
            row.version += 1
            row.updated_at = datetime.now(UTC)
        return _closed(session, row, of, [before, row.during] if changed else [])


def _closed(session: Session, row: BusyTime, of: Change, changed: list[Range[datetime]]) -> Shown:
    session.flush()
    session.refresh(row)
    blocking = close_busy_time(session, row.provider_id, of, [row.id], changed)
    shown = {**show(session, row), "blocking": blocking}
    if of.dry_run:
        session.rollback()
    return shown


def close_busy_time(
    session: Session,
    provider_id: UUID,
    of: Change,
    busy_time_ids: list[UUID],
    changed: list[Range[datetime]],
) -> Shown:
    """What `blocking` of the API holds, once published time and busy time agree.

    `changed`: what has become busy, or is busy no more.
    """
    _lock_slots(session, provider_id, of, changed)
    done = close_in_pieces(session, of.vendor_id, provider_id, p_actor=of.actor)
    return {**done, **in_the_way(session, of.vendor_id, provider_id, busy_time_ids)}


def _lock_slots(
    session: Session, provider_id: UUID, of: Change, changed: list[Range[datetime]]
) -> None:
    """Whoever gives a place back reads what is busy under the slot's lock.

    Of those in flight this waits for the end; those who come later find what has changed.
    """
    now = datetime.now(UTC)
    bounds = [
        (max(cast("datetime", one.lower), now), cast("datetime", one.upper)) for one in changed
    ]
    to_come = [TimestamptzRange(start, end) for start, end in bounds if start < end]
    if to_come:
        db.call(
            "lock_slots_in",
            within=session,
            p_vendor_id=of.vendor_id,
            p_provider_id=provider_id,
            p_times=TimestamptzMultirange(to_come),
        )


def _take(session: Session, row: BusyTime, values: Shown) -> None:
    during = _during(session, row, values)
    if row.during != during:
        row.during = during
    if "reason" in values and row.reason != values["reason"]:
        row.reason = values["reason"]


def _during(session: Session, row: BusyTime, values: Shown) -> Range[datetime]:
    """From when to when: moments, or whole days of the clock at the provider's place."""
    by_day = any(name in values for name in _DAYS)
    if by_day and any(name in values for name in _MOMENTS):
        raise InvalidRequest({"starts_on": "Give either days, or start and end."})
    if by_day:
        start, end = _days(session, row, values)
    else:
        start, end = _moments(row, values)
    # The one that was given: of a change it may be the start alone.
    first, last = _DAYS if by_day else _MOMENTS
    field = last if last in values else first
    if end <= start:
        raise refusal("INVALID_DATE_RANGE", {"field": field, "reason": "end_not_after_start"})
    if end - start > timedelta(days=DAYS_MAX):
        raise InvalidRequest({field: f"At most {DAYS_MAX} days long."})
    return Range(start, end)


def _days(session: Session, row: BusyTime, values: Shown) -> tuple[datetime, datetime]:
    # Of a new row it is None; of what is there, the end that is not said stays.
    present = cast("Range[datetime] | None", row.during)
    first: date | None = values.get("starts_on")
    last: date | None = values.get("ends_on", None if present else first)
    if first is None and present is None:
        raise InvalidRequest({"starts_on": "Is required."})
    if first and last and last < first:
        raise InvalidRequest({"ends_on": "The last day must not be before the first."})
    zone = zone_of(time_zone_of(session, row.vendor_id, row.provider_id, None))
    start = instant(first, 0, zone) if first else present and present.lower
    end = instant(last + timedelta(days=1), 0, zone) if last else present and present.upper
    return cast("datetime", start), cast("datetime", end)


def _moments(row: BusyTime, values: Shown) -> tuple[datetime, datetime]:
    # Of a new row it is None.
    present = cast("Range[datetime] | None", row.during)
    start: datetime | None = values.get("start", present and present.lower)
    end: datetime | None = values.get("end", present and present.upper)
    if start is None or end is None:
        raise InvalidRequest({"start" if start is None else "end": "Is required."})
    return start, end
