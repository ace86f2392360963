"""Booking over HTTP: the ways to name a time, who may book what, and how a refusal reads."""

from __future__ import annotations

import uuid

import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
NINE, TEN, ELEVEN, NOON = (f"2040-01-02T{hour}:00:00Z" for hour in ("09", "10", "11", "12"))


def _book(vendor, auth=None, **wanted):
    return vendor.post("/bookings", {"customer": ADA, **wanted}, auth)


def test_a_whole_slot_is_booked_and_answered_in_full(vendor):
    slot = vendor.slot(capacity=5, price={"amount": 1500, "currency": "EUR"})
    answer = _book(
        vendor,
        slot_id=slot["id"],
        quantity=2,
        guests=3,
        channel="web",
        notes="By the window",
        metadata={"campaign": "spring"},
    )
    assert answer.status_code == 201, answer.text
    booking = answer.json()
    customer = booking.pop("customer")
    assert (customer["name"], customer["email"], customer["phone"]) == (*ADA.values(), None)
    for name in ("id", "created_at", "updated_at"):
        assert booking.pop(name)
    assert booking.pop("manage_token").startswith("mt_")
    assert booking == {
        "kind": "appointment",
        "status": "confirmed",
        "version": 1,
        "provider_id": slot["provider_id"],
        "provider_ids": [slot["provider_id"]],
        "location_id": slot["location_id"],
        "service_id": None,
        "slot_ids": [slot["id"]],
        "start": NINE,
        "end": TEN,
        "time_zone": "Europe/Berlin",
        "quantity": 2,
        "guests": 3,
        "price": {"amount": 3000, "currency": "EUR"},
        "hold_expires_at": None,
        "cancelled_by": None,
        "cancellation_reason": None,
        "channel": "web",
        "notes": "By the window",
        "metadata": {"campaign": "spring"},
    }
    assert answer.headers["ETag"] == '"1"'
    assert vendor.client.get(answer.headers["Location"]).status_code == 401


def test_a_part_of_a_long_slot_is_booked(vendor, problem):
    slot = vendor.slot(9, 17)
    part = {"slot_id": slot["id"], "start": "2040-01-02T11:00:00+01:00", "end": ELEVEN}
    booking = vendor.booked(**part)
    assert (booking["start"], booking["end"]) == (TEN, ELEVEN)
    vendor.booked(slot_id=slot["id"], start=NINE, end=TEN)
    problem(_book(vendor, slot_id=slot["id"]), 409, "BOOKING_CONFLICT")
    outside = _book(
        vendor, slot_id=slot["id"], start="2040-01-02T16:30:00Z", end="2040-01-02T17:30:00Z"
    )
    errors = problem(outside, 400, "VALIDATION_ERROR")["errors"]
    assert errors[0]["field"] == "start"


