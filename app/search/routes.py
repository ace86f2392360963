"""When a service can be booked, for everybody to see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import VendorBlueprint, current_visit
from app.search import queries
from app.search.schemas import BookableTimeSchema, TimesQuery
from app.wire.answers import answer_written
from app.wire.pages import page_of

blueprint = VendorBlueprint("search", "Times at which a service can be booked.")


@blueprint.call(
    "GET",
    "/services/<uuid:service_id>/times",
    query=TimesQuery(),
    answers=(200, page_of(BookableTimeSchema)),
    refuses=[
        *("VENDOR_NOT_FOUND", "SERVICE_NOT_FOUND", "LOCATION_NOT_FOUND"),
        "INVALID_DATE_RANGE",
    ],
)
def search_times(query: dict[str, Any], service_id: UUID) -> Response:
    """Search the times at which a service can be booked, by start.

    What is listed the public can book as it is listed: its rules (notice, window, start step,
    buffers, quantity) are kept, its providers and their slots are free. What is not listed it
    cannot book by `service_id` and `start`. A key of the vendor sees the same list, and may book
    more: off the step, at short notice, far ahead.

    To book, send `service_id`, `start` and `quantity` of an item. The options are tried in their
    order, so that a place which somebody else takes meanwhile costs a try and not the booking;
    `provider_id` or `location_ids` narrow them down.
    """
    return answer_written(queries.search_times(current_visit(), service_id, **query))
