"""Changes of schedules and exceptions, each published in the same transaction.

Locks: idempotency key, the provider's schedules, their row, slots. A location is only looked at:
one that is archived meanwhile gives nothing when its schedules are next published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import db
from app.errors import Problem
from app.errors.refusals import refusal
from app.idempotency import IdempotencyKey, remember
from app.models import Location, Schedule, ScheduleException
from app.schedules.expand import zone_of
from app.schedules.publishing import lock_schedules, publish
from app.schedules.queries import not_found, require_provider, show, time_zone_of
from app.schedules.rules import check_exception, check_schedule
from app.wire.fields import merged_money

Kept = TypeVar("Kept", Schedule, ScheduleException)
Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes, and whether it is only to be told."""

    vendor_id: UUID
    actor: dict[str, Any]
    dry_run: bool


def create(
    model: type[Kept], of: Change, provider_id: UUID, values: Shown, key: IdempotencyKey
) -> tuple[Shown, bool]:
    """The new row with `publishing` and False, or what the same request made before and True.

    Raises PROVIDER_NOT_FOUND, LOCATION_NOT_FOUND, SCHEDULE_NOT_FOUND, SCHEDULE_OVERLAP,
    IDEMPOTENCY_CONFLICT, InvalidRequest.
    """
    return db.persist(
        lambda: _create(model, of, provider_id, values, key), repeatable=key.key is not None
    )


def _create(
    model: type[Kept], of: Change, provider_id: UUID, values: Shown, key: IdempotencyKey
) -> tuple[Shown, bool]:
    with db.transaction() as session:
        row_id = cast("UUID", session.scalar(select(func.uuidv7())))
        before = remember(session, of.vendor_id, key, {"id": str(row_id)})
        lock_schedules(session, of.vendor_id, provider_id)
        require_provider(session, of.vendor_id, provider_id)
        if before is not None:
            row = session.get_one(model, (of.vendor_id, UUID(before["id"])))
            told = publish(session, of.vendor_id, provider_id, dry_run=True)
            return {**show(session, row), "publishing": told}, True
        row = model(vendor_id=of.vendor_id, id=row_id, provider_id=provider_id)
        _take(session, row, values)
        session.add(row)
        return _published(session, row, of), False


def change(
    model: type[Kept], of: Change, row_id: UUID, values: Shown, expected_version: int | None
) -> Shown:
    """The row with `values` and `publishing`; unchanged values make no new version.

    Raises …_NOT_FOUND (also when it is archived), PRECONDITION_FAILED, and what create raises.
    """

    def take(session: Session, row: Kept) -> None:
        if row.archived_at is not None:
            raise not_found(model, row_id)
        _take(session, row, values)

    return db.persist(lambda: _change(model, of, row_id, expected_version, take))


def archive(model: type[Kept], of: Change, row_id: UUID, expected_version: int | None) -> Shown:
    """The row, which gives nothing any more, with `publishing`; again: changes nothing.

    Raises …_NOT_FOUND, PRECONDITION_FAILED.
    """

    def take(_session: Session, row: Kept) -> None:
        if row.archived_at is None:
            row.archived_at = datetime.now(UTC)

    return db.persist(lambda: _change(model, of, row_id, expected_version, take))


def _change(
    model: type[Kept],
    of: Change,
    row_id: UUID,
    expected_version: int | None,
    take: Callable[[Session, Kept], None],
) -> Shown:
    with db.transaction() as session:
        found = session.get(model, (of.vendor_id, row_id))
        if found is None:
            raise not_found(model, row_id)
        # A row stays its provider's for ever, so whose schedules to lock is known without a lock.
        lock_schedules(session, of.vendor_id, found.provider_id)
        row = session.get_one(
            model, (of.vendor_id, row_id), with_for_update=True, populate_existing=True
        )
        require_provider(session, of.vendor_id, row.provider_id)
        if expected_version is not None and expected_version != row.version:
            raise refusal("PRECONDITION_FAILED", {"version": row.version})
        take(session, row)
        if session.is_modified(row):
            row.version += 1
            row.updated_at = datetime.now(UTC)
        return _published(session, row, of)


def _published(session: Session, row: Schedule | ScheduleException, of: Change) -> Shown:
    session.flush()
    session.refresh(row)
    told = publish(session, of.vendor_id, row.provider_id, dry_run=of.dry_run, actor=of.actor)
    shown = {**show(session, row), "publishing": told}
    if of.dry_run:
        session.rollback()
    return shown


def _take(session: Session, row: Schedule | ScheduleException, values: Shown) -> None:
    """Give the row these values, checked as a whole."""
    if isinstance(row, Schedule):
        _take_schedule(session, row, values)
    else:
        _take_exception(session, row, values)


def _take_schedule(session: Session, row: Schedule, values: Shown) -> None:
    values = dict(values)
    location_id = values.get("location_id", row.location_id)
    _require_location(session, row.vendor_id, values.get("location_id"))
    if "price" in values:
        values |= _price(row, values.pop("price"))
    if "weekly" in values:
        merged = {**(row.weekly or {}), **values["weekly"]}
        values["weekly"] = {day: hours for day, hours in merged.items() if hours}
    zone = time_zone_of(session, row.vendor_id, row.provider_id, location_id)
    if row.valid_from is None:
        today = datetime.now(zone_of(zone)).date()
        values = {"valid_from": today, "gap_minutes": 0, "capacity": 1, **values}
    # As a whole, and before the row has it: what is refused must not be written by a flush.
    check_schedule(session, row, values, zone)
    _set(row, values)


def _take_exception(session: Session, row: ScheduleException, values: Shown) -> None:
    schedule_id = values.get("schedule_id")
    if schedule_id is not None:
        schedule = session.get(Schedule, (row.vendor_id, schedule_id))
        if schedule is None or schedule.archived_at or schedule.provider_id != row.provider_id:
            raise not_found(Schedule, schedule_id)
    if row.starts_on is None:
        values = {"ends_on": values["starts_on"], "hours": [], **values}
    check_exception(row, values)
    _set(row, values)


def _set(row: Schedule | ScheduleException, values: Shown) -> None:
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def _price(row: Schedule, patch: Shown | None) -> Shown:
    present = {"amount": row.price_amount, "currency": row.price_currency}
    price = merged_money(patch, None if row.price_amount is None else present)
    price = price or {"amount": None, "currency": None}
    return {"price_amount": price["amount"], "price_currency": price["currency"]}


def _require_location(session: Session, vendor_id: UUID, location_id: UUID | None) -> None:
    if location_id is None:
        return
    location = session.get(Location, (vendor_id, location_id))
    if location is None or location.archived_at is not None:
        raise Problem("LOCATION_NOT_FOUND", f"There is no location {location_id}.")
