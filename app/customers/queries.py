"""Reads of customers, as answers show them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app import db
from app.errors import Problem
from app.wire.pages import page, position_after

_SHOWN = ("id", "name", "email", "phone", "note")
_KEPT = ("banned_at", "version", "created_at", "updated_at")


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
        " c.updated_at, b.* FROM customers c, LATERAL ("
        " SELECT count(*) AS total,"
        " count(*) FILTER (WHERE is_open(b)) AS open,"
        " count(*) FILTER (WHERE b.status = 'completed') AS completed,"
        " count(*) FILTER (WHERE b.status = 'no_show') AS no_show,"
        " count(*) FILTER (WHERE b.status = 'cancelled') AS cancelled,"
        " min(lower(b.during)) FILTER (WHERE is_open(b)) AS next_start,"
        " max(lower(b.during)) FILTER (WHERE b.status IN ('confirmed', 'completed')"
        " AND upper(b.during) <= now()) AS last_start"
        " FROM bookings b WHERE b.vendor_id = c.vendor_id AND b.customer_id = c.id) AS b"
        " WHERE c.vendor_id = %s AND c.id = %s AND c.erased_at IS NULL",
        vendor_id,
        customer_id,
    )
    if not rows:
        raise not_found(customer_id)
    row = rows[0]
    counted = ("total", "open", "completed", "no_show", "cancelled", "next_start", "last_start")
    return {**show_customer(row), "bookings": {name: getattr(row, name) for name in counted}}


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
