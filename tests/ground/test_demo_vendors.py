"""The vendors of the demo, loaded into a database as the demo does it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import psycopg
import pytest

from app.config import Settings
from app.demo_vendors import DEMO_VENDORS, load_demo_vendors

SLUGS = ["demo-salon", "demo-clinic", "demo-hotel", "demo-tour"]
BOOKED = """
SELECT v.slug, b.kind, b.status::text, b.channel, b.claim_count, b.price_amount FROM bookings b
JOIN vendors v ON v.id = b.vendor_id ORDER BY v.slug, b.id
"""
# One count of rows for each table that loading writes.
ROWS = " UNION ALL ".join(
    f"SELECT '{table}', count(*) FROM {table}"
    for table in (
        *("vendors", "locations", "providers", "services", "schedules", "schedule_exceptions"),
        *("slots", "bookings", "claims", "events", "customers"),
    )
)


@pytest.fixture
def settings(database) -> Settings:
    """Those of a demo, which has no rate limits."""
    names = {
        "DATABASE_URL": database.app_url,
        "SLOTKEEPER_SECRET_KEY": "demo " * 10,
        "SLOTKEEPER_RATE_LIMITS": "off",
        "SLOTKEEPER_KEY_RATE_LIMITS": "off",
    }
    return Settings.from_environment(names)


def test_each_vendor_is_loaded_with_a_past_of_bookings_and_a_calendar_for_half_a_year(
    settings, owner: psycopg.Connection
):
    keys = load_demo_vendors(settings, {})
    assert list(keys) == SLUGS == [vendor.slug for vendor in DEMO_VENDORS]
    booked = owner.execute(BOOKED).fetchall()
    for vendor in DEMO_VENDORS:
        seen = Counter(status for slug, kind, status, *_ in booked if slug == vendor.slug)
        assert seen["cancelled"] >= 1, vendor.slug
        assert seen.total() == len(vendor.bookings) + len(vendor.blocks), vendor.slug
    assert {row[3] for row in booked} == {None, "walk-in", "telephone"}
    assert {(row[0], row[4]) for row in booked} >= {("demo-clinic", 2), ("demo-hotel", 5)}
    # Two nights before the season changes, two after it.
    assert 2 * 13000 + 2 * 21000 in {row[5] for row in booked if row[0] == "demo-hotel"}

    until = owner.execute(
        "SELECT min(latest) FROM (SELECT max(upper(during)) AS latest FROM slots"
        " GROUP BY provider_id) AS s"
    ).fetchone()[0]
    assert until > datetime.now(until.tzinfo) + timedelta(days=175)
    checked = "SELECT check_name FROM verify_booking_slot_consistency() WHERE status <> 'PASS'"
    assert owner.execute(checked).fetchall() == []


def test_a_second_run_makes_nothing_and_returns_the_same_keys(settings, owner):
    keys = load_demo_vendors(settings, {})
    rows = owner.execute(ROWS).fetchall()
    assert load_demo_vendors(settings, keys) == keys
    assert owner.execute(ROWS).fetchall() == rows


def test_a_run_that_was_broken_off_is_taken_up_and_doubles_nothing(settings, owner):
    keys = load_demo_vendors(settings, {})
    rows = owner.execute(ROWS).fetchall()
    # Nothing was written down of the first run but the salon's key.
    again = load_demo_vendors(settings, {"demo-salon": keys["demo-salon"]})
    assert again["demo-salon"] == keys["demo-salon"]
    assert again["demo-tour"] != keys["demo-tour"]
    assert owner.execute(ROWS).fetchall() == rows
