"""A day that the vendor closes among its bookings stays closed when they are cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import text

from app.config import Settings
from app.db import db, offline_app, transaction
from app.schedules.publishing import lock_schedules, publish
from tests.api.conftest import ADA

WEEKLY = {
    day: [["09:00", "12:00"]]
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}


_DAY = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()


def _slots(vendor, provider):
    """The provider's slots on that day."""
    asked = f"?provider_id={provider.rpartition('/')[2]}&from={_DAY}T00:00:00Z&to={_DAY}T23:00:00Z"
    return vendor.get(f"/slots{asked}", vendor.key).json()["items"]


def test_a_day_that_was_closed_stays_closed_when_its_booking_is_cancelled(vendor, problem):
    provider = f"/providers/{vendor.provider()['id']}"
    vendor.made(f"{provider}/schedules", {"weekly": WEEKLY, "slot_minutes": 60})
    service = vendor.service(duration_minutes=45, buffer_after_minutes=15)
    visit = vendor.service(duration_minutes=None)
    slot = _slots(vendor, provider)[0]
    booking = vendor.booked(slot_id=slot["id"], service_id=service["id"])
    exception = {"starts_on": _DAY, "kind": "closed"}
    told = vendor.made(f"{provider}/exceptions", exception)
    (named,) = told["publishing"]["in_the_way"]
    # The time it shows, and not what is occupied around it.
    assert (named["start"], named["end"]) == (booking["start"], booking["end"])
    (kept,) = _slots(vendor, provider)
    assert kept["closed"] == [{"start": slot["start"], "end": slot["end"]}]
    refused = vendor.call("PATCH", f"/slots/{slot['id']}", {"end": booking["end"]}, vendor.key)
    (named,) = problem(refused, 409, "SLOT_IN_USE")["conflict"]["bookings"]
    assert (named["start"], named["end"]) == (booking["start"], booking["end"])

    path = f"/bookings/{booking['id']}"
    assert vendor.post(f"{path}/cancel", auth=booking["manage_token"]).status_code == 200
    for wanted in (
        {"slot_id": slot["id"]},
        {"provider_id": slot["provider_id"], "start": slot["start"], "end": slot["end"]},
        {"service_id": service["id"], "start": slot["start"]},
        {"service_id": visit["id"], "start": slot["start"]},
    ):
        for key in (None, vendor.key):
            body = {**wanted, "customer": {"name": "Ada", "phone": "+441234567"}}
            refused = problem(vendor.post("/bookings", body, key), 404, "SLOT_NOT_FOUND")
            assert refused["hint"].startswith("Select a time that is published and open")
    problem(vendor.post(f"{path}/confirm", auth=vendor.key), 404, "SLOT_NOT_FOUND")
    window = f"?from={slot['start']}&to={slot['end']}"
    times = (f"/services/{one['id']}/times{window}" for one in (service, visit))
    for listing in (f"/availability{window}", *times):
        assert vendor.get(listing).json()["items"] == []

    path = f"/exceptions/{told['id']}"
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 200
    assert _slots(vendor, provider)[0]["closed"] == []
    (shown,) = vendor.get(f"/services/{visit['id']}/times{window}").json()["items"]
    assert (shown["start"], shown["end"]) == (slot["start"], slot["end"])
    vendor.booked(slot_id=slot["id"], service_id=service["id"])


NOW = datetime.now(UTC)
# Where it is noon by now, so that this day has a past and a future.
NOON_ZONE = f"Etc/GMT{NOW.hour - 12:+d}"
NOON = NOW.replace(minute=0, second=0, microsecond=0)
TODAY = NOON.astimezone(ZoneInfo(NOON_ZONE)).date().isoformat()


def _hour(after_noon):
    """The hour that begins so many after this one."""
    begin = NOON + timedelta(hours=after_noon)
    return {"start": begin.isoformat(), "end": (begin + timedelta(hours=1)).isoformat()}


