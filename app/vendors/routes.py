"""The vendor, and its locations, providers and services: list, get, make, change, archive."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import VendorBlueprint, current_visit, forget_vendor, vendor_admin
from app.idempotency import idempotency_key
from app.models import Location, Provider, Service
from app.vendors import actions, queries
from app.vendors.queries import AnyCatalogued
from app.vendors.schemas import (
    ChangedLocationSchema,
    LocationSchema,
    ProviderQuery,
    ProviderSchema,
    ServiceSchema,
    VendorSchema,
)
from app.wire.answers import answer, created, expected_version, nothing
from app.wire.pages import PageQuery, page_of
from app.wire.signals import clocks_changed

blueprint = VendorBlueprint("vendors", "The business and its catalogue.")
VENDOR, LOCATION, PROVIDER = "VENDOR_NOT_FOUND", "LOCATION_NOT_FOUND", "PROVIDER_NOT_FOUND"
SERVICE = "SERVICE_NOT_FOUND"


@blueprint.call("GET", "", answers=(200, VendorSchema()), refuses=[VENDOR])
def get_vendor() -> Response:
    """Get the vendor."""
    return answer(queries.get_vendor(current_visit().vendor_id))


@blueprint.call(
    "PATCH",
    "",
    body=VendorSchema(partial=True),
    answers=(200, VendorSchema()),
    refuses=[VENDOR, LOCATION],
    guard=vendor_admin,
    versioned=True,
    example={"public_booking": False, "hold_minutes": 15, "open_bookings_max": 3},
)
def change_vendor(values: dict[str, Any]) -> Response:
    """Change the vendor and its settings (JSON merge patch).

    `public_booking`, `service_required`, `open_bookings_max` and `channels` hold from the next
    booking on, the others within five seconds.
    """
    visit = current_visit()
    vendor = actions.change_vendor(visit.vendor_id, values, expected_version())
    forget_vendor(visit.vendor)
    return answer(vendor)


@blueprint.call(
    "GET",
    "/locations",
    query=PageQuery(),
    answers=(200, page_of(LocationSchema)),
    refuses=[VENDOR],
)
def list_locations(query: dict[str, Any]) -> Response:
    """List the locations."""
    return answer(queries.list_page(Location, current_visit().vendor_id, **query))


@blueprint.call(
    "POST",
    "/locations",
    body=LocationSchema(),
    answers=(201, LocationSchema()),
    refuses=[VENDOR],
    guard=vendor_admin,
    keyed=True,
)
def create_location(values: dict[str, Any]) -> Response:
    """Make a location."""
    return _create(Location, "locations", values)


@blueprint.call(
    "GET",
    "/locations/<uuid:location_id>",
    answers=(200, LocationSchema()),
    refuses=[VENDOR, LOCATION],
)
def get_location(location_id: UUID) -> Response:
    """Get a location."""
    return _get(Location, location_id)


@blueprint.call(
    "PATCH",
    "/locations/<uuid:location_id>",
    body=LocationSchema(partial=True),
    answers=(200, ChangedLocationSchema()),
    refuses=[VENDOR, LOCATION],
    guard=vendor_admin,
    versioned=True,
)
def change_location(values: dict[str, Any], location_id: UUID) -> Response:
    """Change a location (JSON merge patch).

    With another time zone the schedules that go by its clocks are published anew at once.
    """
    vendor_id = current_visit().vendor_id
    before = queries.time_zone_of(vendor_id, location_id)
    shown = actions.change(Location, vendor_id, location_id, values, expected_version())
    if shown["time_zone"] != before:
        followed = clocks_changed.send(None, vendor_id=vendor_id, location_id=location_id)
        shown = {**shown, "publishing": followed[0][1]}
    return answer(shown)


@blueprint.call(
    "DELETE",
    "/locations/<uuid:location_id>",
    answers=(204, None),
    refuses=[VENDOR, LOCATION, "LOCATION_IN_USE"],
    guard=vendor_admin,
    versioned=True,
)
def archive_location(location_id: UUID) -> Response:
    """Archive a location: refused while bookings to come need it."""
    return _archive(Location, location_id)


@blueprint.call(
    "GET",
    "/providers",
    query=ProviderQuery(),
    answers=(200, page_of(ProviderSchema)),
    refuses=[VENDOR],
)
def list_providers(query: dict[str, Any]) -> Response:
    """List the providers."""
    return answer(queries.list_page(Provider, current_visit().vendor_id, **query))


@blueprint.call(
    "POST",
    "/providers",
    body=ProviderSchema(),
    answers=(201, ProviderSchema()),
    refuses=[VENDOR, LOCATION],
    guard=vendor_admin,
    keyed=True,
)
def create_provider(values: dict[str, Any]) -> Response:
    """Make a provider."""
    return _create(Provider, "providers", values)


@blueprint.call(
    "GET",
    "/providers/<uuid:provider_id>",
    answers=(200, ProviderSchema()),
    refuses=[VENDOR, PROVIDER],
)
def get_provider(provider_id: UUID) -> Response:
    """Get a provider."""
    return _get(Provider, provider_id)


@blueprint.call(
    "PATCH",
    "/providers/<uuid:provider_id>",
    body=ProviderSchema(partial=True),
    answers=(200, ProviderSchema()),
    refuses=[VENDOR, PROVIDER, LOCATION],
    guard=vendor_admin,
    versioned=True,
)
def change_provider(values: dict[str, Any], provider_id: UUID) -> Response:
    """Change a provider (JSON merge patch); slots already published stay where they are."""
    return _change(Provider, provider_id, values)


@blueprint.call(
    "DELETE",
    "/providers/<uuid:provider_id>",
    answers=(204, None),
    refuses=[VENDOR, PROVIDER, "PROVIDER_IN_USE"],
    guard=vendor_admin,
    versioned=True,
)
def archive_provider(provider_id: UUID) -> Response:
    """Archive a provider: refused while bookings to come need it, or a service that nobody else
    does.

    The services that others do as well name it no more, and are a version further.
    """
    return _archive(Provider, provider_id)


@blueprint.call(
    "GET",
    "/services",
    query=PageQuery(),
    answers=(200, page_of(ServiceSchema)),
    refuses=[VENDOR],
)
def list_services(query: dict[str, Any]) -> Response:
    """List the services."""
    return answer(queries.list_page(Service, current_visit().vendor_id, **query))


@blueprint.call(
    "POST",
    "/services",
    body=ServiceSchema(),
    answers=(201, ServiceSchema()),
    refuses=[VENDOR, PROVIDER],
    guard=vendor_admin,
    keyed=True,
)
def create_service(values: dict[str, Any]) -> Response:
    """Make a service.

    What its rules mean for bookings and for what is shown: /docs/services.
    """
    return _create(Service, "services", values)


@blueprint.call(
    "GET",
    "/services/<uuid:service_id>",
    answers=(200, ServiceSchema()),
    refuses=[VENDOR, SERVICE],
)
def get_service(service_id: UUID) -> Response:
    """Get a service."""
    return _get(Service, service_id)


@blueprint.call(
    "PATCH",
    "/services/<uuid:service_id>",
    body=ServiceSchema(partial=True),
    answers=(200, ServiceSchema()),
    refuses=[VENDOR, SERVICE, PROVIDER],
    guard=vendor_admin,
    versioned=True,
)
def change_service(values: dict[str, Any], service_id: UUID) -> Response:
    """Change a service (JSON merge patch); bookings keep their price, time and buffers.

    `needs` are replaced as a whole; `[]`: any one provider of the vendor. From the next booking on
    the new rules hold.
    """
    return _change(Service, service_id, values)


@blueprint.call(
    "DELETE",
    "/services/<uuid:service_id>",
    answers=(204, None),
    refuses=[VENDOR, SERVICE, "SERVICE_IN_USE"],
    guard=vendor_admin,
    versioned=True,
)
def archive_service(service_id: UUID) -> Response:
    """Archive a service: refused while bookings to come need it."""
    return _archive(Service, service_id)


def _get(model: type[AnyCatalogued], row_id: UUID) -> Response:
    visit = current_visit()
    archived = visit.caller.is_vendor
    return answer(queries.get_one(model, visit.vendor_id, row_id, archived=archived))


def _create(model: type[AnyCatalogued], plural: str, values: dict[str, Any]) -> Response:
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    row, replayed = actions.create(model, visit.vendor_id, values, key)
    location = f"/api/v1/vendors/{visit.vendor}/{plural}/{row['id']}"
    return created(row, location, replayed=replayed)


def _change(model: type[AnyCatalogued], row_id: UUID, values: dict[str, Any]) -> Response:
    vendor_id = current_visit().vendor_id
    return answer(actions.change(model, vendor_id, row_id, values, expected_version()))


def _archive(model: type[AnyCatalogued], row_id: UUID) -> Response:
    actions.archive(model, current_visit().vendor_id, row_id, expected_version())
    return nothing()
