"""Reads of customers, as answers show them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app import db
from app.errors import Problem
from app.wire.pages import page, position_after

_SHOWN = ("id", "name", "email", "phone", "note")
_KEPT = ("banned_at", "version", "created_at", "updated_at")
_COUNTS = ("total", "open", "completed", "no_show", "cancelled")
_COUNTED = (*_COUNTS, "next_start", "next_time_zone", "last_start", "last_time_zone")


def list_customers(
    vendor_id: UUID, *, limit: int, cursor: str | None, q: str | None = None, **asked: Any
) -> dict[str, Any]:
    """A page of the customers who match all that is asked, oldest first, without erased ones."""
    after = position_after(cursor, UUID)
    rows = db.call_rows(
        "list_customers",
        p_vendor_id=vendor_id,
        p_any=q,
        p_after_id=after[0] if after else None,
        p_limit=limit + 1,
        **{f"p_{name}": value for name, value in asked.items()},
    )
    return page(rows, limit, show_customer, lambda row: (row.id,))


def get_customer(vendor_id: UUID, customer_id: UUID) -> dict[str, Any]:
    """The customer, and how many bookings they have. Raises CUSTOMER_NOT_FOUND, as when erased."""
    rows = db.read(
        "SELECT c.id, c.name, c.email, c.phone, c.note, c.banned_at, c.version, c.created_at,"
        " c.updated_at, b.*, n.time_zone AS next_time_zone, l.time_zone AS last_time_zone"
        " FROM customers c CROSS JOIN LATERAL ("
        " SELECT count(*) AS total,"
        " count(*) FILTER (WHERE b.open) AS open,"
        " count(*) FILTER (WHERE b.status = 'completed') AS completed,"
        " count(*) FILTER (WHERE b.status = 'no_show') AS no_show,"
        " count(*) FILTER (WHERE b.status = 'cancelled') AS cancelled,"
        " min(lower(b.during)) FILTER (WHERE b.open) AS next_start,"
        " (array_agg(b.location_id ORDER BY lower(b.during), b.id)"
        "  FILTER (WHERE b.open))[1] AS next_at,"
        " max(lower(b.during)) FILTER (WHERE b.over) AS last_start,"
        " (array_agg(b.location_id ORDER BY lower(b.during) DESC, b.id)"
        "  FILTER (WHERE b.over))[1] AS last_at"
        " FROM (SELECT b.status, b.during, b.location_id, is_open(b) AS open,"
        "       b.status IN ('confirmed', 'completed') AND upper(b.during) <= now() AS over, b.id"
        "       FROM bookings b WHERE b.vendor_id = c.vendor_id AND b.customer_id = c.id) AS b"
        " ) AS b"
        " LEFT JOIN locations n ON n.vendor_id = c.vendor_id AND n.id = b.next_at"
        " LEFT JOIN locations l ON l.vendor_id = c.vendor_id AND l.id = b.last_at"
        " WHERE c.vendor_id = %s AND c.id = %s AND c.erased_at IS NULL",
        vendor_id,
        customer_id,
    )
    if not rows:
        raise not_found(customer_id)
    row = rows[0]
    return {**show_customer(row), "bookings": {name: getattr(row, name) for name in _COUNTED}}


def show_customer(row: Any) -> dict[str, Any]:
    """The customer as answers hold it."""
    return {
        **{name: getattr(row, name) for name in _SHOWN},
        "banned": row.banned_at is not None,
        **{name: getattr(row, name) for name in _KEPT},
    }


def not_found(customer_id: UUID) -> Problem:
    """That this vendor has no such customer, or has erased it."""
    detail = f"There is no customer {customer_id}, or it has been erased."
    return Problem("CUSTOMER_NOT_FOUND", detail)
