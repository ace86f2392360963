"""Keeps what a provider's schedules give published as slots, up to a horizon."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any
from uuid import UUID

from flask import current_app, json
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import db
from app.errors import DatabaseProblem
from app.errors.refusals import refusal
from app.schedules.closing import close_in_pieces
from app.schedules.expand import DAYS_AROUND, Wanted, expand, instant, zone_of
from app.schedules.parts import parts_of
from app.schedules.queries import (
    Calendar,
    last_published,
    left_over,
    read_calendar,
    time_zone_of,
)

SYSTEM = {"type": "system", "id": "schedules"}
Facts = dict[str, Any]
# No slot of a schedule is longer.
DAY_OR_NIGHT = timedelta(days=2)
NOTHING = {"published": 0, "removed": 0, "resized": 0, "kept": 0}
IN_THE_WAY_SHOWN_MAX = 100
ABORTED = "Others changed the provider's slots at the same moment. Nothing was done."


def publish_days() -> int:
    """How many days ahead slots are kept published, as the settings say."""
    days: int = current_app.config["PUBLISH_DAYS"]
    return days


def lock_schedules(session: Session, vendor_id: UUID, provider_id: UUID) -> None:
    """Until the commit nobody else changes or publishes the provider's schedules.

    Taken before anything is read of them, and before any slot: see app/sql/README.md.
    """
    db.call("lock_schedules", within=session, p_vendor_id=vendor_id, p_provider_id=provider_id)


def publish(
    session: Session,
    vendor_id: UUID,
    provider_id: UUID,
    *,
    days: int | None = None,
    dry_run: bool = False,
    actor: dict[str, Any] | None = None,
) -> Facts:
    """Publish what the schedules give, in the transaction of the caller, who has locked them.

    What `publishing` of the API holds. Raises CONCURRENCY_ABORT, PROVIDER_NOT_FOUND.
    """
    now = datetime.now(UTC)
    calendar = read_calendar(session, vendor_id, provider_id, _since(now))
    end = _horizon(session, vendor_id, provider_id, now, days or publish_days())
    wanted = expand(calendar.weeks, calendar.deviations, now, end)
    parts = parts_of(session, vendor_id, provider_id, wanted, start=now, end=end)

    def apply(part: tuple[datetime, datetime], *, tell: bool) -> Any:
        of_part = [one for one in wanted if part[0] <= one.start < part[1]]
        return _apply(session, vendor_id, provider_id, of_part, part, tell, actor or SYSTEM)

    around = expand(calendar.weeks, calendar.deviations, now - DAY_OR_NIGHT, now + DAY_OR_NIGHT)

    def close_begun(*, tell: bool) -> Any:
        return _close_begun(session, vendor_id, provider_id, around, now, tell=tell)

    if not dry_run and (
        close_begun(tell=True).changed
        or (len(parts) > 1 and any(apply(part, tell=True).changed for part in parts))
    ):
        # Each part locks what it changes in order; this is what all of them begin with.
        db.call(
            "lock_slots_between",
            within=session,
            p_vendor_id=vendor_id,
            p_provider_ids=[provider_id],
            p_from=now,
            p_to=None,
        )
    begun = close_begun(tell=dry_run)
    told: Facts = NOTHING | begun.facts
    for part in parts:
        told = sum_of(told, apply(part, tell=dry_run).facts)
    if not dry_run:
        close_in_pieces(session, vendor_id, provider_id)
        left = left_over(session, vendor_id, provider_id)
        _remember(session, vendor_id, provider_id, _inputs(calendar, end, left))
    return told


def _apply(  # noqa: PLR0917
    session: Session,
    vendor_id: UUID,
    provider_id: UUID,
    wanted: Sequence[Wanted],
    part: tuple[datetime, datetime],
    tell: bool,  # noqa: FBT001
    actor: dict[str, Any],
) -> Any:
    """What apply_schedules answers for one part; nothing is closed yet."""
    row = db.call(
        "apply_schedules",
        within=session,
        p_vendor_id=vendor_id,
        p_provider_id=provider_id,
        p_wanted=_given(wanted),
        p_from=part[0],
        p_to=part[1],
        p_dry_run=tell,
        p_actor=actor,
        p_close=False,
    )
    if row.outcome == "CONCURRENCY_ABORT":
        # Undone and tried again, as after a deadlock: db.persist.
        raise DatabaseProblem(row.outcome, ABORTED, aborted=True)
    if row.outcome != "PUBLISHED":
        raise refusal(row.outcome, row.facts, provider_id=str(provider_id))
    return row


def _close_begun(
    session: Session,
    vendor_id: UUID,
    provider_id: UUID,
    around: Sequence[Wanted],
    now: datetime,
    *,
    tell: bool,
) -> Any:
    """What close_begun_slot answers; `around`: what the schedules give that may be under way `now`,
    the moment at which the parts to come begin: the transaction may have begun minutes before.
    """
    return db.call(
        "close_begun_slot",
        within=session,
        p_vendor_id=vendor_id,
        p_provider_id=provider_id,
        p_wanted=_given(around),
        p_now=now,
        p_dry_run=tell,
    )


def sum_of(one: Facts, other: Facts) -> Facts:
    """What was done in two parts; the bookings in the way are the first of both."""
    in_the_way = [*one["in_the_way"], *other["in_the_way"]][:IN_THE_WAY_SHOWN_MAX]
    counts = {name: one[name] + other[name] for name in one if name != "in_the_way"}
    return {**counts, "in_the_way": in_the_way}


def publish_provider(
    vendor_id: UUID, provider_id: UUID, *, days: int | None = None, dry_run: bool = False
) -> Facts:
    """Publish what the provider's schedules give, in a transaction of its own. As publish."""
    return db.persist(lambda: _publish_provider(vendor_id, provider_id, days, dry_run=dry_run))


