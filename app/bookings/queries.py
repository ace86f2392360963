"""Reads of bookings, blocks and events, as answers show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app import db
from app.bookings import listing
from app.errors import Problem
from app.wire.pages import page, position_after
from app.wire.windows import require_order

_BOOKING_MEMBERS = (
    "id",
    "kind",
    "status",
    "version",
    "provider_id",
    "provider_ids",
    "location_id",
    "service_id",
    "slot_ids",
    "start",
    "end",
    "time_zone",
    "quantity",
    "guests",
    "customer",
    "price",
    "hold_expires_at",
    "cancelled_by",
    "cancellation_reason",
    "channel",
    "notes",
    "metadata",
    "created_at",
    "updated_at",
)
# For the vendor alone: a customer is not shown what is occupied around their time.
_INTERNAL_MEMBERS = ("internal_notes", "buffer_before_minutes", "buffer_after_minutes")
_BLOCK_MEMBERS = (
    "id",
    "status",
    "version",
    "provider_id",
    "location_id",
    "slot_ids",
    "start",
    "end",
    "time_zone",
    "quantity",
)


def get_booking(vendor_id: UUID, booking_id: UUID, *, internal: bool) -> dict[str, Any]:
    """The booking, with what only the vendor may see if `internal`. Raises BOOKING_NOT_FOUND."""
    facts = describe_booking(vendor_id, booking_id)
    if facts is None or facts["kind"] == "block":
        raise Problem("BOOKING_NOT_FOUND", f"There is no booking {booking_id}.")
    return show_booking(facts, internal=internal)


def get_block(vendor_id: UUID, block_id: UUID) -> dict[str, Any]:
    """The block, lifted or not. Raises BLOCK_NOT_FOUND."""
    facts = describe_booking(vendor_id, block_id)
    if facts is None or facts["kind"] != "block":
        raise Problem("BLOCK_NOT_FOUND", f"There is no block {block_id}.")
    return show_block(facts)


def describe_booking(vendor_id: UUID, booking_id: UUID) -> dict[str, Any] | None:
    """The booking as the database tells it, or None."""
    row = db.call("describe_booking", p_vendor_id=vendor_id, p_booking_id=booking_id)
    facts: dict[str, Any] | None = row.describe_booking
    return facts


def show_booking(facts: dict[str, Any], *, internal: bool) -> dict[str, Any]:
    """What the database tells of a booking, without what the caller may not see."""
    shown = {name: facts[name] for name in _BOOKING_MEMBERS}
    return {**shown, **{name: facts[name] for name in _INTERNAL_MEMBERS}} if internal else shown


def list_bookings(vendor_id: UUID, wanted: dict[str, Any]) -> dict[str, Any]:
    """A page of bookings by start; with `updated_since` by change, and how far that is complete.

    `wanted`: what BookingQuery loads. Raises INVALID_DATE_RANGE.
    """
    limit: int = wanted["limit"]
    after = position_after(wanted["cursor"], datetime.fromisoformat, UUID)
    if wanted.get("updated_since") is not None:
        # First, in a statement of its own: what the next one sees is then complete up to there.
        settled: datetime = db.call("settled_until", p_vendor_id=vendor_id).settled_until
        rows = db.read(*listing.by_change(vendor_id, wanted, after, settled))
        shown = page(rows, limit, _show_listed, _place)
        return {**shown, "settled_until": settled}
    rows = db.read(*listing.by_start(vendor_id, wanted, after))
    return page(rows, limit, _show_listed, _place)


def _place(row: db.Row) -> tuple[Any, ...]:
    return row.at, row.id


def _show_listed(row: db.Row) -> dict[str, Any]:
    return show_booking(row.facts, internal=True)


def list_events(
    vendor_id: UUID, booking_id: UUID, *, internal: bool, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of the booking's history, oldest first, with what only the vendor may see if
    `internal`. Raises BOOKING_NOT_FOUND.
    """
    after = position_after(cursor, int)
    rows = db.read(
        "SELECT e.sequence, e.kind, e.actor, e.request_id, e.changes, e.occurred_at, k.name"
        " FROM events e JOIN bookings b ON b.vendor_id = e.vendor_id AND b.id = e.booking_id"
        "   AND b.kind <> 'block'"
        " LEFT JOIN api_keys k"
        "   ON k.vendor_id = e.vendor_id AND e.actor ->> 'type' = 'vendor'"
        "   AND k.id::text = e.actor ->> 'id'"
        " WHERE e.vendor_id = %s AND e.booking_id = %s AND e.sequence > %s"
        " ORDER BY e.sequence LIMIT %s",
        vendor_id,
        booking_id,
        min(after[0], 2**31 - 1) if after else 0,
        limit + 1,
    )
    if not rows:
        # Every booking has its first event. Without one there is none, or it is a block.
        get_booking(vendor_id, booking_id, internal=internal)
    return page(
        rows, limit, lambda row: _show_event(row, internal=internal), lambda row: (row.sequence,)
    )


def _show_event(row: db.Row, *, internal: bool) -> dict[str, Any]:
    """The event; a customer is told that the vendor acted, not by which key nor on which notes."""
    kind = row.actor["type"]
    known = internal or kind != "vendor"
    return {
        "sequence": row.sequence,
        "kind": row.kind,
        "actor": {"type": kind, "id": row.actor["id"] if known else None}
        | {"name": row.name if known else None},
        "request_id": row.request_id,
        "changes": {
            name: change
            for name, change in row.changes.items()
            if internal or name != "internal_notes"
        },
        "occurred_at": row.occurred_at,
    }


def list_blocks(
    vendor_id: UUID,
    *,
    limit: int,
    cursor: str | None,
    provider_id: UUID | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[str, Any]:
    """A page of the blocks that stand and overlap [start, end), by start."""
    require_order(start, end)
    conditions = ["b.during && tstzrange(%s, %s)"]
    values: list[Any] = [start, end]
    if provider_id is not None:
        conditions.append("b.provider_id = %s")
        values.append(provider_id)
    after = position_after(cursor, datetime.fromisoformat, UUID)
    if after is not None:
        conditions.append("(lower(b.during), b.id) > (%s, %s)")
        values.extend(after)
    rows = db.read(
        "SELECT lower(b.during) AS starts, b.id, describe_booking(b.vendor_id, b.id) AS facts"  # noqa: S608
        " FROM bookings b WHERE b.vendor_id = %s AND b.kind = 'block' AND b.occupying"
        f" AND {' AND '.join(conditions)} ORDER BY lower(b.during), b.id LIMIT %s",
        vendor_id,
        *values,
        limit + 1,
    )
    return page(rows, limit, lambda row: show_block(row.facts), lambda row: (row.starts, row.id))


def show_block(facts: dict[str, Any]) -> dict[str, Any]:
    """What the database tells of a block, as answers hold it."""
    shown = {name: facts[name] for name in _BLOCK_MEMBERS}
    return {
        **shown,
        "reason": facts["notes"],
        "busy_time_id": facts["busy_time_id"],
        "created_at": facts["created_at"],
        "updated_at": facts["updated_at"],
    }
