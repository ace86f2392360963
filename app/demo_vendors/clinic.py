"""A clinic in which a therapist and a room are booked together."""

from __future__ import annotations

from app.demo_vendors.described import Block, Booked, Calendar, DemoVendor, Service, person, week

HOUSE = "River Valley Road"
ROOMS = ("Garden room", "Street room")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")

CLINIC = DemoVendor(
    slug="demo-clinic",
    name="Demo Clinic",
    time_zone="Asia/Singapore",
    locations={HOUSE: "1 River Valley Road, Singapore"},
    calendars=(
        Calendar("Mei, therapist", HOUSE, ({"weekly": week("09:00-13:00")},)),
        Calendar(
            "Ravi, therapist",
            HOUSE,
            ({"weekly": week("09:00-12:00", "13:00-18:00", days=WEEKDAYS)},),
            ({"starts_on": 30, "ends_on": 32, "kind": "closed", "reason": "A congress"},),
        ),
        *(Calendar(room, HOUSE, ({"weekly": week("08:00-20:00")},)) for room in ROOMS),
    ),
    services=(
        Service(
            {
                "name": "Massage",
                "duration_minutes": 60,
                "buffer_after_minutes": 15,
                "notice_minutes": 120,
                "window_days": 60,
                "quantity_max": 1,
                "price": {"amount": 9000, "currency": "SGD"},
            },
            {"therapist": ("Mei, therapist", "Ravi, therapist"), "room": ROOMS},
        ),
        Service(
            {
                "name": "First visit",
                "duration_minutes": 30,
                "start_step_minutes": 30,
                "price": {"amount": 4500, "currency": "SGD"},
            },
            {"therapist": ("Ravi, therapist", "Mei, therapist")},
        ),
    ),
    bookings=(
        Booked("Massage", 1, person("Grace Hopper")),
        Booked("Massage", 1, person("Ada Lovelace")),
        Booked("First visit", 1, person("Emmy Noether")),
        Booked("Massage", 2, person("Mary Somerville"), provider="Mei, therapist"),
        Booked("Massage", 3, person("Sophie Germain"), cancelled="Feels better already."),
        Booked("First visit", 2, channel="telephone"),
    ),
    blocks=(Block("Street room", 5, (14, 18), "Painters"),),
)
