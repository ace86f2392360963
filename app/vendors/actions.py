"""Writes of the catalogue. Locks: idempotency key, then the row, then what it refers to."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import db
from app.errors import InvalidRequest, Problem
from app.errors.refusals import refusal
from app.idempotency import OPERATOR, IdempotencyKey, remember
from app.models import Location, Provider, Service, Vendor
from app.vendors.queries import AnyCatalogued, not_found, show, show_vendor
from app.vendors.schemas import CHANNELS_MAX
from app.vendors.services import (
    leave_services,
    lock_services_of,
    needs_of,
    replace_needs,
    require_sense,
    require_unneeded,
)
from app.wire.fields import merged_money

UNIQUE_VIOLATION = "23505"
# The bookings to come that an archived row would leave hanging; lapsed holds do not count.
_NEEDED_BY = """
    SELECT c.booking_id, lower(shown_time(c.during, b.during)) AS starts,
           upper(shown_time(c.during, b.during)) AS ends, c.quantity,
           l.time_zone
    FROM claims c
    JOIN slots s ON s.vendor_id = c.vendor_id AND s.id = c.slot_id
    JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
    JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
    WHERE c.vendor_id = :vendor_id AND c.during && tstzrange(now(), NULL) AND {condition}
      AND b.kind = 'appointment' AND NOT (b.status = 'held' AND b.hold_expires_at <= now())
    ORDER BY lower(c.during), c.booking_id LIMIT 100
"""
_IN_USE: dict[type[AnyCatalogued], tuple[str, str]] = {
    Location: ("LOCATION_IN_USE", _NEEDED_BY.format(condition="s.location_id = :id")),
    Provider: ("PROVIDER_IN_USE", _NEEDED_BY.format(condition="c.provider_id = :id")),
    Service: ("SERVICE_IN_USE", _NEEDED_BY.format(condition="b.service_id = :id")),
}


def create_vendor(slug: str, name: str, time_zone: str) -> Vendor:
    """A new vendor. Raises VENDOR_EXISTS."""
    with db.transaction() as session:
        vendor_id = session.scalar(select(func.uuidv7()))
        return _add_vendor(session, id=vendor_id, slug=slug, name=name, time_zone=time_zone)


def create_vendor_once(values: dict[str, Any], key: IdempotencyKey) -> tuple[dict[str, Any], bool]:
    """A new vendor and False, or the one that the same request made before and True.

    Raises VENDOR_EXISTS, IDEMPOTENCY_CONFLICT.
    """
    return db.persist(lambda: _create_vendor(values, key), repeatable=key.key is not None)


def _create_vendor(values: dict[str, Any], key: IdempotencyKey) -> tuple[dict[str, Any], bool]:
    with db.transaction() as session:
        vendor_id = session.scalar(select(func.uuidv7()))
        before = remember(session, OPERATOR, key, {"id": str(vendor_id)})
        if before is not None:
            return show_vendor(session.get_one(Vendor, UUID(before["id"]))), True
        return show_vendor(_add_vendor(session, id=vendor_id, **values)), False


def _add_vendor(session: Session, **columns: Any) -> Vendor:
    vendor = Vendor(**columns)
    try:
        # A savepoint, to tell a slug that is taken from everything else that may be refused.
        with session.begin_nested():
            session.add(vendor)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        detail = f"There is a vendor {columns['slug']!r} already."
        raise Problem("VENDOR_EXISTS", detail) from None
    session.refresh(vendor)
    return vendor


def change_vendor(
    vendor_id: UUID, values: dict[str, Any], expected_version: int | None
) -> dict[str, Any]:
    """The vendor with `values`. Raises PRECONDITION_FAILED, LOCATION_NOT_FOUND."""
    return db.persist(lambda: _change_vendor(vendor_id, values, expected_version))


def _change_vendor(
    vendor_id: UUID, values: dict[str, Any], expected_version: int | None
) -> dict[str, Any]:
    with db.transaction() as session:
        vendor = session.get_one(Vendor, vendor_id, with_for_update={"key_share": True})
        if "channels" in values:
            channels = _merged_channels(session, vendor, values["channels"])
            values = {**values, "channels": channels}
        _change(session, vendor, values, expected_version)
        return show_vendor(vendor)


def _merged_channels(
    session: Session, vendor: Vendor, patch: dict[str, list[UUID] | None]
) -> dict[str, list[str]]:
    """The vendor's channels as a merge patch leaves them, their locations held till the commit."""
    for location_ids in patch.values():
        for location_id in location_ids or ():
            _require_location(session, vendor.id, {"location_id": location_id})
    merged = {**vendor.channels}
    for name, location_ids in patch.items():
        merged.pop(name, None)
        if location_ids is not None:
            merged[name] = [str(location_id) for location_id in location_ids]
    if len(merged) > CHANNELS_MAX:
        raise InvalidRequest({"channels": f"At most {CHANNELS_MAX} channels."})
    return merged


