"""What a refusal says: what is in the way, what to do now, and when, as the clocks there say."""

from __future__ import annotations

import psycopg
import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
GRACE = {"name": "Grace Hopper", "email": "grace@example.org"}
# On 28 October 2040 the clocks of Berlin show the hour from two to three twice.
FIRST_TWO = "2040-10-28T00:00:00Z"
SECOND_TWO = "2040-10-28T01:00:00Z"
SECOND_THREE = "2040-10-28T02:00:00Z"


def _refused(vendor, problem, slot, code="BOOKING_CONFLICT", **wanted):
    answer = vendor.post("/bookings", {"customer": GRACE, "slot_id": slot["id"], **wanted})
    return problem(answer, 409, code)


def _taken(vendor, slot, reason, quantity):
    if reason == "blocked":
        times = {name: slot[name] for name in ("provider_id", "start", "end")}
        vendor.made("/blocks", {**times, "quantity": quantity})
    else:
        vendor.booked(slot_id=slot["id"], quantity=quantity, hold=reason == "held")


@pytest.mark.parametrize(
    "reason, detail, hint",
    [
        (
            "booked",
            "it has been booked",
            "just booked by another customer. Select a different time",
        ),
        ("held", "somebody is booking it right now", "it comes back when their hold lapses"),
        ("blocked", "the vendor has closed it", "The vendor has closed this time."),
    ],
)
def test_what_is_in_the_way_decides_what_the_refusal_says(vendor, problem, reason, detail, hint):
    slot = vendor.slot()
    _taken(vendor, slot, reason, 1)
    refused = _refused(vendor, problem, slot)
    assert refused["conflict"]["reason"] == reason
    assert refused["detail"].endswith(f"is no longer available for 1 place: {detail}.")
    assert hint in refused["hint"]
    assert "different time" in refused["hint"]
    assert ("just booked by another customer" in refused["hint"]) == (reason == "booked")
    assert "Ada" not in str(refused)


@pytest.mark.parametrize(
    "reason, detail, hint",
    [
        ("booked", "1 is left", "Ask for as many places"),
        ("held", "1 is left, and somebody is booking others right now", "may come back"),
        ("blocked", "1 is left, the vendor has closed the others", "Ask for as many places"),
    ],
)
def test_where_some_places_are_left_the_others_are_spoken_of(vendor, problem, reason, detail, hint):
    slot = vendor.slot(capacity=3)
    _taken(vendor, slot, reason, 2)
    refused = _refused(vendor, problem, slot, "INSUFFICIENT_INVENTORY", quantity=2)
    assert refused["detail"].endswith(f"for 2 places: {detail}.")
    assert hint in refused["hint"]


def test_more_than_there_ever_were_is_not_said_to_have_been_booked(vendor, problem):
    slot = vendor.slot(capacity=2)
    some = _refused(vendor, problem, slot, "INSUFFICIENT_INVENTORY", quantity=3)
    assert some["detail"].endswith("2 are left, and there were never so many.")
    vendor.booked(slot_id=slot["id"], quantity=2)
    none = _refused(vendor, problem, slot, quantity=3)
    assert none["conflict"]["reason"] == "capacity"
    assert none["hint"].startswith("There were never so many places at this time: ask for fewer")


def test_the_hour_that_comes_twice_is_told_with_its_offsets(vendor, problem):
    provider = vendor.provider()
    hours = [(FIRST_TWO, SECOND_TWO), (SECOND_TWO, SECOND_THREE)]
    wanted = [{"start": start, "end": end} for start, end in hours]
    slots = vendor.made(f"/providers/{provider['id']}/slots", {"slots": wanted})["items"]
    said = ("2040-10-28 02:00+02:00 - 02:00+01:00", "2040-10-28 02:00+01:00 - 03:00+01:00")
    for slot, when in zip(slots, said, strict=True):
        vendor.booked(slot_id=slot["id"])
        refused = _refused(vendor, problem, slot)
        assert refused["detail"].startswith(f"{when} (Europe/Berlin) is no longer available")
    ada = vendor.get("/customers?q=ada", vendor.key).json()["items"][0]
    erased = vendor.call("DELETE", f"/customers/{ada['id']}", auth=vendor.key)
    refused = problem(erased, 409, "CUSTOMER_IN_USE")
    first = "2 bookings to come, the first at 2040-10-28 02:00+02:00 (Europe/Berlin)."
    assert refused["detail"] == first


def test_a_time_over_the_change_of_the_clocks_is_told_with_its_offsets(vendor, problem):
    provider = vendor.provider()
    night = {"start": "2040-10-27T20:00:00Z", "end": "2040-10-28T08:00:00Z"}
    slot = vendor.made(f"/providers/{provider['id']}/slots", {"slots": [night]})["items"][0]
    vendor.booked(slot_id=slot["id"])
    when = "2040-10-27 22:00+02:00 - 2040-10-28 09:00+01:00 (Europe/Berlin)"
    assert _refused(vendor, problem, slot)["detail"].startswith(when)


def test_seconds_are_told_where_there_are_some(vendor, problem):
    slot = vendor.slot()
    part = {"start": "2040-01-02T09:00:00Z", "end": "2040-01-02T09:01:30Z"}
    vendor.booked(slot_id=slot["id"], **part)
    refused = _refused(vendor, problem, slot, **part)
    assert refused["detail"].startswith("2040-01-02 10:00-10:01:30 (Europe/Berlin)")


def test_a_hold_that_expired_is_told_in_the_time_of_the_place(vendor, problem, shared_server):
    booking = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE bookings SET hold_expires_at = '2026-02-03T08:15:00Z' WHERE id = %s",
            [booking["id"]],
        )
    answer = vendor.post(f"/bookings/{booking['id']}/confirm", auth=booking["manage_token"])
    refused = problem(answer, 409, "HOLD_EXPIRED")
    assert refused["detail"] == "The hold expired at 2026-02-03 09:15 (Europe/Berlin)."
    assert refused["conflict"]["time_zone"] == "Europe/Berlin"
