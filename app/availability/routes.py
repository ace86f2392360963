"""What can be booked, for everybody to see."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.auth import VendorBlueprint, current_visit
from app.availability import queries
from app.availability.schemas import AvailabilityQuery, AvailabilitySchema
from app.wire.answers import answer_written
from app.wire.pages import page_of

blueprint = VendorBlueprint("availability", "What can be booked, and what is left of it.")


@blueprint.call(
    "GET",
    "/availability",
    query=AvailabilityQuery(),
    answers=(200, page_of(AvailabilitySchema)),
    refuses=[
        *("VENDOR_NOT_FOUND", "SERVICE_NOT_FOUND", "LOCATION_NOT_FOUND"),
        "INVALID_DATE_RANGE",
    ],
)
def list_availability(query: dict[str, Any]) -> Response:
    """List the slots in a window of time by start, sold-out ones included.

    Without a key of the vendor only what can still be booked is listed: no slot that is over, and
    of one that has begun the rest, which can be booked in part. Its `free` begins with the next
    full minute then, and its `available` is 0, since it cannot be booked whole. With a key of the
    vendor, who may book what has begun, the list holds all of the window.
    """
    visit = current_visit()
    public = not visit.caller.is_vendor
    visit.require_channel(query.get("channel"))
    return answer_written(
        queries.list_availability(visit.vendor_id, public=public, numbers=visit.numbers, **query)
    )
