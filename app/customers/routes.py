"""The customers' book: list, search, get, make, change, ban, erase."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import VendorBlueprint, current_visit, vendor_admin, vendor_read, vendor_write
from app.customers import actions, queries
from app.customers.schemas import (
    CustomerPatchSchema,
    CustomerQuery,
    CustomerRecordSchema,
    CustomerWithBookingsSchema,
    NewCustomerSchema,
)
from app.idempotency import idempotency_key
from app.wire.answers import answer, created, expected_version, nothing
from app.wire.pages import page_of

blueprint = VendorBlueprint("customers", "The vendor's customers; for the vendor's keys only.")

VENDOR, CUSTOMER, EXISTS = "VENDOR_NOT_FOUND", "CUSTOMER_NOT_FOUND", "CUSTOMER_EXISTS"


@blueprint.call(
    "GET",
    "/customers",
    query=CustomerQuery(),
    answers=(200, page_of(CustomerRecordSchema)),
    refuses=[VENDOR],
    guard=vendor_read,
)
def list_customers(query: dict[str, Any]) -> Response:
    """List the customers, or search them by name, e-mail address and telephone number."""
    return answer(queries.list_customers(current_visit().vendor_id, **query))


@blueprint.call(
    "POST",
    "/customers",
    body=NewCustomerSchema(),
    answers=(201, CustomerRecordSchema()),
    refuses=[VENDOR, CUSTOMER, EXISTS],
    guard=vendor_write,
    keyed=True,
    example={"name": "Grace Hopper", "phone": "+1 202 555 0101", "note": "Prefers mornings."},
)
def create_customer(values: dict[str, Any]) -> Response:
    """Make a customer; a booking makes its own, so this is for taking over a book."""
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    customer, replayed = actions.create_customer(visit.vendor_id, values, key)
    location = f"/api/v1/vendors/{visit.vendor}/customers/{customer['id']}"
    return created(customer, location, replayed=replayed)


@blueprint.call(
    "GET",
    "/customers/<uuid:customer_id>",
    answers=(200, CustomerWithBookingsSchema()),
    refuses=[VENDOR, CUSTOMER],
    guard=vendor_read,
)
def get_customer(customer_id: UUID) -> Response:
    """Get a customer, and how many bookings they have."""
    customer = queries.get_customer(current_visit().vendor_id, customer_id)
    # Bookings are counted at each call: the same version does not mean the same answer.
    return answer(customer, unchanging=False)


@blueprint.call(
    "PATCH",
    "/customers/<uuid:customer_id>",
    body=CustomerPatchSchema(),
    answers=(200, CustomerRecordSchema()),
    refuses=[VENDOR, CUSTOMER, EXISTS],
    guard=vendor_write,
    versioned=True,
    example={"note": "Prefers mornings.", "banned": False},
)
def change_customer(values: dict[str, Any], customer_id: UUID) -> Response:
    """Change a customer, or ban them from booking in public (JSON merge patch)."""
    vendor_id = current_visit().vendor_id
    return answer(actions.change_customer(vendor_id, customer_id, values, expected_version()))


@blueprint.call(
    "DELETE",
    "/customers/<uuid:customer_id>",
    answers=(204, None),
    refuses=[VENDOR, CUSTOMER, "CUSTOMER_IN_USE"],
    guard=vendor_admin,
    versioned=True,
)
def erase_customer(customer_id: UUID) -> Response:
    """Erase what is known of a person, for good: refused while bookings to come need them.

    Name, e-mail address, telephone number, note and ban go, and so do the notes, internal notes
    and metadata of their bookings. The bookings stay, and so does their history, which holds no
    personal data.
    """
    actions.erase_customer(current_visit(), customer_id, expected_version())
    return nothing()
