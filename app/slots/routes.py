"""Publish, list, get, change and delete slots."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, request

from app.auth import VendorBlueprint, current_visit, vendor_read, vendor_write
from app.idempotency import idempotency_key
from app.slots import actions, queries
from app.slots.schemas import (
    PublishedSchema,
    PublishSchema,
    SlotChangeSchema,
    SlotQuery,
    SlotSchema,
)
from app.wire.answers import answer, created, expected_version, nothing
from app.wire.fields import merged_money
from app.wire.pages import page_of

blueprint = VendorBlueprint("slots", "The published time of providers.")

# Ten thousand slots with all their members, written with generous blanks.
PUBLISH_BYTES_MAX = 8 * 1024 * 1024
VENDOR, SLOT, LOCATION = "VENDOR_NOT_FOUND", "SLOT_NOT_FOUND", "LOCATION_NOT_FOUND"


def _allow_large_body(path: dict[str, Any]) -> None:
    vendor_write.check(path)
    request.max_content_length = PUBLISH_BYTES_MAX


# Like vendor_write; and then the body may be larger than elsewhere.
publisher = replace(vendor_write, check=_allow_large_body)


@blueprint.call(
    "POST",
    "/providers/<uuid:provider_id>/slots",
    body=PublishSchema(),
    answers=(201, PublishedSchema()),
    refuses=[
        VENDOR,
        "PROVIDER_NOT_FOUND",
        LOCATION,
        "SLOT_OVERLAP",
        "INVALID_DATE_RANGE",
    ],
    guard=publisher,
    keyed=True,
    example={
        "slots": [
            {"start": "2031-03-03T09:00:00+01:00", "end": "2031-03-03T09:30:00+01:00"},
            {
                "start": "2031-03-03T10:00:00+01:00",
                "end": "2031-03-03T11:00:00+01:00",
                "capacity": 12,
                "price": {"amount": 4500, "currency": "EUR"},
            },
        ],
        "on_overlap": "refuse",
    },
)
def publish_slots(wanted: dict[str, Any], provider_id: UUID) -> Response:
    """Publish up to 10,000 slots of a provider, all or nothing."""
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    row = actions.publish_slots(
        visit.vendor_id,
        provider_id,
        wanted["slots"],
        wanted["on_overlap"],
        actor=visit.actor,
        key=key,
    )
    items = queries.get_slots(visit.vendor_id, row.slot_ids)
    count = {"published": len(row.slot_ids), "skipped": len(wanted["slots"]) - len(row.slot_ids)}
    location = f"/api/v1/vendors/{visit.vendor}/slots?provider_id={provider_id}"
    return created({"items": items, **count}, location, replayed=row.replayed)


@blueprint.call(
    "GET",
    "/slots",
    query=SlotQuery(),
    answers=(200, page_of(SlotSchema)),
    refuses=[VENDOR, "INVALID_DATE_RANGE"],
    guard=vendor_read,
)
def list_slots(query: dict[str, Any]) -> Response:
    """List slots by start."""
    return answer(queries.list_slots(current_visit().vendor_id, **query))


@blueprint.call(
    "GET",
    "/slots/<uuid:slot_id>",
    answers=(200, SlotSchema()),
    refuses=[VENDOR, SLOT],
    guard=vendor_read,
)
def get_slot(slot_id: UUID) -> Response:
    """Get a slot."""
    # The time zone is the location's, which can be corrected.
    return answer(queries.get_slot(current_visit().vendor_id, slot_id), unchanging=False)


@blueprint.call(
    "PATCH",
    "/slots/<uuid:slot_id>",
    body=SlotChangeSchema(),
    answers=(200, SlotSchema()),
    refuses=[
        VENDOR,
        SLOT,
        LOCATION,
        "SLOT_IN_USE",
        "SLOT_OVERLAP",
        "INVALID_DATE_RANGE",
    ],
    guard=vendor_write,
    versioned=True,
)
def resize_slot(values: dict[str, Any], slot_id: UUID) -> Response:
    """Change a slot (JSON merge patch): refused while a booking would no longer fit."""
    visit = current_visit()
    expected = expected_version()
    if "price" in values:
        # Names what is missing of half a price; merged it is under the slot's lock.
        merged_money(values["price"], queries.get_slot(visit.vendor_id, slot_id)["price"])
    return answer(actions.resize_slot(visit.vendor_id, slot_id, values, expected, visit.actor))


@blueprint.call(
    "DELETE",
    "/slots/<uuid:slot_id>",
    answers=(204, None),
    refuses=[VENDOR, SLOT, "SLOT_IN_USE"],
    guard=vendor_write,
    versioned=True,
)
def delete_slot(slot_id: UUID) -> Response:
    """Delete a slot: refused while a booking holds some of it."""
    visit = current_visit()
    actions.delete_slot(visit.vendor_id, slot_id, expected_version(), visit.actor)
    return nothing()
