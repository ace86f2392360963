"""Publishing, reading, changing and deleting slots over HTTP."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.patience import wait_until

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
NINE, TEN, ELEVEN = (f"2040-01-02T{hour}:00:00Z" for hour in ("09", "10", "11"))


def _publish(vendor, provider, *slots, **more):
    body = {"slots": list(slots), **more.pop("body", {})}
    return vendor.post(f"/providers/{provider['id']}/slots", body, vendor.key, **more)


def test_published_slots_are_answered_with_all_that_was_asked_for(vendor):
    provider, elsewhere = vendor.provider(), vendor.location(time_zone="America/New_York")
    answer = _publish(
        vendor,
        provider,
        {"start": "2040-01-02T10:00:00+01:00", "end": "2040-01-02T11:00:00+01:00"},
        {
            "start": TEN,
            "end": ELEVEN,
            "capacity": 12,
            "location_id": elsewhere["id"],
            "price": {"amount": 4500, "currency": "EUR"},
        },
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["published"], body["skipped"]) == (2, 0)
    first, second = body["items"]
    assert (first["start"], first["end"], first["capacity"]) == (NINE, TEN, 1)
    assert (first["location_id"], first["time_zone"]) == (provider["location_id"], "Europe/Berlin")
    assert first["price"] is None
    assert (second["capacity"], second["time_zone"]) == (12, "America/New_York")
    assert second["price"] == {"amount": 4500, "currency": "EUR"}
    assert vendor.client.get(answer.headers["Location"]).status_code == 401
    assert vendor.get(f"/slots/{first['id']}", vendor.key).json() == first


def test_an_overlap_names_the_offender_and_publishes_nothing(vendor, problem):
    provider = vendor.provider()
    there = _publish(vendor, provider, {"start": NINE, "end": ELEVEN}).json()["items"][0]
    fits = {"start": "2040-01-02T12:00:00Z", "end": "2040-01-02T13:00:00Z"}
    refused = problem(
        _publish(vendor, provider, fits, {"start": TEN, "end": "2040-01-02T11:30:00Z"}),
        409,
        "SLOT_OVERLAP",
    )
    assert "slots.1, 2040-01-02 11:00-12:30 (Europe/Berlin)," in refused["detail"]
    assert refused["conflict"]["index"] == 1
    assert refused["conflict"]["slot_id"] == there["id"]
    assert len(vendor.get("/slots", vendor.key).json()["items"]) == 1
    within = problem(_publish(vendor, provider, fits, fits), 409, "SLOT_OVERLAP")
    assert within["conflict"]["slot_id"] is None


def test_skipping_overlaps_publishes_all_that_fit(vendor):
    provider = vendor.provider()
    _publish(vendor, provider, {"start": NINE, "end": TEN})
    answer = _publish(
        vendor,
        provider,
        {"start": NINE, "end": TEN},
        {"start": TEN, "end": ELEVEN},
        body={"on_overlap": "skip"},
    )
    assert answer.status_code == 201
    assert [slot["start"] for slot in answer.json()["items"]] == [TEN]
    assert (answer.json()["published"], answer.json()["skipped"]) == (1, 1)


def test_repeating_a_publication_with_its_key_publishes_once(vendor, problem):
    provider, key = vendor.provider(), uuid.uuid4().hex
    slot = {"start": NINE, "end": TEN}
    first = _publish(vendor, provider, slot, idempotency_key=key)
    again = _publish(vendor, provider, slot, idempotency_key=key)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = _publish(vendor, provider, {"start": TEN, "end": ELEVEN}, idempotency_key=key)
    problem(other, 409, "IDEMPOTENCY_CONFLICT")


def test_ten_thousand_slots_are_one_request_and_one_more_is_too_many(vendor, problem):
    provider = vendor.provider()
    first = datetime(2040, 1, 1, tzinfo=UTC)
    slots = [
        {
            "start": (first + timedelta(hours=hour)).isoformat(),
            "end": (first + timedelta(hours=hour, minutes=50)).isoformat(),
            "capacity": 3,
            "location_id": provider["location_id"],
            "price": {"amount": 123456, "currency": "EUR"},
        }
        for hour in range(10_000)
    ]
    answer = _publish(vendor, provider, *slots)
    assert answer.status_code == 201, answer.text[:500]
    assert len(answer.json()["items"]) == 10_000
    errors = problem(_publish(vendor, provider, *slots, slots[0]), 400, "VALIDATION_ERROR")[
        "errors"
    ]
    assert errors[0]["field"] == "slots"


@pytest.mark.parametrize(
    "slot, field",
    [
        ({"end": TEN}, "slots.1.start"),
        ({"start": "2040-01-02T09:00:00", "end": TEN}, "slots.1.start"),
        ({"start": "tomorrow", "end": TEN}, "slots.1.start"),
        ({"start": "2040-02-30T09:00:00Z", "end": TEN}, "slots.1.start"),
        ({"start": "0001-01-01T00:00:00+14:00", "end": TEN}, "slots.1.start"),
        ({"start": NINE, "end": "9999-12-31T23:59:59-14:00"}, "slots.1.end"),
        ({"start": NINE, "end": TEN, "capacity": 0}, "slots.1.capacity"),
        ({"start": NINE, "end": TEN, "capacity": 100_001}, "slots.1.capacity"),
        ({"start": NINE, "end": TEN, "capacity": 1.5}, "slots.1.capacity"),
        ({"start": NINE, "end": TEN, "color": "red"}, "slots.1.color"),
        ({"start": NINE, "end": TEN, "price": {"amount": 1}}, "slots.1.price.currency"),
        ({"start": NINE, "end": TEN, "location_id": "here"}, "slots.1.location_id"),
        ("nine to ten", "slots.1"),
    ],
)
def test_a_malformed_slot_is_refused_by_its_place_and_field(vendor, problem, slot, field):
    good = {"start": TEN, "end": ELEVEN}
    answer = _publish(vendor, {"id": uuid.uuid4()}, good, slot)
    assert problem(answer, 400, "VALIDATION_ERROR")["errors"][0]["field"] == field


def test_an_end_before_its_start_is_an_invalid_range(vendor, problem):
    good = {"start": TEN, "end": ELEVEN}
    backwards = _publish(vendor, vendor.provider(), good, {"start": ELEVEN, "end": TEN})
    errors = problem(backwards, 400, "INVALID_DATE_RANGE")["errors"]
    assert errors == [{"field": "slots.1.end", "message": "The end must be after the start."}]


@pytest.mark.parametrize(
    "slot, field, says",
    [
        ({"start": NINE, "end": "2040-01-02T09:00:00.000001Z"}, "slots.1.end", "one minute"),
        ({"start": NINE, "end": "2041-01-03T09:00:00Z"}, "slots.1.end", "366 days"),
        ({"start": "2206-01-02T09:00:00Z", "end": "2206-01-02T10:00:00Z"}, "slots.1.start", "20"),
        ({"start": "1926-01-02T09:00:00Z", "end": NINE}, "slots.1.start", "20 years back"),
    ],
)
def test_a_slot_out_of_bounds_is_refused_by_its_field_with_what_to_send(
    vendor, problem, slot, field, says
):
    good = {"start": TEN, "end": ELEVEN}
    refused = problem(_publish(vendor, vendor.provider(), good, slot), 400, "INVALID_DATE_RANGE")
    assert refused["errors"][0]["field"] == field
    assert says in refused["errors"][0]["message"]
    made = vendor.slot()
    times = {"start": slot["start"], "end": slot["end"]}
    refused = problem(
        vendor.call("PATCH", f"/slots/{made['id']}", times, vendor.key), 400, "INVALID_DATE_RANGE"
    )
    assert refused["errors"][0]["field"] == field.removeprefix("slots.1.")


def test_publishing_needs_a_key_a_provider_and_a_location(vendor, new_vendor, problem):
    provider, slot = vendor.provider(), {"start": NINE, "end": TEN}
    path = f"/providers/{provider['id']}/slots"
    problem(vendor.post(path, {"slots": [slot]}), 401, "UNAUTHENTICATED")
    problem(_publish(vendor, {"id": uuid.uuid4()}, slot), 404, "PROVIDER_NOT_FOUND")
    foreign = new_vendor()
    problem(_publish(vendor, foreign.provider(), slot), 404, "PROVIDER_NOT_FOUND")
    elsewhere = {**slot, "location_id": foreign.location()["id"]}
    problem(_publish(vendor, provider, elsewhere), 404, "LOCATION_NOT_FOUND")


def test_slots_are_listed_by_start_within_a_window_and_in_pages(vendor, problem):
    slots = vendor.slots((9, 10), (10, 11), (11, 12))
    vendor.slots((9, 10))
    provider = slots[0]["provider_id"]
    query = f"/slots?provider_id={provider}"
    page = vendor.get(f"{query}&limit=2", vendor.key).json()
    rest = vendor.get(f"{query}&limit=2&cursor={page['next_cursor']}", vendor.key).json()
    assert page["items"] + rest["items"] == slots
    assert rest["next_cursor"] is None
    window = vendor.get(f"{query}&from={TEN}&to={ELEVEN}", vendor.key).json()["items"]
    assert window == [slots[1]]
    here = vendor.get(f"/slots?location_id={slots[0]['location_id']}", vendor.key).json()["items"]
    assert here == slots
    backwards = vendor.get(f"/slots?from={ELEVEN}&to={TEN}", vendor.key)
    problem(backwards, 400, "INVALID_DATE_RANGE")
    problem(vendor.get("/slots"), 401, "UNAUTHENTICATED")


def test_a_slot_changes_its_time_capacity_place_and_price(vendor):
    slot = vendor.slot(price={"amount": 100, "currency": "EUR"})
    elsewhere = vendor.location(time_zone="Europe/London")
    patch = {"end": ELEVEN, "capacity": 4, "location_id": elsewhere["id"], "price": None}
    answer = vendor.call("PATCH", f"/slots/{slot['id']}", patch, vendor.key, if_match='"1"')
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert patch.items() <= changed.items()
    assert (changed["start"], changed["time_zone"]) == (NINE, "Europe/London")
    assert answer.headers["ETag"] == '"2"'
    assert vendor.get(f"/slots/{slot['id']}", vendor.key).json() == changed


def test_two_halves_of_a_price_that_come_at_once_are_both_kept(vendor, problem, shared_server):
    slot = vendor.slot(price={"amount": 100, "currency": "EUR"})
    halves = {"amount": 250}, {"currency": "USD"}

    def patch(half):
        return vendor.call("PATCH", f"/slots/{slot['id']}", {"price": half}, vendor.key)

    with (
        psycopg.connect(shared_server.database.superuser_url, autocommit=True) as monitor,
        psycopg.connect(shared_server.database.superuser_url) as rival,
        ThreadPoolExecutor(2) as pool,
    ):
        rival.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot["id"]])
        answers = [pool.submit(patch, half) for half in halves]
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND usename = 'slotkeeper_app'"
        )
        wait_until(lambda: monitor.execute(waiting).fetchone()[0] >= 2, "the requests do not meet")
        rival.rollback()
        assert [answer.result().status_code for answer in answers] == [200, 200]
    shown = vendor.get(f"/slots/{slot['id']}", vendor.key).json()
    assert shown["price"] == {"amount": 250, "currency": "USD"}
    without = vendor.slot()
    answer = vendor.call("PATCH", f"/slots/{without['id']}", {"price": halves[0]}, vendor.key)
    (error,) = problem(answer, 400, "VALIDATION_ERROR")["errors"]
    assert error == {"field": "price.currency", "message": "Is required."}


def test_a_slot_with_a_booking_cannot_leave_it_outside(vendor, problem):
    slot = vendor.slot(9, 11, capacity=3)
    path = f"/slots/{slot['id']}"
    booking = vendor.booked(slot_id=slot["id"], quantity=2, start=TEN, end=ELEVEN)
    in_the_way = {
        "booking_id": booking["id"],
        "start": TEN,
        "end": ELEVEN,
        "quantity": 2,
        "time_zone": "Europe/Berlin",
    }
    for patch in ({"end": TEN}, {"capacity": 1}):
        refused = problem(vendor.call("PATCH", path, patch, vendor.key), 409, "SLOT_IN_USE")
        assert refused["conflict"]["bookings"] == [in_the_way]
        assert "1 booking" in refused["detail"]
    refused = problem(vendor.call("DELETE", path, auth=vendor.key), 409, "SLOT_IN_USE")
    assert refused["conflict"]["bookings"] == [in_the_way]
    assert vendor.call("PATCH", path, {"capacity": 2}, vendor.key).status_code == 200
    assert vendor.get(f"/bookings/{booking['id']}", vendor.key).json()["status"] == "confirmed"


def test_a_slot_cannot_move_into_another(vendor, problem):
    first, second = vendor.slots((9, 10), (10, 11))
    moved = vendor.call("PATCH", f"/slots/{first['id']}", {"end": ELEVEN}, vendor.key)
    refused = problem(moved, 409, "SLOT_OVERLAP")
    assert refused["conflict"]["slot_id"] == second["id"]
    assert refused["detail"].endswith("is there already: 2040-01-02 11:00-12:00 (Europe/Berlin).")
    assert "on_overlap" not in refused["hint"]
    backwards = vendor.call("PATCH", f"/slots/{first['id']}", {"end": NINE}, vendor.key)
    problem(backwards, 400, "INVALID_DATE_RANGE")


def test_a_free_slot_is_deleted_and_then_is_not_found(vendor, new_vendor, problem):
    slot = vendor.slot()
    path = f"/slots/{slot['id']}"
    problem(
        vendor.call("DELETE", path, auth=vendor.key, if_match='"9"'), 412, "PRECONDITION_FAILED"
    )
    problem(vendor.call("DELETE", path), 401, "UNAUTHENTICATED")
    other = new_vendor()
    problem(other.call("DELETE", path, auth=other.key), 404, "SLOT_NOT_FOUND")
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    for method, body in (("GET", None), ("PATCH", {"capacity": 2}), ("DELETE", None)):
        problem(vendor.call(method, path, body, vendor.key), 404, "SLOT_NOT_FOUND")


def test_slots_and_blocks_are_told_anew_when_their_place_has_another_time_zone(vendor):
    place = vendor.location()["id"]
    provider = vendor.provider(location_id=place)["id"]
    (slot,) = vendor.slots((9, 10), provider_id=provider)
    span = {"provider_id": provider, "start": NINE, "end": TEN}
    block = vendor.post("/blocks", span, vendor.key).json()
    paths = [f"/slots/{slot['id']}", f"/blocks/{block['id']}"]
    etags = [vendor.get(path, vendor.key).headers["ETag"] for path in paths]
    moved = vendor.call("PATCH", f"/locations/{place}", {"time_zone": "Asia/Tokyo"}, vendor.key)
    assert moved.status_code == 200, moved.text
    for path, etag in zip(paths, etags, strict=True):
        again = vendor.get(path, vendor.key, if_none_match=etag)
        assert (again.status_code, again.json()["time_zone"]) == (200, "Asia/Tokyo")