def _publish_provider(
    vendor_id: UUID, provider_id: UUID, days: int | None, *, dry_run: bool
) -> Facts:
    with db.transaction() as session:
        lock_schedules(session, vendor_id, provider_id)
        return publish(session, vendor_id, provider_id, days=days, dry_run=dry_run)


def publish_if_changed(vendor_id: UUID, provider_id: UUID) -> Facts | None:
    """Publish it if anything it comes from has changed since it was last published; else None.

    The day goes on, too: it is one of the things that change. Then nothing is expanded or locked.
    """
    now = datetime.now(UTC)
    with db.transaction() as session:
        calendar = read_calendar(session, vendor_id, provider_id, _since(now))
        end = _horizon(session, vendor_id, provider_id, now, publish_days())
        seen = session.execute(
            text(
                "UPDATE schedule_publishings SET looked_at = now() WHERE vendor_id = :vendor_id"
                " AND provider_id = :provider_id AND inputs = :inputs RETURNING inputs"
            ),
            {
                "vendor_id": vendor_id,
                "provider_id": provider_id,
                "inputs": _inputs(calendar, end, left_over(session, vendor_id, provider_id)),
            },
        ).first()
    return None if seen else publish_provider(vendor_id, provider_id)


def _since(now: datetime) -> Any:
    return (now - timedelta(days=DAYS_AROUND + 2)).date()


def _horizon(
    session: Session, vendor_id: UUID, provider_id: UUID, now: datetime, days: int
) -> datetime:
    """Up to when slots are published: a midnight at the provider's place, the same all day long.

    Beyond it if more was published before: what was published once is kept as it is wanted.
    """
    zone = zone_of(time_zone_of(session, vendor_id, provider_id, None))
    end = instant(now.astimezone(zone).date() + timedelta(days=days + 1), 0, zone)
    last = last_published(session, vendor_id, provider_id)
    if last is None or last < end:
        return end
    return datetime.combine(last.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def _given(wanted: Iterable[Wanted]) -> Jsonb:
    """The slots as scheduled_slots reads them."""
    slots = [
        {
            "schedule_id": one.week.schedule_id,
            "location_id": one.week.location_id,
            "start": one.start,
            "end": one.end,
            "capacity": one.week.capacity,
            "price": one.week.price
            and {"amount": one.week.price[0], "currency": one.week.price[1]},
            "whole": one.whole,
        }
        for one in wanted
    ]
    return Jsonb(slots, json.dumps)


def _inputs(calendar: Calendar, end: datetime, left: tuple[str | None, ...]) -> bytes:
    """SHA-256 of all that the slots come from, and of what publishing has left over."""
    return hashlib.sha256(f"{calendar!r} {end!r} {_tzdata()} {left!r}".encode()).digest()


@cache
def _tzdata() -> str:
    return version("tzdata")


def _remember(session: Session, vendor_id: UUID, provider_id: UUID, inputs: bytes) -> None:
    session.execute(
        text("""
            INSERT INTO schedule_publishings AS p (vendor_id, provider_id, inputs)
            VALUES (:vendor_id, :provider_id, :inputs)
            ON CONFLICT (vendor_id, provider_id) DO UPDATE
            SET inputs = excluded.inputs, looked_at = excluded.looked_at
        """),
        {"vendor_id": vendor_id, "provider_id": provider_id, "inputs": inputs},
    )
