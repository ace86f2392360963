"""A location gets another time zone: the schedules that go by its clocks follow at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
ALWAYS = {day: [["09:00", "12:00"]] for day in WEEKDAYS}
DAY = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()


def _slots(vendor, provider):
    """The provider's slots on that day, by UTC."""
    asked = f"?provider_id={provider.rpartition('/')[2]}&from={DAY}T00:00:00Z&to={DAY}T23:59:00Z"
    return vendor.get(f"/slots{asked}", vendor.key).json()["items"]


def test_a_location_with_another_time_zone_publishes_what_goes_by_its_clocks_at_once(vendor):
    place = vendor.location(time_zone="Europe/Rome")
    provider = f"/providers/{vendor.provider(location_id=place['id'])['id']}"
    made = vendor.made(f"{provider}/schedules", {"weekly": ALWAYS, "slot_minutes": 60})
    booking = vendor.booked(slot_id=_slots(vendor, provider)[-1]["id"])
    path = f"/locations/{place['id']}"

    def change(**values):
        answer = vendor.call("PATCH", path, values, vendor.key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert "publishing" not in change(name="There")
    told = change(time_zone="Asia/Kolkata")["publishing"]
    assert (told["in_the_way_total"], told["under_way"]) == (1, 0)
    assert told["in_the_way"][0]["booking_id"] == booking["id"]
    # Half past, by Rome's clocks.
    starts = {slot["start"][14:16] for slot in _slots(vendor, provider)}
    assert starts == {"00", "30"}
    again = vendor.call("PATCH", f"/schedules/{made['id']}", {"capacity": 1}, vendor.key).json()
    assert again["publishing"]["published"] == again["publishing"]["removed"] == 0
    assert "publishing" not in change(time_zone="Asia/Kolkata")


def test_whoever_cannot_follow_a_location_at_once_is_left_to_the_worker(vendor, shared_server):
    place = vendor.location(time_zone="Europe/Rome")
    provider = vendor.provider(location_id=place["id"])["id"]
    vendor.made(f"/providers/{provider}/schedules", {"weekly": ALWAYS})
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
        # As whoever publishes them has it.
        owner.execute(
            "SELECT pg_advisory_lock(hashtextextended(vendor_id || ' schedules ' || id, 0))"
            " FROM providers WHERE id = %s",
            [provider],
        )
        zone = {"time_zone": "America/New_York"}
        told = vendor.call("PATCH", f"/locations/{place['id']}", zone, vendor.key).json()
        due = owner.execute(
            "SELECT looked_at = '-infinity' FROM schedule_publishings WHERE provider_id = %s",
            [provider],
        ).fetchone()
    assert (told["time_zone"], told["publishing"]["under_way"]) == ("America/New_York", 1)
    assert told["publishing"]["published"] == 0
    assert due == (True,)
