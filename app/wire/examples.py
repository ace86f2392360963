"""One small story, from which every example in the description of the API takes its values."""

from __future__ import annotations

from typing import Any

from app.errors import CODES

VENDOR = "corner-salon"


def _id(number: int) -> str:
    return f"01980000-0000-7000-8000-{number:012}"


# Whoever tries the examples puts ids of their own in the place of these.
IDS = {
    "slot": _id(1),
    "location": _id(2),
    "provider": _id(3),
    "service": _id(4),
    "booking": _id(5),
    "block": _id(6),
    "customer": _id(7),
    "key": _id(8),
    "schedule": _id(10),
    "exception": _id(11),
    "time_off": _id(12),
}
REQUEST_ID = "3aaed3c9e3b3420ba102258ad039b1d3"

# What the calls are sent that bring no example of their own, by operationId.
REQUESTS: dict[str, dict[str, Any]] = {
    "change_vendor": {"name": "The Corner Salon", "hold_minutes": 15},
    "create_location": {
        "name": "Corner Street",
        "address": "1 Corner Street\n10115 Berlin",
        "time_zone": "Europe/Berlin",
    },
    "change_location": {"address": "2 Corner Street\n10115 Berlin"},
    "create_provider": {"name": "Alex", "location_id": IDS["location"]},
    "change_provider": {"name": "Alexandra"},
    "create_service": {
        "name": "Haircut",
        "duration_minutes": 30,
        "buffer_after_minutes": 10,
        "notice_minutes": 120,
        "window_days": 60,
        "price": {"amount": 4500, "currency": "EUR"},
        "needs": [
            {"role": "stylist", "providers": [{"provider_id": IDS["provider"], "preference": 1}]}
        ],
    },
    "change_service": {"price": {"amount": 4800, "currency": "EUR"}},
    "resize_slot": {"capacity": 14},
    "cancel_booking": {"reason": "Down with a cold."},
    "block_time": {
        "provider_id": IDS["provider"],
        "start": "2031-03-03T12:00:00Z",
        "end": "2031-03-03T13:00:00Z",
        "reason": "Lunch",
    },
}

NAMES = {
    **dict.fromkeys(IDS, "Ada Lovelace"),
    "vendor": "Corner Salon",
    "location": "Corner Street",
    "provider": "Alex",
    "service": "Haircut",
    "key": "The website",
}
# Values by the name of the member or parameter that holds them.
BY_NAME: dict[str, Any] = {
    "vendor": VENDOR,
    "slug": VENDOR,
    **{f"{kind}_id": value for kind, value in IDS.items()},
    "busy_time_id": IDS["time_off"],
    "from": "2031-03-03T00:00:00Z",
    "to": "2031-03-04T00:00:00Z",
    "start": "2031-03-03T09:00:00Z",
    "end": "2031-03-03T10:00:00Z",
    "date": "2031-03-03",
    "other_start": "2031-03-03T09:30:00Z",
    "created_at": "2031-02-28T08:15:30.123456Z",
    "updated_at": "2031-03-01T12:00:00.5Z",
    "occurred_at": "2031-03-01T12:00:00.5Z",
    "since": "2026-01-01T00:00:00Z",
    "updated_since": "2031-03-01T00:00:00Z",
    "last_used_at": "2031-03-03T09:00:00Z",
    "time_zone": "Europe/Berlin",
    "name": "Ada Lovelace",
    "q": "Ada",
    "email": "ada@example.org",
    "phone": "+44 20 7946 0123",
    "address": "1 Corner Street",
    "amount": 4500,
    "currency": "EUR",
    "quantity": 2,
    "guests": 2,
    "capacity": 12,
    "available": 10,
    "version": 1,
    "sequence": 1,
    "limit": 50,
    "request_id": REQUEST_ID,
    "manage_token": "mt_…",
    "key": "sk_…",
    "prefix": "sk_aB3dE5fG",
    "channel": "website",
    "notes": "A table by the window, please.",
    "internal_notes": "Paid in advance.",
    "note": "Prefers mornings.",
    "reason": "Lunch",
    "published": 1,
    "removed": 0,
    "blocked": 1,
    "lifted": 0,
    "resized": 0,
    "kept": 0,
    "in_the_way_total": 1,
    "valid_from": "2031-03-03",
    "valid_until": "2031-12-31",
    "starts_on": "2031-12-24",
    "ends_on": "2031-12-26",
    "slot_minutes": 30,
    "gap_minutes": 0,
    "skipped": 0,
    "closed": [],
    "duration_minutes": 30,
    "buffer_after_minutes": 10,
    "start_step_minutes": 15,
    "notice_minutes": 120,
    "window_days": 60,
    "quantity_min": 1,
    "role": "stylist",
    "preference": 1,
    "kind": "appointment",
    "status": "confirmed",
    "banned": False,
    "public_booking": True,
    "service_required": False,
    "hold_minutes": 10,
}
# Most often there is none.
NONE_AS_A_RULE = frozenset(
    {
        "next_cursor",
        "archived_at",
        "hold_expires_at",
        "cancelled_by",
        "cancellation_reason",
        "revoked_at",
        "banned_at",
        "open_bookings_max",
        "quantity_max",
    }
)
_BY_FORMAT = {
    "uuid": IDS["booking"],
    "date-time": "2031-03-03T09:00:00Z",
    "date": "2031-03-03",
    "email": "ada@example.org",
}