@pytest.fixture
def under_way(vendor, shared_server):
    """A provider with one slot for each whole day; that of today has begun."""
    place = vendor.location(time_zone=NOON_ZONE)["id"]
    vendor.day = vendor.provider(location_id=place)["id"]
    weekly = {day: [["00:00", "24:00"]] for day in WEEKLY}
    vendor.made(f"/providers/{vendor.day}/schedules", {"weekly": weekly})
    with psycopg.connect(shared_server.database.owner_url) as owner:
        # As if it had been published yesterday.
        owner.execute(
            "INSERT INTO slots (vendor_id, provider_id, schedule_id, location_id, capacity, during)"
            " SELECT vendor_id, provider_id, schedule_id, location_id, capacity,"
            " tstzrange(lower(during) - interval '1 day', lower(during)) FROM slots"
            " WHERE provider_id = %s ORDER BY during LIMIT 1",
            [vendor.day],
        )
    return vendor


def test_of_a_day_that_is_closed_when_it_has_begun_the_rest_is_closed(under_way, problem):
    vendor, wanted = under_way, {"provider_id": under_way.day, "customer": ADA}
    booking = vendor.booked(provider_id=vendor.day, **_hour(4))
    exceptions = f"/providers/{vendor.day}/exceptions"
    closed = {"starts_on": TODAY, "kind": "closed"}
    told = vendor.post(f"{exceptions}?dry_run=true", closed, vendor.key).json()["publishing"]
    assert [one["booking_id"] for one in told["in_the_way"]] == [booking["id"]]
    vendor.booked(provider_id=vendor.day, **_hour(5))

    made = vendor.made(exceptions, closed)
    assert made["publishing"]["in_the_way_total"] == 2
    assert vendor.post(f"/bookings/{booking['id']}/cancel", auth=vendor.key).status_code == 200
    for hour in (_hour(2), _hour(4), _hour(7)):
        for key in (None, vendor.key):
            problem(vendor.post("/bookings", {**wanted, **hour}, key), 404, "SLOT_NOT_FOUND")
    window = f"from={_hour(1)['start']}&to={_hour(8)['end']}".replace("+", "%2B")
    shown = vendor.get(f"/availability?provider_id={vendor.day}&{window}").json()["items"]
    assert [one["free"] for one in shown] in ([], [[]])
    # Published again it is as it was, and open it is bookable.
    again = vendor.call("PATCH", f"/exceptions/{made['id']}", {"reason": "Ill"}, vendor.key).json()
    assert again["publishing"]["in_the_way_total"] == 1
    assert vendor.call("DELETE", f"/exceptions/{made['id']}", auth=vendor.key).status_code == 200
    vendor.booked(provider_id=vendor.day, **_hour(4))


def test_other_hours_for_a_day_that_has_begun_close_what_they_leave_out(under_way, problem):
    vendor = under_way
    other = {"starts_on": TODAY, "kind": "other", "hours": [["08:00", "16:00"]]}
    vendor.made(f"/providers/{vendor.day}/exceptions", other)
    vendor.booked(provider_id=vendor.day, **_hour(3))
    wanted = {"provider_id": vendor.day, "customer": ADA, **_hour(4)}
    problem(vendor.post("/bookings", wanted), 404, "SLOT_NOT_FOUND")


def test_a_slot_that_begins_while_it_is_published_is_under_way(under_way, shared_server, problem):
    vendor, closed = under_way, {"starts_on": TODAY, "kind": "closed"}
    vendor.made(f"/providers/{vendor.day}/exceptions", closed)
    database = shared_server.database
    app = offline_app(Settings(database_url=database.app_url, threads=1))
    with app.app_context(), transaction() as session:
        # Its now() is before the slot begins, as in an import that has been at work for minutes.
        found = text("SELECT vendor_id FROM providers WHERE id = :id")
        (vendor_id,) = session.execute(found, {"id": vendor.day}).one()
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(
                "UPDATE slots SET during = tstzrange(clock_timestamp(), upper(during)),"
                " closed = '{}' WHERE provider_id = %s AND lower(during) < now()",
                [vendor.day],
            )
        lock_schedules(session, vendor_id, UUID(vendor.day))
        publish(session, vendor_id, UUID(vendor.day))
    with app.app_context():
        db.engine.dispose()
    wanted = {"provider_id": vendor.day, "customer": ADA, **_hour(4)}
    problem(vendor.post("/bookings", wanted), 404, "SLOT_NOT_FOUND")
