"""Imports of a provider's own calendar: each replaces what that calendar said before.

Locks: idempotency key, the provider's schedules, slots in what has changed by id, then what
close_busy_time locks. The file is read before any of them.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app import db
from app.errors import InvalidRequest
from app.idempotency import IdempotencyKey, remember
from app.models import BusyTime
from app.schedules.actions import Change
from app.schedules.busy.actions import close_busy_time
from app.schedules.busy.ical import CalendarError
from app.schedules.busy.queries import CALENDAR, Shown
from app.schedules.busy.recurrence import REASONS, Busy, read_calendar
from app.schedules.expand import zone_of
from app.schedules.publishing import lock_schedules, publish_days
from app.schedules.queries import require_provider, time_zone_of
from app.schedules.schemas import REASON_MAX

# However little is published: what is published by hand may be further ahead.
DAYS_MIN = 366


def import_calendar(
    of: Change, provider_id: UUID, raw: bytes, wanted: Shown, key: IdempotencyKey
) -> tuple[Shown, bool]:
    """What ImportedSchema shows, and whether this was a replay, which changes nothing.

    `wanted`: what CalendarImportQuery loads. Raises PROVIDER_NOT_FOUND, IDEMPOTENCY_CONFLICT, and
    InvalidRequest with the line that is wrong.
    """
    return db.persist(
        lambda: _import(of, provider_id, raw, wanted, key), repeatable=key.key is not None
    )


def _import(
    of: Change, provider_id: UUID, raw: bytes, wanted: Shown, key: IdempotencyKey
) -> tuple[Shown, bool]:
    now = datetime.now(UTC)
    until = now + timedelta(days=max(publish_days(), DAYS_MIN))
    with db.transaction() as session:
        require_provider(session, of.vendor_id, provider_id)
        zone = zone_of(time_zone_of(session, of.vendor_id, provider_id, None))
        try:
            reading = read_calendar(raw, zone, now, until)
        except CalendarError as error:
            raise InvalidRequest({"body": str(error)}) from None
        replayed = remember(session, of.vendor_id, key, {}) is not None
        lock_schedules(session, of.vendor_id, provider_id)
        require_provider(session, of.vendor_id, provider_id)
        ids, counts, changed = list[UUID](), Counter[str](), list[Range[datetime]]()
        if not replayed:
            # Otherwise a later import may have followed, which stands.
            ids, counts, changed = _replace(session, of, provider_id, wanted, reading.times)
        blocking = close_busy_time(session, provider_id, of, ids, changed)
        shown = {
            "calendar": wanted["calendar"],
            "until": until,
            "events": reading.events,
            **{name: counts[name] for name in ("imported", "changed", "unchanged", "removed")},
            "ignored": {why: reading.ignored[why] for why in REASONS},
            "blocking": blocking,
        }
        if of.dry_run:
            session.rollback()
        return shown, replayed


def _replace(
    session: Session, of: Change, provider_id: UUID, wanted: Shown, times: list[Busy]
) -> tuple[list[UUID], Counter[str], list[Range[datetime]]]:
    """The calendar's busy times are these; the ids of those that stand, how many changed, and what
    has become busy or is so no more.
    """
    now = datetime.now(UTC)
    rows = session.scalars(
        select(BusyTime).where(
            BusyTime.vendor_id == of.vendor_id,
            BusyTime.provider_id == provider_id,
            BusyTime.source == CALENDAR,
            BusyTime.calendar == wanted["calendar"],
            BusyTime.archived_at.is_(None),
        )
    )
    there = {row.event: row for row in rows}
    counts: Counter[str] = Counter()
    changed: list[Range[datetime]] = []
    new = []
    for one in times:
        during, reason = Range(one.start, one.end), _reason(one, wanted)
        row = there.pop(one.event, None)
        if row is None:
            changed.append(during)
            new.append({"during": during, "reason": reason, "event": one.event})
        elif (row.during, row.reason) == (during, reason):
            counts["unchanged"] += 1
        else:
            changed += [row.during, during]
            row.during, row.reason = during, reason
            row.version, row.updated_at = row.version + 1, now
            counts["changed"] += 1
    for row in there.values():
        # What is over is no longer read, and stays as it was.
        if row.during.upper is not None and row.during.upper > now:
            changed.append(row.during)
            row.archived_at = row.updated_at = now
            row.version += 1
            counts["removed"] += 1
    session.flush()
    counts["imported"] = len(new)
    same = {"vendor_id": of.vendor_id, "provider_id": provider_id, "source": CALENDAR}
    if new:
        rows_new = [{**same, "calendar": wanted["calendar"], **one} for one in new]
        session.execute(insert(BusyTime), rows_new)
    standing = select(BusyTime.id).where(
        BusyTime.vendor_id == of.vendor_id,
        BusyTime.provider_id == provider_id,
        BusyTime.calendar == wanted["calendar"],
        BusyTime.archived_at.is_(None),
    )
    return list(session.scalars(standing)), counts, changed


def _reason(one: Busy, wanted: Shown) -> str | None:
    """What the vendor chose to tell; of the event itself only if they asked for it."""
    if wanted["summaries"] and one.summary:
        printable = "".join(c if c.isprintable() else " " for c in one.summary)
        return printable[:REASON_MAX].strip() or None
    reason: str | None = wanted.get("reason")
    return reason
