"""A hotel with room types, a night a slot, and prices by season."""

from __future__ import annotations

from app.demo_vendors.described import Booked, Calendar, DemoVendor, Service, person, week

HOUSE = "On the lagoon"
# From the afternoon to the next morning.
NIGHTS = week("15:00-11:00")
# The last night of the low season, in days from the first run.
EVE = 29


def _seasons(capacity: int, low: int, high: int) -> tuple[dict[str, object], ...]:
    """One schedule until the eve of the high season, and one from then on; prices in euros."""
    nights = {"weekly": NIGHTS, "capacity": capacity}
    return (
        {**nights, "price": {"amount": low * 100, "currency": "EUR"}, "valid_until": EVE},
        {**nights, "price": {"amount": high * 100, "currency": "EUR"}, "valid_from": EVE + 1},
    )


HOTEL = DemoVendor(
    slug="demo-hotel",
    name="Demo Hotel",
    time_zone="Indian/Mauritius",
    locations={HOUSE: "Coastal Road, Le Morne"},
    calendars=(
        Calendar("Garden room", HOUSE, _seasons(10, 90, 140)),
        Calendar("Sea view room", HOUSE, _seasons(6, 130, 210)),
        Calendar(
            "Suite",
            HOUSE,
            _seasons(2, 300, 420),
            ({"starts_on": 12, "ends_on": 13, "kind": "closed", "reason": "Painters"},),
        ),
    ),
    services=(
        Service(
            {"name": "Stay", "quantity_max": 3},
            {"room": ("Garden room", "Sea view room", "Suite")},
        ),
    ),
    bookings=(
        Booked("Stay", 2, person("Ada Lovelace"), provider="Garden room", nights=5, quantity=2),
        Booked("Stay", 4, person("Grace Hopper"), provider="Suite", nights=3),
        Booked("Stay", 5, person("Emmy Noether"), provider="Suite", nights=2),
        # From one season into the other.
        Booked("Stay", 28, person("Mary Somerville"), provider="Sea view room", nights=4),
        Booked(
            "Stay",
            7,
            person("Sophie Germain"),
            provider="Garden room",
            nights=3,
            cancelled="The flight was cancelled.",
        ),
        Booked("Stay", 1, channel="telephone", provider="Sea view room", nights=2),
    ),
)
