"""What can be imported and exported: one kind a file, and its columns."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.records.reading import Shape

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TEXT, NUMBER, YES_NO, HOURS, LIST, OBJECT = "text", "number", "yes/no", "hours", "list", "object"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of row: its columns in the order in which an export writes them, and what each holds.

    `needed`: columns that a CSV file must have. A column with `_at` is text.
    """

    name: str
    columns: dict[str, str]
    needed: tuple[str, ...]
    aliases: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """What a file of this kind is to hold."""
        return Shape(self.name, tuple(self.columns), self.needed, self.aliases)


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, TEXT)


def _numbers(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, NUMBER)


PRICE = {"price_amount": NUMBER, "price_currency": TEXT}
ARCHIVED = {"archived": YES_NO}

# In the order in which they need one another.
KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "settings",
            _texts("name", "time_zone")
            | {"public_booking": YES_NO}
            | _texts("availability_numbers")
            | _numbers("open_bookings_max", "hold_minutes")
            | {"service_required": YES_NO},
            (),
        ),
        Kind("locations", _texts("ref", "name", "address", "time_zone") | ARCHIVED, ("name",)),
        Kind("channels", _texts("channel", "location") | _numbers("preference"), ("channel",)),
        Kind("providers", _texts("ref", "name", "location") | ARCHIVED, ("name", "location")),
        Kind(
            "services",
            _texts("ref", "name")
            | _numbers(
                *("duration_minutes", "buffer_before_minutes", "buffer_after_minutes"),
                *("start_step_minutes", "notice_minutes", "window_days"),
                *("quantity_min", "quantity_max"),
            )
            | PRICE
            | ARCHIVED,
            ("name",),
        ),
        Kind(
            "needs",
            _texts("service")
            | _numbers("need")
            | _texts("role", "provider")
            | _numbers("preference"),
            ("service", "provider"),
        ),
        Kind(
            "schedules",
            _texts("ref", "provider", "location", "valid_from", "valid_until")
            | dict.fromkeys(DAYS, HOURS)
            | _numbers("slot_minutes", "gap_minutes", "capacity")
            | PRICE
            | ARCHIVED,
            ("provider", "valid_from"),
        ),
        Kind(
            "exceptions",
            _texts("ref", "provider", "schedule", "starts_on", "ends_on", "kind")
            | {"hours": HOURS}
            | _texts("reason"),
            ("provider", "starts_on", "kind"),
        ),
        Kind(
            "time_off",
            _texts("provider", "start", "end", "reason", "calendar", "event"),
            ("provider", "start", "end"),
        ),
        Kind(
            "slots",
            _texts("provider", "start", "end")
            | _numbers("capacity")
            | _texts("location")
            | PRICE
            | _texts("schedule"),
            ("start", "end"),
            {"provider_id": "provider", "location_id": "location"},
        ),
        Kind(
            "customers",
            _texts("ref", "name", "email", "phone", "note") | {"banned": YES_NO},
            (),
        ),
        Kind(
            "bookings",
            _texts("ref", "kind", "status", "provider")
            | {"other_providers": LIST}
            | _texts("service", "start", "end")
            | _numbers("quantity", "guests")
            | _texts("customer", "customer_name", "customer_email", "customer_phone")
            | PRICE
            | _numbers("buffer_before_minutes", "buffer_after_minutes")
            | _texts("hold_expires_at", "cancelled_by", "cancellation_reason", "channel")
            | _texts("notes", "internal_notes")
            | {"metadata": OBJECT},
            ("provider", "start", "end"),
        ),
    )
}
