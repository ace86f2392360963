"""What can be booked, as everybody sees it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

DAY = "from=2040-01-02T00:00:00Z&to=2040-01-03T00:00:00Z"


def _available(vendor, query=DAY):
    answer = vendor.get(f"/availability?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_slot_is_listed_with_its_places_its_free_time_and_its_zone(vendor):
    slot = vendor.slot(9, 12, capacity=3, price={"amount": 900, "currency": "EUR"})
    vendor.booked(
        slot_id=slot["id"], start="2040-01-02T10:00:00Z", end="2040-01-02T11:00:00Z", quantity=2
    )
    assert _available(vendor) == [
        {
            "slot_id": slot["id"],
            "provider_id": slot["provider_id"],
            "location_id": slot["location_id"],
            "start": "2040-01-02T09:00:00Z",
            "end": "2040-01-02T12:00:00Z",
            "time_zone": "Europe/Berlin",
            "capacity": 3,
            "available": 1,
            "status": "available",
            "free": [
                {"start": "2040-01-02T09:00:00Z", "end": "2040-01-02T10:00:00Z", "available": 3},
                {"start": "2040-01-02T10:00:00Z", "end": "2040-01-02T11:00:00Z", "available": 1},
                {"start": "2040-01-02T11:00:00Z", "end": "2040-01-02T12:00:00Z", "available": 3},
            ],
            "price": {"amount": 900, "currency": "EUR"},
        }
    ]


def test_what_is_sold_out_stays_in_the_list_and_is_free_again_after_a_cancellation(vendor):
    slot = vendor.slot()
    booking = vendor.booked(slot_id=slot["id"])
    (listed,) = _available(vendor)
    assert (listed["available"], listed["status"], listed["free"]) == (0, "sold_out", [])
    vendor.post(f"/bookings/{booking['id']}/cancel", auth=booking["manage_token"])
    (listed,) = _available(vendor)
    assert (listed["available"], listed["status"]) == (1, "available")


def test_the_list_can_be_asked_for_a_provider_a_place_and_a_quantity(vendor):
    small, large = vendor.slot(capacity=1), vendor.slot(capacity=5)
    ids = {small["id"], large["id"]}
    assert {one["slot_id"] for one in _available(vendor)} == ids
    for name in ("provider_id", "location_id"):
        found = _available(vendor, f"{DAY}&{name}={large[name]}")
        assert [one["slot_id"] for one in found] == [large["id"]]
    status = {one["slot_id"]: one["status"] for one in _available(vendor, f"{DAY}&quantity=2")}
    assert status == {small["id"]: "sold_out", large["id"]: "available"}


def test_for_a_service_its_price_and_its_duration_count(vendor, problem):
    service = vendor.service(duration_minutes=90, price={"amount": 4500, "currency": "EUR"})
    short, long = vendor.slots((9, 10), (10, 12))
    found = {one["slot_id"]: one for one in _available(vendor, f"{DAY}&service_id={service['id']}")}
    assert found[short["id"]]["status"] == "sold_out", "an hour is too short for ninety minutes"
    assert found[long["id"]]["status"] == "available"
    assert found[long["id"]]["price"] == {"amount": 4500, "currency": "EUR"}
    unknown = vendor.get(f"/availability?{DAY}&service_id={uuid.uuid4()}")
    problem(unknown, 404, "SERVICE_NOT_FOUND")


def test_pages_follow_each_other_by_start(vendor):
    slots = vendor.slots((9, 10), (10, 11), (11, 12))
    page = vendor.get(f"/availability?{DAY}&limit=2").json()
    rest = vendor.get(f"/availability?{DAY}&limit=2&cursor={page['next_cursor']}").json()
    listed = [one["slot_id"] for one in page["items"] + rest["items"]]
    assert listed == [slot["id"] for slot in slots]
    assert rest["next_cursor"] is None


def test_only_what_overlaps_the_window_is_listed(vendor):
    vendor.slots((9, 10), (10, 11))
    window = "from=2040-01-02T09:30:00Z&to=2040-01-02T10:00:00Z"
    assert [one["start"] for one in _available(vendor, window)] == ["2040-01-02T09:00:00Z"]


def test_a_plus_that_arrives_as_a_blank_is_still_a_plus(vendor):
    vendor.slot()
    window = "from=2040-01-02T10:00:00+01:00&to=2040-01-02T11:00:00+01:00"
    assert len(_available(vendor, window)) == 1


@pytest.mark.parametrize(
    "query, code",
    [
        ("from=2040-01-02T00:00:00Z&to=2040-01-02T00:00:00Z", "INVALID_DATE_RANGE"),
        ("from=2040-01-03T00:00:00Z&to=2040-01-02T00:00:00Z", "INVALID_DATE_RANGE"),
        ("from=2040-01-01T00:00:00Z&to=2040-04-02T00:00:01Z", "INVALID_DATE_RANGE"),
        ("from=2040-01-02T00:00:00Z", "VALIDATION_ERROR"),
        ("from=2040-01-02&to=2040-01-03", "VALIDATION_ERROR"),
        ("from=2040-01-02T00:00:00&to=2040-01-03T00:00:00Z", "VALIDATION_ERROR"),
        (f"{DAY}&quantity=0", "VALIDATION_ERROR"),
        (f"{DAY}&quantiy=2", "VALIDATION_ERROR"),
        (f"{DAY}&provider_id=alex", "VALIDATION_ERROR"),
        (f"{DAY}&cursor=eyJhIjoxfQ", "VALIDATION_ERROR"),
    ],
)
def test_a_bad_window_or_name_is_refused(vendor, problem, query, code):
    problem(vendor.get(f"/availability?{query}"), 400, code)


def test_ninety_two_days_are_allowed(vendor):
    assert _available(vendor, "from=2040-01-01T00:00:00Z&to=2040-04-02T00:00:00Z") == []


def test_an_archived_providers_slots_are_not_offered(vendor):
    slot = vendor.slot()
    vendor.call("DELETE", f"/providers/{slot['provider_id']}", auth=vendor.key)
    assert _available(vendor) == []


def test_pages_hold_what_one_long_page_holds_in_whatever_way_they_are_cut(vendor):
    provider = vendor.provider()
    vendor.slots(*((hour, hour + 0.5) for hour in range(6)), provider_id=provider["id"])
    # The same starts elsewhere; a slot that begins before the window, and one that ends after.
    vendor.slots(*((hour, hour + 1) for hour in range(6)), capacity=3)
    vendor.slots((-30, 2.5), (5, 60))
    window = "from=2040-01-02T02:00:00Z&to=2040-01-02T05:30:00Z"
    whole = _available(vendor, window)
    starts = [one["start"] for one in whole]
    assert starts == sorted(starts)
    assert (starts[0], len(whole)) == ("2039-12-31T18:00:00Z", 10)
    for limit in (1, 2, 3, 9, 10):
        found, cursor = [], ""
        while cursor is not None:
            after = f"&cursor={cursor}" if cursor else ""
            page = vendor.get(f"/availability?{window}&limit={limit}{after}").json()
            assert len(page["items"]) <= limit
            found += page["items"]
            cursor = page["next_cursor"]
        assert found == whole


def test_what_the_database_writes_is_what_the_door_would_write(vendor):
    slot = vendor.slot(9, 12, capacity=3, price={"amount": 900, "currency": "EUR"})
    part = {"start": "2040-01-02T10:00:00.500Z", "end": "2040-01-02T11:00:00Z"}
    vendor.booked(slot_id=slot["id"], **part, quantity=2)
    vendor.booked(slot_id=vendor.slot(9, 10)["id"])
    vendor.slot(20, 30, location_id=vendor.location(time_zone="America/New_York")["id"])
    # A service that fits every slot and has no price adds nothing, but takes the longer way.
    service = vendor.service()
    for query in (DAY, f"{DAY}&limit=2", f"{DAY}&quantity=2"):
        short = vendor.get(f"/availability?{query}")
        assert short.headers["Content-Type"] == "application/json"
        long = vendor.get(f"/availability?{query}&service_id={service['id']}").json()
        assert len(long["items"]) >= 2
        for one in long["items"]:
            # For a service, the whole slot must be free; otherwise some of it.
            one["status"] = "available" if _places(one) >= ("quantity" in query) + 1 else "sold_out"
        assert short.json()["items"] == long["items"]
        assert (short.json()["next_cursor"] is None) == (long["next_cursor"] is None)


def _places(one) -> int:
    return max((stretch["available"] for stretch in one["free"]), default=0)


def test_a_window_without_slots_is_an_empty_page(vendor):
    assert vendor.get(f"/availability?{DAY}").json() == {"items": [], "next_cursor": None}


def test_the_public_is_shown_what_it_can_book_and_the_vendor_what_has_begun_too(vendor, problem):
    now, hour = datetime.now(UTC).replace(second=0, microsecond=0), timedelta(hours=1)
    times = [(now + n * hour, now + (n + 1.5) * hour) for n in (-4, -1, 2)]
    path = f"/providers/{vendor.provider()['id']}/slots"
    wanted = [{"start": a.isoformat(), "end": b.isoformat()} for a, b in times]
    over, going_on, to_come = vendor.made(path, {"slots": wanted})["items"]
    window = f"from={(now - 6 * hour):%FT%TZ}&to={(now + 6 * hour):%FT%TZ}"

    shown = {one["slot_id"]: one for one in _available(vendor, window)}
    assert set(shown) == {going_on["id"], to_come["id"]}
    assert shown[to_come["id"]]["available"] == 1
    begun = shown[going_on["id"]]
    assert (begun["start"], begun["available"], begun["status"]) == (
        going_on["start"],
        0,
        "available",
    )
    (rest,) = begun["free"]
    assert now < datetime.fromisoformat(rest["start"])
    assert rest["end"] == going_on["end"]
    service = vendor.service()
    of_service = _available(vendor, f"{window}&service_id={service['id']}")
    assert [one["status"] for one in of_service] == ["sold_out", "available"], "it takes all of it"

    customer = {"name": "Ada", "email": "ada@example.org"}
    whole = {"slot_id": going_on["id"], "customer": customer}
    problem(vendor.post("/bookings", whole), 400, "VALIDATION_ERROR")
    part = {"start": rest["start"], "end": rest["end"]}
    assert vendor.booked(slot_id=going_on["id"], **part)["status"] == "confirmed"

    answer = vendor.get(f"/availability?{window}", vendor.key)
    listed = {one["slot_id"]: one["status"] for one in answer.json()["items"]}
    assert set(listed) == {over["id"], going_on["id"], to_come["id"]}
    assert listed[over["id"]] == "available"
    walk_in = vendor.booked(vendor.key, slot_id=over["id"])
    assert walk_in["start"] == over["start"]


def test_a_lapsed_hold_counts_as_free_beside_one_that_has_not_lapsed(vendor, shared_server):
    slot = vendor.slot(9, 12, capacity=2)
    held = [vendor.booked(slot_id=slot["id"], hold=True) for _ in range(2)]
    (listed,) = _available(vendor)
    assert (listed["available"], listed["status"]) == (0, "sold_out")
    with psycopg.connect(shared_server.database.owner_url) as owner:
        owner.execute(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = %s",
            [held[0]["id"]],
        )
    (listed,) = _available(vendor)
    assert (listed["available"], listed["status"]) == (1, "available")
    assert [one["available"] for one in listed["free"]] == [1]
