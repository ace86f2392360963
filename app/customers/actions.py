"""Writes of customers. Locks: idempotency key, then the customer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import db
from app.auth import Visit
from app.customers.queries import not_found, show_customer
from app.customers.schemas import DETAILS
from app.errors import InvalidRequest
from app.errors.refusals import refusal
from app.idempotency import IdempotencyKey, remember
from app.models import Customer

UNIQUE_VIOLATION = "23505"


def create_customer(
    vendor_id: UUID, values: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    """A new customer and False, or whom the same request made before and True.

    Raises CUSTOMER_EXISTS when somebody has exactly these details, IDEMPOTENCY_CONFLICT, and
    CUSTOMER_NOT_FOUND when whom the same request made has been erased since.
    """
    try:
        return db.persist(
            lambda: _create_customer(vendor_id, values, key), repeatable=key.key is not None
        )
    except IntegrityError as error:
        _require_twins(error)
        raise _twin(vendor_id, {name: values.get(name) for name in DETAILS}) from None


def _create_customer(
    vendor_id: UUID, values: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    with db.transaction() as session:
        customer_id = session.scalar(select(func.uuidv7()))
        before = remember(session, vendor_id, key, {"id": str(customer_id)})
        if before is not None:
            return show_customer(_kept(session, vendor_id, UUID(before["id"]))), True
        customer = Customer(vendor_id=vendor_id, id=customer_id, **values)
        session.add(customer)
        session.flush()
        session.refresh(customer)
        return show_customer(customer), False


def change_customer(
    vendor_id: UUID, customer_id: UUID, values: dict[str, Any], expected_version: int | None
) -> dict[str, Any]:
    """The customer with `values`; unchanged values make no new version.

    Raises CUSTOMER_NOT_FOUND (also when erased), CUSTOMER_EXISTS, PRECONDITION_FAILED.
    """
    details: dict[str, Any] = {}
    try:
        return db.persist(
            lambda: _change_customer(vendor_id, customer_id, values, expected_version, details)
        )
    except IntegrityError as error:
        _require_twins(error)
        raise _twin(vendor_id, details) from None


def _change_customer(
    vendor_id: UUID,
    customer_id: UUID,
    values: dict[str, Any],
    expected_version: int | None,
    details: dict[str, Any],
) -> dict[str, Any]:
    """The changed customer; `details` are then what they are, or were to be."""
    with db.transaction() as session:
        customer = _kept(session, vendor_id, customer_id)
        if expected_version is not None and expected_version != customer.version:
            raise refusal("PRECONDITION_FAILED", {"version": customer.version})
        _change(customer, values)
        details.update({name: getattr(customer, name) for name in DETAILS})
        if not any(details.values()):
            raise InvalidRequest({"name": "A name, an address or a number must remain."})
        session.flush()
        session.refresh(customer)
        return show_customer(customer)


def erase_customer(visit: Visit, customer_id: UUID, expected_version: int | None) -> None:
    """Nothing personal is left of the customer; doing it again changes nothing.

    Raises CUSTOMER_NOT_FOUND, CUSTOMER_IN_USE while bookings to come need it, PRECONDITION_FAILED.
    """
    row = db.call(
        "erase_customer",
        p_vendor_id=visit.vendor_id,
        p_customer_id=customer_id,
        p_actor=visit.actor,
        p_expected_version=expected_version,
    )
    if row.outcome != "ERASED":
        raise refusal(row.outcome, row.facts, customer_id=str(customer_id))


def _kept(session: Session, vendor_id: UUID, customer_id: UUID) -> Customer:
    """The customer, locked. Raises CUSTOMER_NOT_FOUND, also when erased since."""
    customer = session.get(Customer, (vendor_id, customer_id), with_for_update={"key_share": True})
    if customer is None or customer.erased_at is not None:
        raise not_found(customer_id)
    return customer


def _change(customer: Customer, values: dict[str, Any]) -> None:
    different = {
        name: value
        for name, value in values.items()
        if name != "banned" and getattr(customer, name) != value
    }
    banned = values.get("banned", customer.banned_at is not None)
    if banned != (customer.banned_at is not None):
        different["banned_at"] = func.now() if banned else None
    for name, value in different.items():
        setattr(customer, name, value)
    if different:
        customer.version += 1
        customer.updated_at = func.now()


def _require_twins(error: IntegrityError) -> None:
    """Raises `error` again unless it says that somebody has these details already."""
    if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
        raise error


def _twin(vendor_id: UUID, details: dict[str, Any]) -> Exception:
    """The refusal that names who has these details already."""
    rows = db.read(
        "SELECT id FROM customers WHERE vendor_id = %s AND name IS NOT DISTINCT FROM %s"
        " AND email IS NOT DISTINCT FROM %s AND phone IS NOT DISTINCT FROM %s"
        " AND erased_at IS NULL",
        vendor_id,
        *(details[name] for name in DETAILS),
    )
    facts = {"customer_id": str(rows[0].id)} if rows else {}
    return refusal("CUSTOMER_EXISTS", facts)
