"""Walk-ins and phone calls: a vendor's key books with no customer, and in the past; nobody else."""

from __future__ import annotations

import uuid

import pytest

PAST = {"start": "2021-03-01T09:00:00Z", "end": "2021-03-01T10:00:00Z"}
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.fixture
def over(vendor):
    """A slot whose time is over."""
    provider = vendor.provider()["id"]
    return vendor.made(f"/providers/{provider}/slots", {"slots": [{**PAST, "capacity": 2}]})[
        "items"
    ][0]


def test_a_walk_in_is_booked_without_a_customer_and_shown_as_any_booking(vendor, over):
    answer = vendor.post("/bookings", {"slot_id": over["id"], "channel": "desk"}, vendor.key)
    assert answer.status_code == 201, answer.text
    booking = answer.json()
    assert (booking["customer"], booking["status"], booking["start"]) == (
        None,
        "confirmed",
        PAST["start"],
    )
    assert booking["time_zone"] == "Europe/Berlin"
    listed = vendor.get(f"/bookings?to={PAST['end']}", vendor.key).json()["items"]
    (shown,) = vendor.get("/day?date=2021-03-01", vendor.key).json()["items"]
    assert [item["id"] for item in listed] == [item["id"] for item in shown["bookings"]]
    assert listed[0]["customer"] is None
    done = vendor.post(f"/bookings/{booking['id']}/complete", auth=vendor.key)
    assert done.json()["status"] == "completed"


@pytest.mark.parametrize(
    "customer", [None, {}, {"name": "The man with the dog"}, {"phone": "0123"}]
)
def test_a_vendor_knows_as_much_of_the_customer_as_there_is_to_know(vendor, over, customer):
    booking = vendor.booked(vendor.key, slot_id=over["id"], customer=customer)
    known = {name: value for name, value in (booking["customer"] or {}).items() if value}
    known.pop("id", None)
    assert known == (customer or {})


def test_what_is_learned_of_a_walk_in_later_is_added_by_a_patch(vendor, over):
    booking = vendor.booked(vendor.key, slot_id=over["id"], customer=None)
    path = f"/bookings/{booking['id']}"
    changed = vendor.call("PATCH", path, {"customer": ADA}, vendor.key).json()
    assert changed["customer"]["email"] == ADA["email"]
    found = vendor.get(f"/bookings?email={ADA['email']}", vendor.key).json()["items"]
    assert [item["id"] for item in found] == [booking["id"]]


def test_the_time_of_a_walk_in_is_named_by_provider_or_slot_as_any_other(vendor, over):
    part = {"start": PAST["start"], "end": "2021-03-01T09:30:00Z"}
    by_provider = {"provider_id": over["provider_id"], **part}
    assert vendor.booked(vendor.key, customer=None, **by_provider)["end"] == part["end"]
    assert vendor.booked(vendor.key, customer=None, slot_id=over["id"], **part)["quantity"] == 1


def test_a_walk_in_still_needs_a_place(vendor, over, problem):
    vendor.booked(vendor.key, slot_id=over["id"], quantity=2, customer=None)
    answer = vendor.post("/bookings", {"slot_id": over["id"]}, vendor.key)
    assert problem(answer, 409, "BOOKING_CONFLICT")["conflict"]["available"] == 0


def test_a_walk_in_sent_twice_with_one_key_is_booked_once(vendor, over):
    key = uuid.uuid4().hex
    answers = [
        vendor.post("/bookings", {"slot_id": over["id"]}, vendor.key, idempotency_key=key)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert len(vendor.get("/bookings", vendor.key).json()["items"]) == 1


def test_the_public_books_neither_the_past_nor_for_nobody(vendor, over, problem):
    past = vendor.post("/bookings", {"slot_id": over["id"], "customer": ADA})
    refused = problem(past, 400, "VALIDATION_ERROR")
    assert "begun" in refused["detail"]
    future = vendor.slot()["id"]
    for customer in (None, {}, {"name": "Ada"}, {"email": "ada@example.org"}):
        answer = vendor.post("/bookings", {"slot_id": future, "customer": customer})
        problem(answer, 400, "VALIDATION_ERROR")
    assert vendor.get("/bookings", vendor.key).json()["items"] == []


def test_the_token_of_a_booking_for_nobody_opens_it_to_whoever_is_given_it(vendor):
    booking = vendor.booked(vendor.key, slot_id=vendor.slot()["id"], customer=None)
    path, token = f"/bookings/{booking['id']}", booking["manage_token"]
    assert vendor.get(path, token).json()["customer"] is None
    claimed = vendor.call("PATCH", path, {"customer": ADA}, token)
    assert claimed.json()["customer"]["name"] == ADA["name"]