def create(
    model: type[AnyCatalogued], vendor_id: UUID, values: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    """A new row and False, or what the same request made before and True.

    Raises LOCATION_NOT_FOUND, PROVIDER_NOT_FOUND, IDEMPOTENCY_CONFLICT.
    """
    return db.persist(
        lambda: _create(model, vendor_id, values, key), repeatable=key.key is not None
    )


def _create(
    model: type[AnyCatalogued], vendor_id: UUID, values: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    with db.transaction() as session:
        row_id = session.scalar(select(func.uuidv7()))
        before = remember(session, vendor_id, key, {"id": str(row_id)})
        if before is not None:
            return _shown(session, _locked(session, model, vendor_id, UUID(before["id"]))), True
        _require_location(session, vendor_id, values)
        if model is Location and "time_zone" not in values:
            values = {**values, "time_zone": session.get_one(Vendor, vendor_id).time_zone}
        row = model(vendor_id=vendor_id, id=row_id, **_columns(values))
        require_sense(row)
        session.add(row)
        session.flush()
        session.refresh(row)
        if isinstance(row, Service):
            replace_needs(session, row, values.get("needs", []))
        return _shown(session, row), False


def change(
    model: type[AnyCatalogued],
    vendor_id: UUID,
    row_id: UUID,
    values: dict[str, Any],
    expected_version: int | None,
) -> dict[str, Any]:
    """The row with `values`; unchanged values make no new version.

    Raises …_NOT_FOUND (also when it is archived), PRECONDITION_FAILED.
    """
    return db.persist(lambda: _change_row(model, vendor_id, row_id, values, expected_version))


def _change_row(
    model: type[AnyCatalogued],
    vendor_id: UUID,
    row_id: UUID,
    values: dict[str, Any],
    expected_version: int | None,
) -> dict[str, Any]:
    with db.transaction() as session:
        row = _locked(session, model, vendor_id, row_id, key_share=True)
        if row.archived_at is not None:
            raise not_found(model, row_id)
        _require_location(session, vendor_id, values)
        if "price" in values:
            values = {**values, "price": merged_money(values["price"], show(row).get("price"))}
        renewed = _renew_needs(session, row, values, expected_version)
        _change(session, row, _columns(values), expected_version, renewed=renewed)
        return _shown(session, row)


def archive(
    model: type[AnyCatalogued], vendor_id: UUID, row_id: UUID, expected_version: int | None
) -> None:
    """The row is no longer offered; doing it again changes nothing.

    Raises …_NOT_FOUND, …_IN_USE while bookings to come need it, PRECONDITION_FAILED.
    """
    db.persist(lambda: _archive(model, vendor_id, row_id, expected_version))


def _archive(
    model: type[AnyCatalogued], vendor_id: UUID, row_id: UUID, expected_version: int | None
) -> None:
    with db.transaction() as session:
        archive_within(session, model, vendor_id, row_id, expected_version)


def archive_within(
    session: Session,
    model: type[AnyCatalogued],
    vendor_id: UUID,
    row_id: UUID,
    expected_version: int | None = None,
) -> None:
    """As archive, in the transaction of the caller."""
    # Without locks first: what is in use is not made to wait for the answer.
    _require_unused(session, model, vendor_id, row_id)
    if model is Provider:
        # Before the provider, as whoever changes a service locks both.
        lock_services_of(session, vendor_id, row_id)
    _stop_claims(session, model, vendor_id, row_id)
    # FOR UPDATE: a service's bookings and new slots in flight hold the row's key, so they
    # finish first.
    row = _locked(session, model, vendor_id, row_id)
    if row.archived_at is not None:
        return
    _require_version(row, expected_version)
    # Again: slots may have been published before we had the row, and none can be now.
    _stop_claims(session, model, vendor_id, row_id)
    _require_unused(session, model, vendor_id, row_id)
    if isinstance(row, Provider):
        leave_services(session, row)
    row.archived_at = func.now()
    row.version += 1
    row.updated_at = func.now()


def _stop_claims(
    session: Session, model: type[AnyCatalogued], vendor_id: UUID, row_id: UUID
) -> None:
    """Claims take no lock on providers and locations, but on slots: here they meet us."""
    if model is not Service:
        by = {"p_provider_id" if model is Provider else "p_location_id": row_id}
        db.call("lock_slots_to_come", within=session, p_vendor_id=vendor_id, **by)


def _require_unused(
    session: Session, model: type[AnyCatalogued], vendor_id: UUID, row_id: UUID
) -> None:
    code, needed_by = _IN_USE[model]
    bookings = session.execute(text(needed_by), {"vendor_id": vendor_id, "id": row_id}).all()
    if bookings:
        facts = [
            {
                "booking_id": b.booking_id,
                "start": b.starts,
                "end": b.ends,
                "time_zone": b.time_zone,
                "quantity": b.quantity,
            }
            for b in bookings
        ]
        raise refusal(code, {"bookings": facts})
    if model is Provider:
        require_unneeded(session, vendor_id, row_id)


def _locked(
    session: Session, model: type[AnyCatalogued], vendor_id: UUID, row_id: UUID, **strength: bool
) -> AnyCatalogued:
    row = session.get(model, (vendor_id, row_id), with_for_update=strength or True)
    if row is None:
        raise not_found(model, row_id)
    return cast("AnyCatalogued", row)


def _change(
    session: Session,
    row: Vendor | AnyCatalogued,
    values: dict[str, Any],
    expected_version: int | None,
    *,
    renewed: bool = False,
) -> None:
    """The row has `values`, and is a version further if that changes it, or `renewed` is true."""
    _require_version(row, expected_version)
    different = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not different and not renewed:
        return
    for name, value in different.items():
        setattr(row, name, value)
    require_sense(row)
    row.version += 1
    row.updated_at = func.now()
    session.flush()
    session.refresh(row)


def _require_version(row: Vendor | AnyCatalogued, expected_version: int | None) -> None:
    if expected_version is not None and expected_version != row.version:
        raise refusal("PRECONDITION_FAILED", {"version": row.version})


def _renew_needs(
    session: Session, row: AnyCatalogued, values: dict[str, Any], expected_version: int | None
) -> bool:
    """Whether the needs in `values` are others than the service had; now it has them."""
    if not isinstance(row, Service) or "needs" not in values:
        return False
    _require_version(row, expected_version)
    return replace_needs(session, row, values["needs"])


def _shown(session: Session, row: AnyCatalogued) -> dict[str, Any]:
    return show(row, needs_of(session, row) if isinstance(row, Service) else None)


def _require_location(session: Session, vendor_id: UUID, values: dict[str, Any]) -> None:
    """FOR SHARE: the location named cannot be archived until we have committed."""
    location_id = values.get("location_id")
    if location_id is None:
        return
    location = session.get(Location, (vendor_id, location_id), with_for_update={"read": True})
    if location is None or location.archived_at is not None:
        raise not_found(Location, location_id)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a request as columns: a price is two of them."""
    columns = {name: value for name, value in values.items() if name not in {"price", "needs"}}
    if "price" in values:
        price = values["price"] or {"amount": None, "currency": None}
        columns |= {"price_amount": price["amount"], "price_currency": price["currency"]}
    return columns
