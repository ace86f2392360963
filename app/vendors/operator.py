"""The operator's calls: make vendors and list them."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.auth import OperatorBlueprint, current_caller, operator_key
from app.idempotency import idempotency_key
from app.vendors import actions, queries
from app.vendors.schemas import NewVendorSchema, VendorSchema
from app.wire.answers import answer, created
from app.wire.pages import PageQuery, page_of

blueprint = OperatorBlueprint("operator", "For those who run this server.")


@blueprint.call(
    "GET",
    "/vendors",
    query=PageQuery(),
    answers=(200, page_of(VendorSchema)),
    guard=operator_key,
)
def list_vendors(query: dict[str, Any]) -> Response:
    """List the vendors, oldest first."""
    return answer(queries.list_vendor_page(**query))


@blueprint.call(
    "POST",
    "/vendors",
    body=NewVendorSchema(),
    answers=(201, VendorSchema()),
    refuses=["VENDOR_EXISTS"],
    guard=operator_key,
    keyed=True,
    example={"slug": "salon-sonnenallee", "name": "Salon", "time_zone": "Europe/Berlin"},
)
def create_vendor(values: dict[str, Any]) -> Response:
    """Make a vendor.

    It has no API key yet: make its first one with the same operator key, by
    `POST /api/v1/vendors/{vendor}/keys`. Both calls can be repeated safely.
    """
    key = idempotency_key(current_caller().identity)
    vendor, replayed = actions.create_vendor_once(values, key)
    return created(vendor, f"/api/v1/vendors/{vendor['slug']}", replayed=replayed)