Json = dict[str, Any]


def example_of(schema: Json, components: Json, name: str = "", owner: str = "") -> Any:  # noqa: PLR0911  # One line a kind of schema.
    """A value that the JSON Schema allows, as the member `name` of an object `owner`."""
    if "$ref" in schema:
        found = schema["$ref"].rsplit("/", 1)[-1]
        return example_of(components["schemas"][found], components, name, found)
    if "example" in schema:
        return schema["example"]
    kinds = schema.get("type", "string")
    if "null" in kinds and name in NONE_AS_A_RULE:
        return None
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return example_of(schema[choice][0], components, name, owner)
    kind = kinds if isinstance(kinds, str) else next(one for one in kinds if one != "null")
    if kind == "object":
        return {
            member: example_of(inner, components, member, owner)
            for member, inner in schema.get("properties", {}).items()
            if not inner.get("writeOnly")
        }
    if kind == "array":
        items = schema.get("items") or {}
        return [example_of(items, components, name.removesuffix("s"), owner)] if items else []
    return _plain(schema, kind, name, owner)


def _plain(schema: Json, kind: str, name: str, owner: str) -> Any:
    about = _kind_of(owner)
    own = {"id": IDS.get(about), "name": NAMES.get(about)}
    value = own.get(name) or BY_NAME.get(name)
    allowed = [one for one in schema.get("enum", []) if one is not None]
    if allowed:
        return value if value in allowed else allowed[0]
    if value is not None and _is(value, kind):
        return value
    match kind:
        case "boolean":
            return schema.get("default", False)
        case "integer" | "number":
            return schema.get("default") or schema.get("minimum", 1)
        case _:
            return _BY_FORMAT.get(schema.get("format", ""), "Corner Street")


def _kind_of(owner: str) -> str:
    """BookingCustomer is a customer, NewBooking a booking, ProviderDay about a provider."""
    name = owner.lower()
    found = [kind for kind in NAMES if name.endswith(kind)]
    return next(iter(found or [kind for kind in NAMES if name.startswith(kind)]), "")


def _is(value: Any, kind: str) -> bool:
    kinds = {"string": str, "integer": int, "number": int, "boolean": bool}
    return isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool))


def problem_example(code: str, public_url: str) -> Json:
    """The problem document of a code, as it could be."""
    meaning = CODES[code]
    document: Json = {
        "type": f"{public_url}/docs/errors#{code.lower()}",
        "title": meaning.title,
        "status": meaning.status,
        "detail": f"{meaning.title}.",
        "code": code,
        "hint": meaning.hint,
        "retryable": meaning.retryable,
        "request_id": REQUEST_ID,
    }
    if code == "VALIDATION_ERROR":
        wrong = {"field": "start", "message": "Needs an offset from UTC, such as Z or +01:00."}
        document |= {"detail": f"start: {wrong['message']}", "errors": [wrong]}
    if code in {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY"}:
        document |= _conflict(available=int(code == "INSUFFICIENT_INVENTORY"))
    return document


def _conflict(*, available: int) -> Json:
    when = {"start": BY_NAME["start"], "end": BY_NAME["end"], "time_zone": "Europe/Berlin"}
    why = "1 is left" if available else "it has been booked"
    later = {**when, "start": "2031-03-03T10:00:00Z", "end": "2031-03-03T11:00:00Z"}
    return {
        "detail": f"2031-03-03 10:00-11:00 (Europe/Berlin) is no longer available for 2 places:"
        f" {why}.",
        "conflict": {
            "reason": "booked",
            "requested": 2,
            "available": available,
            "slot_id": IDS["slot"],
            **when,
        },
        "alternatives": [
            {
                "slot_ids": [_id(9)],
                "provider_id": IDS["provider"],
                "location_id": IDS["location"],
                **later,
                "available": 12,
                "kind": "same_provider",
            }
        ],
    }
