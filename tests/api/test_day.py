"""A vendor's day: each provider with its slots, bookings and blocks, in the place's own time."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

import psycopg
import pytest

from app.auth.visits import find_vendor
from app.bookings.day import PER_PROVIDER_MAX, show_day
from tests.api.conftest import Api

MONDAY = "2040-01-02"


def _day(vendor, day=MONDAY, **query):
    answer = vendor.client.get(
        f"{vendor.base}/day",
        params={"date": day, **query},
        headers={"Authorization": f"Bearer {vendor.key}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def _published(vendor, provider_id, *times, **more):
    wanted = [{"start": start, "end": end, **more} for start, end in times]
    return vendor.made(f"/providers/{provider_id}/slots", {"slots": wanted})["items"]


def _later(moment, **more):
    return (datetime.fromisoformat(moment) + timedelta(**more)).isoformat().replace("+00:00", "Z")


def _hours_between(start, end):
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)) / timedelta(hours=1)


def _ids(rows):
    return [row["id"] for row in rows]


def test_a_day_shows_each_provider_with_slots_bookings_and_blocks(vendor):
    provider = vendor.provider(name="Chair 1")
    idle = vendor.provider(name="Chair 2", location_id=provider["location_id"])
    slots = vendor.slots((9, 10), (10, 11), (14, 15), provider_id=provider["id"])
    booking = vendor.booked(vendor.key, slot_id=slots[2]["id"], internal_notes="VIP")
    held = vendor.booked(slot_id=slots[1]["id"], hold=True)
    times = {name: slots[0][name] for name in ("provider_id", "start", "end")}
    block = vendor.made("/blocks", {**times, "reason": "Late start"})
    day = _day(vendor)
    assert (day["date"], day["next_cursor"]) == (MONDAY, None)
    assert day["hours"] == [
        {
            "time_zone": "Europe/Berlin",
            "start": "2040-01-01T23:00:00Z",
            "end": "2040-01-02T23:00:00Z",
        }
    ]
    busy, other = day["items"]
    shown = {"provider_id", "name", "location_id", "time_zone"}
    assert {name: busy[name] for name in shown} == {
        "provider_id": provider["id"],
        "name": "Chair 1",
        "location_id": provider["location_id"],
        "time_zone": "Europe/Berlin",
    }
    left_out = {"provider_id", "schedule_id", "created_at", "updated_at"}
    assert busy["slots"] == [
        {name: value for name, value in slot.items() if name not in left_out} for slot in slots
    ]
    assert busy["bookings"] == [
        vendor.get(f"/bookings/{one['id']}", vendor.key).json() for one in (held, booking)
    ]
    assert busy["bookings"][1]["internal_notes"] == "VIP"
    assert busy["blocks"] == [block]
    assert busy["complete"] is True
    assert (other["provider_id"], other["slots"]) == (idle["id"], [])
    assert other["bookings"] == other["blocks"] == []


def test_what_is_over_or_undone_is_not_in_the_day(vendor, shared_server):
    slots = vendor.slots((9, 10), (10, 11), (11, 12))
    lapsed = vendor.booked(slot_id=slots[0]["id"], hold=True)
    cancelled = vendor.booked(slot_id=slots[1]["id"])
    vendor.post(f"/bookings/{cancelled['id']}/cancel", auth=vendor.key)
    stays = vendor.booked(slot_id=slots[2]["id"])
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = %s",
            [lapsed["id"]],
        )
    (provider,) = _day(vendor)["items"]
    assert _ids(provider["bookings"]) == [stays["id"]]


@pytest.mark.parametrize("day, hours", [("2040-03-25", 23), ("2040-10-28", 25), ("2040-03-26", 24)])
def test_a_day_has_the_hours_that_it_has_there(vendor, day, hours):
    # The clocks of Berlin: one hour ahead of UTC in winter, two in summer.
    provider = vendor.provider()["id"]
    (shown,) = _day(vendor, day)["hours"]
    start, end = shown["start"], shown["end"]
    first, last, after = _published(
        vendor,
        provider,
        *(
            (moment, _later(moment, minutes=30))
            for moment in (start, _later(end, minutes=-30), end)
        ),
    )
    assert _hours_between(start, end) == hours
    (today,) = _day(vendor, day)["items"]
    assert _ids(today["slots"]) == [first["id"], last["id"]]
    (tomorrow,) = _day(vendor, (date.fromisoformat(day) + timedelta(days=1)).isoformat())["items"]
    assert _ids(tomorrow["slots"]) == [after["id"]]


def test_a_day_that_begins_after_midnight_because_the_clocks_skip_it(vendor):
    # Cairo, 25 April 2031: at 00:00 the clocks go to 01:00.
    cairo = vendor.location(name="Cairo", time_zone="Africa/Cairo")["id"]
    vendor.provider(location_id=cairo)
    (hours,) = _day(vendor, "2031-04-25")["hours"]
    assert (hours["start"], hours["end"]) == ("2031-04-24T22:00:00Z", "2031-04-25T21:00:00Z")


def test_each_place_has_its_own_day_even_for_one_provider(vendor):
    tokyo = vendor.location(name="Tokyo", time_zone="Asia/Tokyo")["id"]
    honolulu = vendor.location(name="Honolulu", time_zone="Pacific/Honolulu")["id"]
    provider = vendor.provider(location_id=tokyo)["id"]
    # In Tokyo it is the 3rd already, in Honolulu still the 2nd.
    instants = (
        ("2040-01-02T20:00:00Z", "2040-01-02T21:00:00Z"),
        (
            "2040-01-02T21:00:00Z",
            "2040-01-02T22:00:00Z",
        ),
    )
    east = _published(vendor, provider, instants[0])[0]
    west = _published(vendor, provider, instants[1], location_id=honolulu)[0]
    made = {slot["id"]: vendor.booked(slot_id=slot["id"])["id"] for slot in (east, west)}

    def shown(day, **query):
        return [
            (_ids(item["slots"]), _ids(item["bookings"]))
            for item in _day(vendor, day, **query)["items"]
        ]

    assert shown("2040-01-02") == [([west["id"]], [made[west["id"]]])]
    assert shown("2040-01-03") == [([east["id"]], [made[east["id"]]])]
    assert shown("2040-01-02", location_id=honolulu) == [([west["id"]], [made[west["id"]]])]
    assert shown("2040-01-02", location_id=tokyo) == [([], [])]
    zones = {item["time_zone"] for item in _day(vendor, "2040-01-02")["items"][0]["slots"]}
    assert zones == {"Pacific/Honolulu"}


def test_a_stay_is_shown_on_each_of_its_days_and_a_joint_booking_with_each_provider(vendor):
    location = vendor.location()["id"]
    room, guide = (vendor.provider(location_id=location)["id"] for _ in range(2))
    nights = [
        _published(vendor, room, (f"2040-01-0{day}T15:00:00Z", f"2040-01-0{day + 1}T10:00:00Z"))[0]
        for day in (2, 3)
    ]
    stay = vendor.booked(slot_ids=_ids(nights))["id"]
    for day in ("2040-01-02", "2040-01-03", "2040-01-04"):
        (shown,) = _day(vendor, day, provider_id=room)["items"]
        assert _ids(shown["bookings"]) == [stay]
    assert _day(vendor, "2040-01-05", provider_id=room)["items"][0]["bookings"] == []
    tour = ("2040-02-02T09:00:00Z", "2040-02-02T10:00:00Z")
    both = [_published(vendor, provider, tour)[0]["id"] for provider in (room, guide)]
    joint = vendor.booked(slot_ids=both)["id"]
    assert [_ids(item["bookings"]) for item in _day(vendor, "2040-02-02")["items"]] == [[joint]] * 2


def test_an_archived_provider_is_shown_only_while_something_is_published(vendor):
    provider = vendor.provider()
    vendor.slots((9, 10), provider_id=provider["id"])
    gone = vendor.call("DELETE", f"/providers/{provider['id']}", auth=vendor.key)
    assert gone.status_code == 204
    assert [item["provider_id"] for item in _day(vendor)["items"]] == [provider["id"]]
    assert _day(vendor, "2040-01-03")["items"] == []


def test_providers_come_in_pages_that_are_stable_while_others_are_made(vendor):
    location = vendor.location()["id"]
    made = [vendor.provider(location_id=location)["id"] for _ in range(3)]
    first = _day(vendor, limit=2)
    made.append(vendor.provider(location_id=location)["id"])
    rest = _day(vendor, limit=2, cursor=first["next_cursor"])
    found = [item["provider_id"] for item in first["items"] + rest["items"]]
    assert (found, rest["next_cursor"]) == (made, None)


def test_a_crowded_provider_is_cut_and_says_so(vendor):
    slot = vendor.slot(capacity=PER_PROVIDER_MAX + 1)
    body = {"slot_id": slot["id"]}
    for _ in range(PER_PROVIDER_MAX):
        assert vendor.post("/bookings", body, vendor.key).status_code == 201
    (whole,) = _day(vendor)["items"]
    assert (len(whole["bookings"]), whole["complete"]) == (PER_PROVIDER_MAX, True)
    vendor.post("/bookings", body, vendor.key)
    (cut,) = _day(vendor)["items"]
    assert (len(cut["bookings"]), cut["complete"]) == (PER_PROVIDER_MAX, False)


def test_a_day_takes_four_statements_however_many_providers(vendor, offline, monkeypatch):
    statements = []
    execute = psycopg.Cursor.execute

    def counted(cursor, query, *arguments, **named):
        statements.append(query)
        return execute(cursor, query, *arguments, **named)

    location = vendor.location()["id"]
    counts = []
    for _ in range(2):
        for _ in range(3):
            provider = vendor.provider(location_id=location)["id"]
            for slot in vendor.slots((9, 10), (10, 11), provider_id=provider):
                vendor.booked(slot_id=slot["id"])
        with offline.app_context(), monkeypatch.context() as patched:
            vendor_id = find_vendor(vendor.slug)
            patched.setattr(psycopg.Cursor, "execute", counted)
            statements.clear()
            items = show_day(vendor_id, date(2040, 1, 2), limit=50, cursor=None)["items"]
        counts.append((len(items), len(statements)))
    assert counts == [(3, 4), (6, 4)]


@pytest.mark.parametrize(
    "query, field",
    [
        ("", "date"),
        ("date=20400102", "date"),
        ("date=2040-W01-1", "date"),
        ("date=2040-02-30", "date"),
        ("date=9999-12-31", "date"),
        ("date=0001-01-01", "date"),
        ("date=2040-01-02T00:00:00Z", "date"),
        ("date=2040-01-02&limit=51", "limit"),
        ("date=2040-01-02&cursor=x", "cursor"),
        ("date=2040-01-02&provider_id=1", "provider_id"),
    ],
)
def test_a_day_that_is_none_is_refused_by_field(vendor, problem, query, field):
    refused = problem(vendor.get(f"/day?{query}", vendor.key), 400, "VALIDATION_ERROR")
    assert [error["field"] for error in refused["errors"]] == [field]


def test_a_place_or_provider_that_is_not_there_is_not_found(vendor, new_vendor, problem):
    other = new_vendor().provider()
    for unknown in (str(uuid.uuid4()), other["location_id"]):
        answer = vendor.get(f"/day?date={MONDAY}&location_id={unknown}", vendor.key)
        problem(answer, 404, "LOCATION_NOT_FOUND")
    for unknown in (str(uuid.uuid4()), other["id"]):
        answer = vendor.get(f"/day?date={MONDAY}&provider_id={unknown}", vendor.key)
        problem(answer, 404, "PROVIDER_NOT_FOUND")


def test_a_vendor_that_has_nothing_yet_has_an_empty_day(vendor: Api):
    assert _day(vendor) == {"date": MONDAY, "hours": [], "items": [], "next_cursor": None}


def test_only_a_key_shows_the_day(vendor, problem):
    token = vendor.booked(slot_id=vendor.slot()["id"])["manage_token"]
    problem(vendor.get(f"/day?date={MONDAY}"), 401, "UNAUTHENTICATED")
    problem(vendor.get(f"/day?date={MONDAY}", token), 403, "FORBIDDEN")
