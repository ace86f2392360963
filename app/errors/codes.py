"""Every code an answer can carry, in one mapping: status, title, what to do, whether to retry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means wherever it appears. `retryable`: the same request can succeed later."""

    status: int
    title: str
    hint: str
    retryable: bool = False
    retry_after_seconds: int | None = None


def _not_found(what: str) -> Code:
    return Code(
        404,
        f"{what} not found",
        "Check the id and the vendor in the address; ids of another vendor are not found here.",
    )


def _in_use(what: str) -> Code:
    return Code(
        409,
        f"{what} in use",
        "Cancel the bookings that need it, or wait until they are over, then try again.",
    )


CODES: dict[str, Code] = {
    "BOOKING_CONFLICT": Code(
        409,
        "Time no longer available",
        "This time was just booked by another customer. Select a different time: `alternatives`"
        " names some, where there are any; the availability list has all.",
    ),
    "INSUFFICIENT_INVENTORY": Code(
        409,
        "Not enough places left",
        "Ask for as many places as `conflict.available` says, or select a different time:"
        " `alternatives` names some, where there are any.",
    ),
    "INVENTORY_LOCKED": Code(
        409,
        "Others are booking this right now",
        "Nothing was done. Wait as Retry-After says, then send the same request again.",
        retryable=True,
        retry_after_seconds=1,
    ),
    "CONCURRENCY_ABORT": Code(
        409,
        "Too many changes at the same moment",
        "Nothing was done. Wait as Retry-After says, then send the same request again.",
        retryable=True,
        retry_after_seconds=1,
    ),
    "IDEMPOTENCY_CONFLICT": Code(
        409,
        "Idempotency key used with another request",
        "Use a new Idempotency-Key for a new request; repeat a request without changing it.",
    ),
    "BOOKING_STATE_CONFLICT": Code(
        409,
        "The booking's status does not allow this",
        "Read the booking again and choose a move that its status allows.",
    ),
    "HOLD_EXPIRED": Code(
        409,
        "The hold has expired",
        "The time may still be free: book it again.",
    ),
    "SLOT_OVERLAP": Code(
        409,
        "Slots overlap",
        "Leave the offending slot out, move it, or send on_overlap: skip. Nothing was published.",
    ),
    "SCHEDULE_OVERLAP": Code(
        409,
        "Schedules overlap",
        "End the other schedule before this one begins (valid_until, valid_from), or take other"
        " hours; for single days make an exception.",
    ),
    "SLOT_IN_USE": Code(
        409,
        "Slot in use",
        "Cancel or move the bookings named in `conflict.bookings` first.",
    ),
    "PROVIDER_IN_USE": Code(
        409,
        "Provider in use",
        "Cancel the bookings that need it, or wait until they are over; give the services named in"
        " `conflict.services` somebody else. Then try again.",
    ),
    "LOCATION_IN_USE": _in_use("Location"),
    "SERVICE_IN_USE": _in_use("Service"),
    "CUSTOMER_EXISTS": Code(
        409,
        "A customer with exactly these details exists",
        "Use the customer named in `conflict.customer_id`, or tell the two apart by a detail.",
    ),
    "CUSTOMER_IN_USE": Code(
        409,
        "Customer has bookings to come",
        "Cancel the bookings named in `conflict.bookings`, or wait until they are over.",
    ),
    "BOOKING_LIMIT_REACHED": Code(
        409,
        "As many open bookings as this vendor allows",
        "Cancel one of your bookings or wait until it is over, or ask the vendor to book for you.",
    ),
    "VENDOR_EXISTS": Code(
        409,
        "There is a vendor of this name already",
        "Choose another slug. If it is yours and the answer was lost: repeat the same request with"
        " the same Idempotency-Key.",
    ),
    "VALIDATION_ERROR": Code(
        400, "Invalid request", "Correct what `errors` names, field by field, and send it again."
    ),
    "INVALID_DATE_RANGE": Code(
        400, "Invalid range of time", "Give an end after the start, within the range allowed."
    ),
    "UNAUTHENTICATED": Code(
        401,
        "Credentials missing or not valid",
        "Send Authorization: Bearer with an API key (sk_…) of this vendor or the booking's"
        " manage_token (mt_…); leave the header out where none is needed.",
    ),
    "FORBIDDEN": Code(
        403,
        "Not allowed with these credentials",
        "Use credentials of this vendor that allow this call.",
    ),
    "PUBLIC_BOOKING_OFF": Code(
        403,
        "This vendor takes no bookings online",
        "Ask the vendor to book for you. The vendor books with an API key.",
    ),
    "CUSTOMER_BANNED": Code(
        403,
        "Online booking is not open to these contact details",
        "Please get in touch with the vendor, who can book for you.",
    ),
    "NOT_FOUND": Code(
        404, "Nothing at this address", "The calls there are: /docs and /api/v1/openapi.json."
    ),
    "VENDOR_NOT_FOUND": Code(404, "Vendor not found", "Check the vendor's slug in the address."),
    "PROVIDER_NOT_FOUND": _not_found("Provider"),
    "SERVICE_NOT_FOUND": _not_found("Service"),
    "LOCATION_NOT_FOUND": _not_found("Location"),
    "SLOT_NOT_FOUND": _not_found("Slot"),
    "SCHEDULE_NOT_FOUND": _not_found("Schedule"),
    "EXCEPTION_NOT_FOUND": _not_found("Exception"),
    "TIME_OFF_NOT_FOUND": _not_found("Time off"),
    "BOOKING_NOT_FOUND": _not_found("Booking"),
    "BLOCK_NOT_FOUND": _not_found("Block"),
    "CUSTOMER_NOT_FOUND": _not_found("Customer"),
    "API_KEY_NOT_FOUND": _not_found("API key"),
    "METHOD_NOT_ALLOWED": Code(
        405, "Method not allowed here", "Use one of the methods in the Allow header."
    ),
    "NOT_ACCEPTABLE": Code(
        406, "Only JSON is spoken here", "Send Accept: application/json, or no Accept header."
    ),
    "PRECONDITION_FAILED": Code(
        412,
        "Changed by somebody else meanwhile",
        "Read it again, and send the new ETag in If-Match.",
    ),
    "PAYLOAD_TOO_LARGE": Code(
        413, "Request body too large", "Send less at once, in several requests."
    ),
    "UNSUPPORTED_MEDIA_TYPE": Code(
        415, "Body of another kind", "Send the body as JSON, with Content-Type: application/json."
    ),
    "RATE_LIMITED": Code(
        429,
        "Too many requests",
        "Wait as Retry-After says.",
        retryable=True,
        retry_after_seconds=1,
    ),
    "INTERNAL_ERROR": Code(
        500,
        "Something went wrong on our side",
        "Tell the operator the request_id. Send a POST again only with the same Idempotency-Key.",
    ),
    "SERVICE_UNAVAILABLE": Code(
        503,
        "The server or its database is not available",
        "Wait as Retry-After says, then try again; with an Idempotency-Key that is always safe.",
        retryable=True,
        retry_after_seconds=2,
    ),
    "TRANSACTION_TIMEOUT": Code(
        504,
        "The database took too long",
        "Nothing was done. Try again later, with less at once if it was a lot.",
        retryable=True,
    ),
}
