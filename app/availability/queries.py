"""Reads what can be booked."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app

from app import db
from app.errors import InvalidRequest, Problem
from app.wire.answers import utc
from app.wire.pages import cursor_at, page, position_after
from app.wire.shown_numbers import Numbers, may_ask, told, told_stretches
from app.wire.windows import require_window


def list_availability(
    vendor_id: UUID,
    start: datetime,
    end: datetime,
    *,
    public: bool,
    numbers: Numbers,
    limit: int,
    cursor: str | None,
    quantity: int = 1,
    service_id: UUID | None = None,
    provider_id: UUID | None = None,
    location_id: UUID | None = None,
    channel: str | None = None,
) -> str:
    """A page of slots that overlap [start, end), by start, sold-out ones included: as JSON.

    `public`: only what can still be booked without a key, so nothing that is over. Places are told
    as `numbers` says. Raises INVALID_DATE_RANGE, SERVICE_NOT_FOUND, LOCATION_NOT_FOUND.
    """
    require_window(start, end)
    service = _service(vendor_id, service_id) if service_id else None
    if location_id:
        _require_location(vendor_id, location_id)
    if not may_ask(quantity, numbers, service and service.quantity_max):
        raise InvalidRequest(
            {"quantity": "This vendor does not tell which times have so many places."},
            hint="Ask for fewer, or book: that answers whether they are free.",
        )
    after = position_after(cursor, datetime.fromisoformat, UUID) or (None, None)
    asked: dict[str, Any] = {
        "p_vendor_id": vendor_id,
        "p_from": start,
        "p_to": end,
        "p_provider_id": provider_id,
        "p_location_id": location_id,
        "p_quantity": quantity,
        "p_after_start": after[0],
        "p_after_id": after[1],
        "p_public": public,
        "p_channel": channel,
    }
    if service_id is None and numbers == "exact":
        # What everybody sees is written by the database, and goes through as it is.
        (row,) = db.call_rows("availability_page", **asked, p_limit=limit)
        next_cursor = cursor_at(row.next_start, row.next_id) if row.next_id else None
        return f'{{"items":[{row.items}],"next_cursor":{json.dumps(next_cursor)}}}'
    rows = db.call_rows("list_availability", **asked, p_limit=limit + 1)
    listed = page(
        rows,
        limit,
        lambda row: _show(row, service, quantity, numbers),
        lambda row: (row.slot_start, row.slot_id),
    )
    return current_app.json.dumps(listed)


def _require_location(vendor_id: UUID, location_id: UUID) -> None:
    known = "SELECT FROM locations WHERE vendor_id = %s AND id = %s"
    if not db.read(known, vendor_id, location_id):
        raise Problem("LOCATION_NOT_FOUND", f"There is no location {location_id}.")


def _service(vendor_id: UUID, service_id: UUID) -> Any:
    rows = db.read(
        "SELECT s.duration_minutes, s.buffer_before_minutes + s.buffer_after_minutes AS buffers,"
        " s.quantity_max, s.price_amount, s.price_currency, NULLIF(ARRAY("
        "SELECT sp.provider_id FROM service_providers sp"
        " WHERE sp.vendor_id = s.vendor_id AND sp.service_id = s.id), '{}') AS provider_ids"
        " FROM services s WHERE s.vendor_id = %s AND s.id = %s AND s.archived_at IS NULL",
        vendor_id,
        service_id,
    )
    if not rows:
        raise Problem("SERVICE_NOT_FOUND", f"There is no service {service_id}.")
    return rows[0]


def _show(row: Any, service: Any, quantity: int, numbers: Numbers) -> dict[str, Any]:
    status, priced = row.status, row
    if service is not None:
        if row.price_amount is None:
            priced = service
        if not _has_time_for(service, row, quantity):
            status = "sold_out"
    price = {"amount": priced.price_amount, "currency": priced.price_currency}
    return {
        "slot_id": row.slot_id,
        "provider_id": row.provider_id,
        "location_id": row.location_id,
        "start": utc(row.slot_start),
        "end": utc(row.slot_end),
        "time_zone": row.time_zone,
        "capacity": told(row.capacity, numbers),
        "available": told(row.available, numbers),
        "status": status,
        "free": row.free if numbers == "exact" else told_stretches(row.free, numbers),
        "price": None if priced.price_amount is None else price,
    }


def _has_time_for(service: Any, row: Any, quantity: int) -> bool:
    """Whether the slot's provider does the service, and it fits with its buffers."""
    if service.provider_ids is not None and row.provider_id not in service.provider_ids:
        return False
    length = row.slot_end - row.slot_start
    if service.duration_minutes is not None:
        length = timedelta(minutes=service.duration_minutes + service.buffers)
    return _fits(row.free, quantity, length)


def _fits(free: list[dict[str, Any]], quantity: int, length: timedelta) -> bool:
    """Whether `quantity` places are free for `length` at a stretch, across changes in how many."""
    since = until = None
    for stretch in free:
        if stretch["available"] < quantity:
            continue
        start, end = (datetime.fromisoformat(stretch[name]) for name in ("start", "end"))
        since = since if since is not None and until == start else start
        until = end
        if until - since >= length:
            return True
    return False
