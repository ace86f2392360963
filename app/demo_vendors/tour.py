"""A boat with twelve seats that goes out twice a day."""

from __future__ import annotations

from app.demo_vendors.described import Booked, Calendar, DemoVendor, Service, person, week

TOUR = DemoVendor(
    slug="demo-tour",
    name="Demo Tour",
    time_zone="Atlantic/Reykjavik",
    locations={"Old harbour": "Ægisgarður, 101 Reykjavík"},
    calendars=(
        Calendar(
            "The boat Rán",
            "Old harbour",
            ({"weekly": week("09:00-12:00", "13:00-16:00"), "capacity": 12},),
            (
                {"starts_on": 10, "kind": "extra", "hours": [["17:00", "20:00"]]},
                {"starts_on": 16, "kind": "closed", "reason": "Engine overhaul"},
            ),
        ),
    ),
    services=(
        Service(
            {
                "name": "Whale watching",
                "quantity_max": 8,
                "notice_minutes": 30,
                "price": {"amount": 9900, "currency": "EUR"},
            },
            {"boat": ("The boat Rán",)},
        ),
    ),
    settings={"availability_numbers": "few_left"},
    bookings=(
        Booked("Whale watching", 1, person("Ada Lovelace"), quantity=5),
        Booked("Whale watching", 1, person("Grace Hopper"), quantity=5),
        Booked("Whale watching", 1, person("Emmy Noether"), quantity=4),
        Booked("Whale watching", 2, person("Mary Somerville"), quantity=4),
        Booked("Whale watching", 2, channel="walk-in", quantity=3),
        Booked("Whale watching", 3, person("Lise Meitner"), quantity=2, cancelled="Seasick."),
    ),
)
