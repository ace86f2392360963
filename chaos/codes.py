"""What may be answered: the documented codes, and those that each operation can meet.

The table is docs/api/errors.md by hand; a test compares it with that and with the OpenAPI
description. The second is ours: an attacker asks for nothing malformed, so that VALIDATION_ERROR,
say, would be a false answer to it.
"""

from __future__ import annotations

DOCUMENTED = {
    "VALIDATION_ERROR": 400,
    "INVALID_DATE_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "PUBLIC_BOOKING_OFF": 403,
    "CUSTOMER_BANNED": 403,
    "NOT_FOUND": 404,
    "VENDOR_NOT_FOUND": 404,
    "PROVIDER_NOT_FOUND": 404,
    "SERVICE_NOT_FOUND": 404,
    "LOCATION_NOT_FOUND": 404,
    "SLOT_NOT_FOUND": 404,
    "SCHEDULE_NOT_FOUND": 404,
    "EXCEPTION_NOT_FOUND": 404,
    "TIME_OFF_NOT_FOUND": 404,
    "BOOKING_NOT_FOUND": 404,
    "BLOCK_NOT_FOUND": 404,
    "API_KEY_NOT_FOUND": 404,
    "CUSTOMER_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "BOOKING_CONFLICT": 409,
    "INSUFFICIENT_INVENTORY": 409,
    "INVENTORY_LOCKED": 409,
    "CONCURRENCY_ABORT": 409,
    "IDEMPOTENCY_CONFLICT": 409,
    "BOOKING_STATE_CONFLICT": 409,
    "HOLD_EXPIRED": 409,
    "SLOT_OVERLAP": 409,
    "SCHEDULE_OVERLAP": 409,
    "SLOT_IN_USE": 409,
    "PROVIDER_IN_USE": 409,
    "LOCATION_IN_USE": 409,
    "SERVICE_IN_USE": 409,
    "VENDOR_EXISTS": 409,
    "CUSTOMER_EXISTS": 409,
    "CUSTOMER_IN_USE": 409,
    "BOOKING_LIMIT_REACHED": 409,
    "PRECONDITION_FAILED": 412,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "RATE_LIMITED": 429,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "TRANSACTION_TIMEOUT": 504,
}
# Only while something is broken on purpose.
OUTAGES = {"SERVICE_UNAVAILABLE", "TRANSACTION_TIMEOUT"}
# A statement of ours met a lock, a rival in the opposite order, or the statement timeout.
BUSY_STATES = {"55P03", "40P01", "40001"}
# What a statement that ran too long is told: an outage too.
TOO_LONG = "57014"
BUSY = {"INVENTORY_LOCKED", "CONCURRENCY_ABORT"}
NO_ROOM = {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY"}
STATES = {"BOOKING_STATE_CONFLICT"}
# The SQLSTATEs of the laws, as app/sql/README.md lists them, by which a raw writer may be refused.
LAWS = {"23P01", "23503", "23505", "23514", "23502", "SK006"}
REFUSALS: dict[str, set[str]] = {
    "book": NO_ROOM | {"SLOT_NOT_FOUND"},
    # For somebody in particular, who may have been erased.
    "book_for": NO_ROOM | {"SLOT_NOT_FOUND", "CUSTOMER_NOT_FOUND"},
    "confirm_for": STATES | NO_ROOM | {"SLOT_NOT_FOUND", "HOLD_EXPIRED", "CUSTOMER_NOT_FOUND"},
    # Repeated with its key, when whom it made has been erased.
    "register": {"CUSTOMER_NOT_FOUND"},
    "erase": {"CUSTOMER_IN_USE"},
    "meet": {"CUSTOMER_NOT_FOUND"},
    # A provider's time, which may be closed: outside of what is published, or across a gap.
    "book_time": NO_ROOM | {"SLOT_NOT_FOUND", "VALIDATION_ERROR"},
    "cancel": STATES,
    "confirm": STATES | NO_ROOM | {"SLOT_NOT_FOUND", "HOLD_EXPIRED"},
    "complete": STATES,
    "no_show": STATES,
    "block": NO_ROOM | {"SLOT_NOT_FOUND"},
    "unblock": STATES,
    "publish": {"SLOT_OVERLAP"},
    "resize": {"SLOT_IN_USE", "SLOT_NOT_FOUND"},
    "delete_slot": {"SLOT_IN_USE", "SLOT_NOT_FOUND"},
    "change": STATES,
    "renew": set(),
    "forget": set(),
    "read": set(),
    "search": set(),
    "offer": set(),
    "hours": set(),
    "exception": set(),
    "time_off": set(),
    "take_off": set(),
    "end_off": set(),
    "calendar": set(),
    "apply": set(),
    "close": set(),
    "close_begun": set(),
    "list": set(),
    "sweep": set(),
}
# What a raw writer can meet while doing something lawful.
BY_HAND = LAWS - {"SK006", "23502"} | {"ROLLED_BACK", "NO_ROWS"}


def expected(door: str, kind: str, *, keyed: bool) -> set[str]:
    """The refusals that an operation of this kind can meet. `keyed`: with an idempotency key."""
    if door in {"owner", "role"}:
        return BY_HAND | BUSY_STATES | {TOO_LONG}
    busy = BUSY if door == "http" else BUSY_STATES | BUSY | {TOO_LONG}
    return REFUSALS[kind] | busy | ({"IDEMPOTENCY_CONFLICT"} if keyed else set())