def test_several_slots_in_a_row_are_booked_together_and_priced_together(vendor, problem):
    nights = vendor.slots((15, 35), (39, 59), (63, 83), price={"amount": 8000, "currency": "EUR"})
    ids = [night["id"] for night in nights]
    booking = vendor.booked(slot_ids=ids, quantity=1)
    assert booking["slot_ids"] == ids
    assert booking["price"] == {"amount": 24000, "currency": "EUR"}
    assert (booking["start"], booking["end"]) == (nights[0]["start"], nights[2]["end"])
    gap = _book(vendor, slot_ids=[ids[0], ids[2]])
    assert problem(gap, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "slot_ids"


def test_a_providers_time_is_booked_over_adjoining_slots(vendor, problem):
    first, second = vendor.slots((9, 10), (10, 11))
    provider = first["provider_id"]
    half = {"start": "2040-01-02T09:30:00Z", "end": "2040-01-02T10:30:00Z"}
    booking = vendor.booked(provider_id=provider, **half)
    assert booking["slot_ids"] == [first["id"], second["id"]]
    nothing = _book(
        vendor, provider_id=provider, start="2040-01-03T09:00:00Z", end="2040-01-03T10:00:00Z"
    )
    refused = problem(nothing, 404, "SLOT_NOT_FOUND")
    assert "published nothing" in refused["detail"]
    assert "GET …/availability" in refused["hint"]
    backwards = _book(vendor, provider_id=provider, start=TEN, end=NINE)
    problem(backwards, 400, "INVALID_DATE_RANGE")


def test_a_service_gives_the_price_and_the_length(vendor, problem):
    service = vendor.service(duration_minutes=30, price={"amount": 4500, "currency": "EUR"})
    slot = vendor.slot(9, 12)
    booking = vendor.booked(slot_id=slot["id"], service_id=service["id"], start=TEN)
    assert (booking["end"], booking["service_id"]) == ("2040-01-02T10:30:00Z", service["id"])
    assert booking["price"] == {"amount": 4500, "currency": "EUR"}
    long = _book(vendor, slot_id=slot["id"], service_id=service["id"], start=ELEVEN, end=NOON)
    refused = problem(long, 400, "VALIDATION_ERROR")
    assert refused["errors"] == [
        {"field": "service_id", "message": "This service takes 30 minutes: book exactly that long."}
    ]
    unknown = _book(vendor, slot_id=slot["id"], service_id=str(uuid.uuid4()))
    problem(unknown, 404, "SERVICE_NOT_FOUND")


def test_an_accompanying_provider_is_checked(vendor, problem):
    slot, other = vendor.slot(), vendor.provider()
    mismatch = _book(vendor, slot_id=slot["id"], provider_id=other["id"])
    assert problem(mismatch, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "provider_id"
    vendor.booked(slot_id=slot["id"], provider_id=slot["provider_id"])


def test_a_taken_time_says_so_and_what_to_take_instead(vendor, problem):
    taken, free = vendor.slots((9, 10), (10, 11))
    vendor.booked(slot_id=taken["id"])
    refused = problem(_book(vendor, slot_id=taken["id"]), 409, "BOOKING_CONFLICT")
    assert "no longer available for 1 place" in refused["detail"]
    assert "2040-01-02 10:00-11:00 (Europe/Berlin)" in refused["detail"]
    assert "just booked by another customer" in refused["hint"]
    assert refused["retryable"] is False
    assert refused["conflict"] == {
        "reason": "booked",
        "requested": 1,
        "available": 0,
        "slot_id": taken["id"],
        "start": NINE,
        "end": TEN,
        "time_zone": "Europe/Berlin",
    }
    best = refused["alternatives"][0]
    assert (best["slot_ids"], best["kind"]) == ([free["id"]], "same_provider")
    assert ADA["email"] not in str(refused)
    vendor.booked(slot_ids=best["slot_ids"])


def test_too_few_places_say_how_many_are_left_and_when(vendor, problem):
    slot = vendor.slot(capacity=5)
    vendor.booked(slot_id=slot["id"], quantity=4)
    refused = problem(_book(vendor, slot_id=slot["id"], quantity=2), 409, "INSUFFICIENT_INVENTORY")
    assert "no longer available for 2 places: 1 is left" in refused["detail"]
    assert "2040-01-02" in refused["detail"]
    assert (refused["conflict"]["requested"], refused["conflict"]["available"]) == (2, 1)
    vendor.booked(slot_id=slot["id"], quantity=1)


@pytest.mark.parametrize(
    "wanted, field",
    [
        ({}, "slot_id"),
        ({"start": NINE, "end": TEN}, "slot_id"),
        ({"slot_id": "SLOT", "slot_ids": ["SLOT"]}, "slot_ids"),
        ({"slot_id": "SLOT", "start": NINE}, "end"),
        ({"slot_id": "SLOT", "end": TEN}, "start"),
        ({"slot_id": "SLOT", "start": NINE, "end": "2040-01-02T09:00:59.999999Z"}, "end"),
        ({"slot_ids": []}, "slot_ids"),
        ({"slot_ids": ["SLOT", "SLOT"]}, "slot_ids"),
        ({"slot_ids": ["SLOT"] * 367}, "slot_ids"),
        ({"provider_id": "PROVIDER"}, "start"),
        ({"provider_id": "PROVIDER", "start": NINE}, "end"),
        ({"service_id": "PROVIDER", "end": TEN}, "slot_id"),
        ({"slot_id": "SLOT", "location_ids": ["SLOT"]}, "location_ids"),
        ({"slot_id": "nine o'clock"}, "slot_id"),
        ({"slot_id": None}, "slot_id"),
        ({"slot_id": "SLOT", "quantity": 0}, "quantity"),
        ({"slot_id": "SLOT", "quantity": 100_001}, "quantity"),
        ({"slot_id": "SLOT", "quantity": "2"}, "quantity"),
        ({"slot_id": "SLOT", "quantity": 2.5}, "quantity"),
        ({"slot_id": "SLOT", "guests": -1}, "guests"),
        ({"slot_id": "SLOT", "hold": "yes"}, "hold"),
        ({"slot_id": "SLOT", "start": "2040-01-02T09:00:00", "end": TEN}, "start"),
        ({"slot_id": "SLOT", "metadata": []}, "metadata"),
        ({"slot_id": "SLOT", "metadata": {"x": "y" * 20_000}}, "metadata"),
        ({"slot_id": "SLOT", "notes": "y" * 10_001}, "notes"),
        ({"slot_id": "SLOT", "channel": ""}, "channel"),
        ({"slot_id": "SLOT", "internal_notes": "VIP"}, "internal_notes"),
        ({"slot_id": "SLOT", "status": "completed"}, "status"),
        ({"slot_id": "SLOT", "vendor_id": "SLOT"}, "vendor_id"),
        ({"slot_id": "SLOT", "customer": None}, "customer.name"),
        ({"slot_id": "SLOT", "customer": {"name": "Ada"}}, "customer.email"),
        ({"slot_id": "SLOT", "customer": {"email": "ada@example.org"}}, "customer.name"),
        ({"slot_id": "SLOT", "customer": {"name": "  ", "phone": "+49 30 123"}}, "customer.name"),
        ({"slot_id": "SLOT", "customer": {"name": "Ada", "email": "ada"}}, "customer.email"),
        ({"slot_id": "SLOT", "customer": {"name": "Ada", "phone": "call me"}}, "customer.phone"),
        ({"slot_id": "SLOT", "customer": {**ADA, "age": 36}}, "customer.age"),
    ],
)
def test_a_malformed_booking_is_refused_by_field(vendor, problem, wanted, field):
    slot = vendor.slot()
    names = {"SLOT": slot["id"], "PROVIDER": slot["provider_id"]}

    def named(value):
        if isinstance(value, list):
            return [named(one) for one in value]
        return names.get(value, value) if isinstance(value, str) else value

    body = {"customer": ADA, **{name: named(value) for name, value in wanted.items()}}
    refused = problem(vendor.post("/bookings", body), 400, "VALIDATION_ERROR")
    assert field in [error["field"] for error in refused["errors"]], refused
    listed = vendor.get("/availability?from=2040-01-02T00:00:00Z&to=2040-01-03T00:00:00Z").json()
    assert listed["items"][0]["available"] == 1


def test_a_telephone_number_is_enough_for_the_public(vendor):
    slot = vendor.slot()
    booking = vendor.booked(
        slot_id=slot["id"], customer={"name": "Ada", "phone": "+49 (30) 123-45"}
    )
    assert booking["customer"]["phone"] == "+49 (30) 123-45"


def test_a_vendor_books_walk_ins_without_a_customer_and_in_the_past(vendor, problem):
    provider = vendor.provider()
    past = {"start": "2020-01-02T09:00:00Z", "end": "2020-01-02T10:00:00Z", "capacity": 2}
    slot = vendor.made(f"/providers/{provider['id']}/slots", {"slots": [past]})["items"][0]
    public = problem(_book(vendor, slot_id=slot["id"]), 400, "VALIDATION_ERROR")
    assert public["errors"] == [{"field": "start", "message": "This time has already begun."}]
    answer = vendor.post("/bookings", {"slot_id": slot["id"], "internal_notes": "VIP"}, vendor.key)
    assert answer.status_code == 201, answer.text
    assert answer.json()["customer"] is None
    assert answer.json()["internal_notes"] == "VIP"


def test_internal_notes_are_for_the_vendor_only(vendor):
    slot = vendor.slot()
    booking = vendor.booked(vendor.key, slot_id=slot["id"], internal_notes="Pays late")
    path = f"/bookings/{booking['id']}"
    assert vendor.get(path, vendor.key).json()["internal_notes"] == "Pays late"
    assert "internal_notes" not in vendor.get(path, booking["manage_token"]).json()
    assert "token_version" not in vendor.get(path, vendor.key).json()


def test_another_vendors_slot_is_not_found(vendor, new_vendor, problem):
    slot = new_vendor().slot()
    refused = problem(_book(vendor, slot_id=slot["id"]), 404, "SLOT_NOT_FOUND")
    assert slot["id"] in refused["detail"]


def test_the_same_details_make_one_customer_and_others_never_change_it(vendor):
    first, second, third = vendor.slots((9, 10), (10, 11), (11, 12))
    one = vendor.booked(slot_id=first["id"])["customer"]
    same = vendor.booked(slot_id=second["id"])["customer"]
    other = vendor.booked(slot_id=third["id"], customer={**ADA, "name": "Mallory"})["customer"]
    assert same == one
    assert other["id"] != one["id"]
    assert one["name"] == "Ada Lovelace"


def test_book_cancel_and_book_again(vendor):
    slot = vendor.slot()
    for _ in range(3):
        booking = vendor.booked(slot_id=slot["id"])
        cancelled = vendor.post(f"/bookings/{booking['id']}/cancel", auth=booking["manage_token"])
        assert cancelled.json()["status"] == "cancelled"
