"""A day that the vendor closes among its bookings stays closed when they are cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
