"""Reads of slots, as answers show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app import db
from app.errors import Problem
from app.wire.pages import page, position_after
from app.wire.windows import require_order

_SLOTS = """
    SELECT s.id, s.provider_id, s.schedule_id, s.location_id,
           lower(s.during) AS start, upper(s.during) AS "end",
           l.time_zone, s.capacity, times_json(s.closed) AS closed,
           price_json(s.price_amount, s.price_currency) AS price,
           s.version, s.created_at, s.updated_at
    FROM slots s
    JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
    WHERE s.vendor_id = %s
"""
_BY_START = " ORDER BY lower(s.during), s.id"


def get_slot(vendor_id: UUID, slot_id: UUID) -> dict[str, Any]:
    """The slot. Raises SLOT_NOT_FOUND."""
    rows = db.read(f"{_SLOTS} AND s.id = %s", vendor_id, slot_id)
    if not rows:
        raise Problem("SLOT_NOT_FOUND", f"There is no slot {slot_id}.")
    return _show(rows[0])


def get_slots(vendor_id: UUID, slot_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Those of the slots that are there, by start."""
    rows = db.read(f"{_SLOTS} AND s.id = ANY (%s){_BY_START}", vendor_id, list(slot_ids))
    return [_show(row) for row in rows]


def list_slots(
    vendor_id: UUID,
    *,
    limit: int,
    cursor: str | None,
    provider_id: UUID | None = None,
    location_id: UUID | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[str, Any]:
    """A page of slots by start, those that overlap [start, end)."""
    conditions: list[tuple[str, tuple[Any, ...]]] = []
    if provider_id is not None:
        conditions.append(("s.provider_id = %s", (provider_id,)))
    if location_id is not None:
        conditions.append(("s.location_id = %s", (location_id,)))
    if start is not None or end is not None:
        require_order(start, end)
        conditions.append(("s.during && tstzrange(%s, %s)", (start, end)))
    after = position_after(cursor, datetime.fromisoformat, UUID)
    if after is not None:
        conditions.append(("(lower(s.during), s.id) > (%s, %s)", tuple(after)))
    where = "".join(f" AND {condition}" for condition, _ in conditions)
    values = [value for _, given in conditions for value in given]
    rows = db.read(f"{_SLOTS}{where}{_BY_START} LIMIT %s", vendor_id, *values, limit + 1)
    return page(rows, limit, _show, lambda row: (row.start, row.id))


def _show(row: Any) -> dict[str, Any]:
    shown: dict[str, Any] = row._asdict()
    return shown
