"""Reads of the catalogue, as answers show it."""

from __future__ import annotations

from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, select

from app.db import db, read
from app.errors import Problem
from app.models import Location, Provider, Service, Vendor
from app.vendors.services import Needs, services_with_needs
from app.wire.pages import page, position_after

Catalogued = TypeVar("Catalogued", Location, Provider, Service)
AnyCatalogued = Location | Provider | Service

NOT_FOUND: dict[type[AnyCatalogued], str] = {
    Location: "LOCATION_NOT_FOUND",
    Provider: "PROVIDER_NOT_FOUND",
    Service: "SERVICE_NOT_FOUND",
}


def get_vendor(vendor_id: UUID) -> dict[str, Any]:
    """The vendor, which the visit has already found."""
    vendor = db.session.get_one(Vendor, vendor_id)
    return show_vendor(vendor)


def list_vendors() -> list[Vendor]:
    """All vendors by slug; for operators."""
    return list(db.session.scalars(select(Vendor).order_by(Vendor.slug)))


def list_vendor_page(limit: int, cursor: str | None) -> dict[str, Any]:
    """The vendors, oldest first, as answers hold them."""
    wanted = select(Vendor).where(Vendor.archived_at.is_(None))
    after = position_after(cursor, UUID)
    if after is not None:
        wanted = wanted.where(Vendor.id > after[0])
    rows = db.session.scalars(wanted.order_by(Vendor.id).limit(limit + 1)).all()
    return page(rows, limit, show_vendor, lambda row: (row.id,))


def get_one(
    model: type[AnyCatalogued], vendor_id: UUID, row_id: UUID, *, archived: bool
) -> dict[str, Any]:
    """One row, an archived one only if `archived`. Raises …_NOT_FOUND."""
    wanted = _selected(model).where(model.vendor_id == vendor_id, model.id == row_id)
    found = db.session.execute(wanted).one_or_none()
    if found is None or (found[0].archived_at is not None and not archived):
        raise not_found(model, row_id)
    return show(*found)


def list_page(
    model: type[Catalogued],
    vendor_id: UUID,
    limit: int,
    cursor: str | None,
    **equal: UUID,
) -> dict[str, Any]:
    """The rows that are not archived, oldest first, with the columns named in `equal` so."""
    wanted = _selected(model).where(model.vendor_id == vendor_id, model.archived_at.is_(None))
    for column, value in equal.items():
        wanted = wanted.where(getattr(model, column) == value)
    after = position_after(cursor, UUID)
    if after is not None:
        wanted = wanted.where(model.id > after[0])
    rows = db.session.execute(wanted.order_by(model.id).limit(limit + 1)).all()
    return page(rows, limit, lambda found: show(*found), lambda found: (found[0].id,))


def time_zone_of(vendor_id: UUID, location_id: UUID) -> str | None:
    """The location's time zone; None: there is no such location."""
    found = read(
        "SELECT time_zone FROM locations WHERE vendor_id = %s AND id = %s", vendor_id, location_id
    )
    return found[0].time_zone if found else None


def _selected(model: type[AnyCatalogued]) -> Select[Any]:
    if model is Service:
        return cast("Select[Any]", services_with_needs())
    return select(model)


def not_found(model: type[AnyCatalogued], row_id: UUID) -> Problem:
    """That this vendor has no such row."""
    return Problem(NOT_FOUND[model], f"There is no {model.__name__.lower()} {row_id}.")


def show_vendor(vendor: Vendor) -> dict[str, Any]:
    """The vendor as answers hold it."""
    return {
        "slug": vendor.slug,
        "name": vendor.name,
        "time_zone": vendor.time_zone,
        "public_booking": vendor.public_booking,
        "availability_numbers": vendor.availability_numbers,
        "open_bookings_max": vendor.open_bookings_max,
        "hold_minutes": vendor.hold_minutes,
        "service_required": vendor.service_required,
        "channels": vendor.channels,
        "version": vendor.version,
        "created_at": vendor.created_at,
        "updated_at": vendor.updated_at,
    }


def show(row: AnyCatalogued, needs: Needs | None = None) -> dict[str, Any]:
    """The row as answers hold it; `needs` are those of a service."""
    own: dict[str, Any]
    match row:
        case Location():
            own = {"name": row.name, "address": row.address, "time_zone": row.time_zone}
        case Provider():
            own = {"name": row.name, "location_id": row.location_id}
        case Service():
            own = {
                "name": row.name,
                "duration_minutes": row.duration_minutes,
                "buffer_before_minutes": row.buffer_before_minutes,
                "buffer_after_minutes": row.buffer_after_minutes,
                "start_step_minutes": row.start_step_minutes,
                "notice_minutes": row.notice_minutes,
                "window_days": row.window_days,
                "quantity_min": row.quantity_min,
                "quantity_max": row.quantity_max,
                "price": _price(row.price_amount, row.price_currency),
                "needs": needs or [],
            }
    return {
        "id": row.id,
        **own,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "archived_at": row.archived_at,
    }


def _price(amount: int | None, currency: str | None) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "currency": currency}
