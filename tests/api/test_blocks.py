"""Closing published time, and opening it again."""

from __future__ import annotations

import uuid

NINE, TEN, ELEVEN, NOON = (f"2040-01-02T{hour}:00:00Z" for hour in ("09", "10", "11", "12"))
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


def _block(vendor, slot, start=TEN, end=ELEVEN, auth=None, **more):
    headers = {name: more.pop(name) for name in ("idempotency_key",) if name in more}
    body = {"provider_id": slot["provider_id"], "start": start, "end": end, **more}
    return vendor.post("/blocks", body, auth or vendor.key, **headers)


def test_closed_time_cannot_be_booked_until_it_is_opened(vendor, problem):
    slot = vendor.slot(9, 12)
    answer = _block(vendor, slot, reason="Lunch")
    assert answer.status_code == 201, answer.text
    block = answer.json()
    assert (block["start"], block["end"], block["reason"]) == (TEN, ELEVEN, "Lunch")
    assert (block["status"], block["quantity"], block["time_zone"]) == (
        "confirmed",
        1,
        "Europe/Berlin",
    )
    part = {"slot_id": slot["id"], "start": TEN, "end": ELEVEN}
    refused = problem(vendor.post("/bookings", {"customer": ADA, **part}), 409, "BOOKING_CONFLICT")
    assert refused["conflict"]["reason"] == "blocked"
    assert "Lunch" not in str(refused)
    path = f"/blocks/{block['id']}"
    assert answer.headers["Location"].endswith(path)
    assert vendor.get(path, vendor.key).json() == block
    problem(vendor.get(f"/bookings/{block['id']}", vendor.key), 404, "BOOKING_NOT_FOUND")
    assert vendor.call("DELETE", path, auth=vendor.key, if_match='"1"').status_code == 204
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    vendor.booked(**part)


def test_a_block_takes_all_places_or_as_many_as_it_says(vendor):
    slot = vendor.slot(9, 12, capacity=4)
    assert _block(vendor, slot, NINE, TEN).json()["quantity"] == 4
    assert _block(vendor, slot, TEN, ELEVEN, quantity=3).json()["quantity"] == 3
    vendor.booked(slot_id=slot["id"], start=TEN, end=ELEVEN)


def test_bookings_in_the_way_are_named(vendor, problem):
    slot = vendor.slot(9, 12)
    booking = vendor.booked(slot_id=slot["id"], start=TEN, end=ELEVEN)
    refused = problem(_block(vendor, slot, NINE, NOON), 409, "BOOKING_CONFLICT")
    assert refused["conflict"]["bookings"] == [
        {
            "booking_id": booking["id"],
            "start": TEN,
            "end": ELEVEN,
            "time_zone": "Europe/Berlin",
            "quantity": 1,
        }
    ]
    assert "conflict.bookings" in refused["hint"]
    assert "another customer" not in refused["hint"]


def test_time_that_is_not_published_cannot_be_closed(vendor, problem):
    slot = vendor.slot()
    nothing = _block(vendor, slot, "2040-01-05T09:00:00Z", "2040-01-05T10:00:00Z")
    problem(nothing, 404, "SLOT_NOT_FOUND")
    problem(_block(vendor, slot, TEN, NINE), 400, "INVALID_DATE_RANGE")


def test_slots_of_different_capacity_need_a_quantity(vendor, problem):
    first = vendor.slot(9, 10, capacity=2)
    vendor.slot(10, 11, capacity=3, provider_id=first["provider_id"])
    refused = problem(_block(vendor, first, NINE, ELEVEN), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"] == "quantity"
    assert _block(vendor, first, NINE, ELEVEN, quantity=2).status_code == 201


def test_blocks_are_listed_by_start_within_a_window_and_in_pages(vendor, problem):
    slot = vendor.slot(9, 12)
    made = [
        _block(vendor, slot, *times).json()
        for times in ((NINE, TEN), (TEN, ELEVEN), (ELEVEN, NOON))
    ]
    page = vendor.get("/blocks?limit=2", vendor.key).json()
    rest = vendor.get(f"/blocks?limit=2&cursor={page['next_cursor']}", vendor.key).json()
    assert page["items"] + rest["items"] == made
    within = vendor.get(f"/blocks?from={TEN}&to={ELEVEN}", vendor.key).json()["items"]
    assert within == [made[1]]
    of_nobody = vendor.get(f"/blocks?provider_id={uuid.uuid4()}", vendor.key).json()["items"]
    assert of_nobody == []
    vendor.call("DELETE", f"/blocks/{made[0]['id']}", auth=vendor.key)
    assert vendor.get("/blocks", vendor.key).json()["items"] == made[1:]
    problem(vendor.get(f"/blocks?from={ELEVEN}&to={TEN}", vendor.key), 400, "INVALID_DATE_RANGE")


def test_blocks_are_the_vendors_business(vendor, problem):
    slot = vendor.slot()
    booking = vendor.booked(slot_id=slot["id"])
    body = {"provider_id": slot["provider_id"], "start": NINE, "end": TEN}
    problem(vendor.post("/blocks", body), 401, "UNAUTHENTICATED")
    problem(vendor.post("/blocks", body, booking["manage_token"]), 403, "FORBIDDEN")
    problem(vendor.get("/blocks"), 401, "UNAUTHENTICATED")
    problem(vendor.call("DELETE", f"/blocks/{uuid.uuid4()}"), 401, "UNAUTHENTICATED")


def test_a_booking_is_no_block_and_a_block_is_no_booking(vendor, problem):
    slot = vendor.slot(9, 11)
    booking = vendor.booked(slot_id=slot["id"], start=NINE, end=TEN)
    block = _block(vendor, slot).json()
    problem(
        vendor.call("DELETE", f"/blocks/{booking['id']}", auth=vendor.key), 404, "BLOCK_NOT_FOUND"
    )
    problem(
        vendor.post(f"/bookings/{block['id']}/cancel", auth=vendor.key), 404, "BOOKING_NOT_FOUND"
    )
    for call in ("", "/events"):
        path = f"/bookings/{block['id']}{call}"
        problem(vendor.get(path, vendor.key), 404, "BOOKING_NOT_FOUND")
    stale = vendor.call("DELETE", f"/blocks/{block['id']}", auth=vendor.key, if_match='"9"')
    problem(stale, 412, "PRECONDITION_FAILED")


def test_repeating_a_block_with_its_key_closes_once(vendor, problem):
    slot, key = vendor.slot(9, 12), uuid.uuid4().hex
    first = _block(vendor, slot, idempotency_key=key)
    again = _block(vendor, slot, idempotency_key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = _block(vendor, slot, ELEVEN, NOON, idempotency_key=key)
    problem(other, 409, "IDEMPOTENCY_CONFLICT")
