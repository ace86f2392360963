"""Reads the times at which a service can be booked."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from app import db
from app.auth import Visit
from app.errors import InvalidRequest
from app.errors.refusals import refusal
from app.wire.pages import cursor_at, position_after
from app.wire.shown_numbers import may_ask, told_max
from app.wire.windows import require_window


def search_times(
    visit: Visit,
    service_id: UUID,
    *,
    start: datetime,
    end: datetime,
    limit: int,
    cursor: str | None,
    quantity: int | None = None,
    provider_id: UUID | None = None,
    location_id: list[UUID] | None = None,
    channel: str | None = None,
) -> str:
    """A page of the service's times that begin in [start, end), by start: as JSON.

    Places are told as the vendor lets the caller see them. Raises INVALID_DATE_RANGE,
    SERVICE_NOT_FOUND, LOCATION_NOT_FOUND, and InvalidRequest for what the service or the vendor
    does not offer.
    """
    require_window(start, end)
    if quantity is not None and not _may_ask(visit, service_id, quantity):
        raise InvalidRequest(
            {"quantity": "This vendor does not tell which times have so many places."},
            hint="Ask for fewer, or book: that answers whether they are free.",
        )
    after = position_after(cursor, datetime.fromisoformat, datetime.fromisoformat) or (None, None)
    asked: dict[str, Any] = {
        "p_vendor_id": visit.vendor_id,
        "p_service_id": service_id,
        "p_from": start,
        "p_to": end,
        "p_quantity": quantity,
        "p_provider_id": provider_id,
        "p_location_ids": location_id,
        "p_channel": channel,
        "p_public": not visit.caller.is_vendor,
        "p_after_start": after[0],
        "p_after_end": after[1],
        "p_limit": limit,
        "p_told_max": told_max(visit.numbers),
    }
    (row,) = db.call_rows("search_times", **asked)
    if row.outcome != "FOUND":
        raise refusal(row.outcome, row.facts)
    next_cursor = cursor_at(row.next_start, row.next_end) if row.next_start else None
    return f'{{"items":[{row.items}],"next_cursor":{json.dumps(next_cursor)}}}'


def _may_ask(visit: Visit, service_id: UUID, quantity: int) -> bool:
    if may_ask(quantity, visit.numbers):
        return True
    rows = db.read(
        "SELECT quantity_max FROM services WHERE vendor_id = %s AND id = %s",
        visit.vendor_id,
        service_id,
    )
    return may_ask(quantity, visit.numbers, rows[0].quantity_max if rows else None)
