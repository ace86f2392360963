"""Book, look, and what happens to a booking afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import (
    VendorBlueprint,
    booking_credentials,
    current_visit,
    public_or_vendor_write,
    vendor_read,
    vendor_write,
)
from app.bookings import actions, changes, queries
from app.bookings.actions import Move
from app.bookings.changes import BookingChangeSchema
from app.bookings.requests import BookingRequestSchema
from app.bookings.schemas import (
    BookingPageSchema,
    BookingQuery,
    BookingSchema,
    CancellationSchema,
    EventSchema,
    NewBookingSchema,
)
from app.idempotency import idempotency_key
from app.wire.answers import answer, created, expected_version
from app.wire.pages import PageQuery, page_of

blueprint = VendorBlueprint("bookings", "Bookings: one customer's places at one time.")

VENDOR, BOOKING = "VENDOR_NOT_FOUND", "BOOKING_NOT_FOUND"
_TAKEN = ("BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY")
_MOVES = [VENDOR, BOOKING, "BOOKING_STATE_CONFLICT"]
_EXAMPLE = {
    "slot_id": "01980000-0000-7000-8000-000000000001",
    "quantity": 2,
    "customer": {"name": "Ada Lovelace", "email": "ada@example.org"},
    "notes": "A table by the window, please.",
}


@blueprint.call(
    "POST",
    "/bookings",
    body=BookingRequestSchema(),
    answers=(201, NewBookingSchema()),
    refuses=[
        VENDOR,
        "SLOT_NOT_FOUND",
        "SERVICE_NOT_FOUND",
        "LOCATION_NOT_FOUND",
        "CUSTOMER_NOT_FOUND",
        "INVALID_DATE_RANGE",
        "PUBLIC_BOOKING_OFF",
        "CUSTOMER_BANNED",
        "BOOKING_LIMIT_REACHED",
        *_TAKEN,
    ],
    guard=public_or_vendor_write,
    keyed=True,
    example=_EXAMPLE,
)
def create_booking(wanted: dict[str, Any]) -> Response:
    """Book.

    Name the time in exactly one way:

    * a whole slot: `{"slot_id": "…", "customer": {"name": "Ada", "email": "ada@example.org"}}`
    * a part of a long slot: add `"start": "2031-03-03T14:00:00Z", "end": "2031-03-03T14:45:00Z"`
    * several slots in a row, such as five nights: `"slot_ids": ["…", "…"]`
    * whatever a provider has published then: `"provider_id": "…", "start": "…", "end": "…"`
    * a service, by whoever is free: `"service_id": "…", "start": "…"`, with a `start` that
      `GET …/services/{service_id}/times` shows; `provider_id` names one, `location_ids` the places,
      best first

    201 is final: the places are yours. 409 BOOKING_CONFLICT or INSUFFICIENT_INVENTORY: somebody was
    faster; `alternatives` names times that were free a moment ago. With an Idempotency-Key the same
    request can be sent again, after a time-out for instance, without booking twice.
    """
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    booking, replayed = actions.claim_slot_and_create_booking(visit, wanted, key)
    location = f"/api/v1/vendors/{visit.vendor}/bookings/{booking['id']}"
    return created(booking, location, replayed=replayed)


@blueprint.call(
    "GET",
    "/bookings",
    query=BookingQuery(),
    answers=(200, BookingPageSchema()),
    refuses=[VENDOR, "INVALID_DATE_RANGE"],
    guard=vendor_read,
)
def list_bookings(query: dict[str, Any]) -> Response:
    """List bookings by start, or what has changed by change.

    To keep a copy: read all of it once with an `updated_since` long ago, page by page until
    `next_cursor` is null, and keep `settled_until` of that last page. From time to time do the
    same with what was kept as `updated_since`. Nothing is missed: a change that is still being
    written is left for the next time, together with all that is younger. A booking that has
    changed again meanwhile comes again, with a higher `version`. Its customer is shown as known
    now: a correction of that, at `…/customers/{customer_id}`, is no change of the booking.

    A hold is shown as `expired` from the moment it lapses, and `status` finds it so; as a change it
    is listed when the worker, or whoever comes first, has written it down, moments later.
    """
    return answer(queries.list_bookings(current_visit().vendor_id, query))


@blueprint.call(
    "GET",
    "/bookings/<uuid:booking_id>",
    answers=(200, BookingSchema()),
    refuses=[VENDOR, BOOKING],
    guard=booking_credentials,
)
def get_booking(booking_id: UUID) -> Response:
    """Get a booking.

    A hold that lapses is `expired` from that moment on, with the next `version`; the event in its
    history may follow a little later.
    """
    visit = current_visit()
    internal = visit.caller.is_vendor
    booking = queries.get_booking(visit.vendor_id, booking_id, internal=internal)
    # The customer in it may be corrected, which is no change of the booking.
    return answer(booking, unchanging=False)


@blueprint.call(
    "PATCH",
    "/bookings/<uuid:booking_id>",
    body=BookingChangeSchema(),
    answers=(200, BookingSchema()),
    refuses=[
        VENDOR,
        BOOKING,
        "BOOKING_STATE_CONFLICT",
        "CUSTOMER_NOT_FOUND",
        "CUSTOMER_BANNED",
        "BOOKING_LIMIT_REACHED",
    ],
    guard=booking_credentials,
    versioned=True,
    example={"guests": 3, "notes": "A high chair, please.", "customer": {"phone": "+39 055 1234"}},
)
def change_booking(patch: dict[str, Any], booking_id: UUID) -> Response:
    """Change who comes, notes, guests and the like (JSON merge patch).

    What is left out stays as it is, `null` removes; `customer` and `metadata` are merged member by
    member. Another name, address or number makes this the booking of another customer: nobody's
    other bookings change with it.

    A vendor changes bookings whatever their status; a customer, by manage_token, only while they
    are requested, held or confirmed, and neither `metadata` nor `internal_notes`. Time, places and
    status have calls of their own.
    """
    visit = current_visit()
    return answer(changes.change_booking(visit, booking_id, patch, expected_version()))


@blueprint.call(
    "GET",
    "/bookings/<uuid:booking_id>/events",
    query=PageQuery(),
    answers=(200, page_of(EventSchema)),
    refuses=[VENDOR, BOOKING],
    guard=booking_credentials,
)
def list_events(query: dict[str, Any], booking_id: UUID) -> Response:
    """List a booking's history, oldest first: who did what in which request.

    Each change of a booking is one event, numbered as the booking's `version` that it made.
    """
    visit = current_visit()
    internal = visit.caller.is_vendor
    return answer(queries.list_events(visit.vendor_id, booking_id, internal=internal, **query))


@blueprint.call(
    "POST",
    "/bookings/<uuid:booking_id>/cancel",
    body=CancellationSchema(),
    body_required=False,
    answers=(200, BookingSchema()),
    refuses=_MOVES,
    guard=booking_credentials,
    keyed=True,
    versioned=True,
)
def cancel_booking(cancellation: dict[str, Any], booking_id: UUID) -> Response:
    """Cancel a booking; its time can be booked again at once.

    The body may be left out. Whoever sees the booking sees who cancelled it and the `reason`, as
    `cancelled_by` and `cancellation_reason`; history keeps who, and not why. Cancelled again, it
    stays as it is, with the first reason.
    """
    return _change_status("cancel_booking", booking_id, cancellation.get("reason"))


@blueprint.call(
    "POST",
    "/bookings/<uuid:booking_id>/confirm",
    answers=(200, BookingSchema()),
    refuses=[
        *_MOVES,
        *_TAKEN,
        "HOLD_EXPIRED",
        "SLOT_NOT_FOUND",
        "SERVICE_NOT_FOUND",
        "CUSTOMER_NOT_FOUND",
        "PUBLIC_BOOKING_OFF",
        "CUSTOMER_BANNED",
        "BOOKING_LIMIT_REACHED",
    ],
    guard=booking_credentials,
    keyed=True,
    versioned=True,
)
def confirm_booking(booking_id: UUID) -> Response:
    """Confirm a hold, undo complete or no-show (vendor), or claim a cancelled booking again.

    A cancelled booking is claimed again like a new one: if its places are still free, and for what
    they cost now. If that is another `price` than before, the event tells both.
    """
    return _change_status("confirm_booking", booking_id)


@blueprint.call(
    "POST",
    "/bookings/<uuid:booking_id>/complete",
    answers=(200, BookingSchema()),
    refuses=_MOVES,
    guard=vendor_write,
    keyed=True,
    versioned=True,
)
def complete_booking(booking_id: UUID) -> Response:
    """Note that the customer came."""
    return _change_status("complete_booking", booking_id)


@blueprint.call(
    "POST",
    "/bookings/<uuid:booking_id>/no-show",
    answers=(200, BookingSchema()),
    refuses=_MOVES,
    guard=vendor_write,
    keyed=True,
    versioned=True,
)
def mark_no_show(booking_id: UUID) -> Response:
    """Note that the customer did not come."""
    return _change_status("mark_no_show", booking_id)


def _change_status(move: Move, booking_id: UUID, reason: str | None = None) -> Response:
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    booking, replayed = actions.change_status(
        visit, move, booking_id, key, expected_version(), reason=reason
    )
    response = answer(booking)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
