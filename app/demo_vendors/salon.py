"""A salon with three stylists in two shops, one of which takes walk-ins."""

from __future__ import annotations

from app.demo_vendors.described import Booked, Calendar, DemoVendor, Service, person, week

MAIN, BRANCH = "Salon Sonnenallee", "Salon Kastanienallee"
OPEN = week("09:00-17:00")

SALON = DemoVendor(
    slug="demo-salon",
    name="Demo Salon",
    time_zone="Europe/Berlin",
    locations={
        MAIN: "Sonnenallee 1, 12047 Berlin",
        BRANCH: "Kastanienallee 1, 10435 Berlin",
    },
    calendars=(
        # Appointments of a fixed length, which are booked whole: what the printed curl takes.
        Calendar("Alex", MAIN, ({"weekly": OPEN, "slot_minutes": 45, "gap_minutes": 15},)),
        # Long days, of which services take their parts.
        Calendar(
            "Kim",
            MAIN,
            ({"weekly": week("09:00-12:30", "13:30-18:00")},),
            (
                {"starts_on": 20, "ends_on": 24, "kind": "closed", "reason": "Holidays"},
                {"starts_on": 9, "kind": "extra", "hours": [["18:30", "20:30"]]},
            ),
        ),
        Calendar("Sam", BRANCH, ({"weekly": week("11:00-19:00")},)),
    ),
    services=(
        Service(
            {
                "name": "Haircut",
                "duration_minutes": 45,
                "start_step_minutes": 15,
                "price": {"amount": 4500, "currency": "EUR"},
            },
            {"stylist": ("Alex", "Kim", "Sam")},
        ),
        Service(
            {
                "name": "Colouring",
                "duration_minutes": 120,
                "buffer_after_minutes": 15,
                "start_step_minutes": 30,
                "notice_minutes": 24 * 60,
                "price": {"amount": 12000, "currency": "EUR"},
            },
            {"stylist": ("Kim", "Sam")},
        ),
    ),
    # `web` is left open here, so that whatever is added to this vendor can be booked at once.
    channels={"walk-in": (MAIN,)},
    bookings=(
        Booked("Haircut", 0, channel="walk-in"),
        Booked("Haircut", 1, person("Grace Hopper")),
        Booked("Haircut", 1, person("Mary Somerville"), provider="Kim"),
        Booked("Haircut", 1, person("Emmy Noether"), provider="Sam"),
        Booked("Colouring", 2, person("Ada Lovelace")),
        Booked("Colouring", 3, person("Sophie Germain"), cancelled="Down with a cold."),
        Booked("Haircut", 6, person("Lise Meitner"), provider="Kim"),
    ),
)
