"""Whose booking it is: changed for that booking alone, and never to whom the public may not be."""

from __future__ import annotations

import uuid

import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


def _change(vendor, booking, auth=None, **changes):
    return vendor.call("PATCH", f"/bookings/{booking['id']}", changes, auth or vendor.key)


def _changed(vendor, booking, auth=None, **changes):
    answer = _change(vendor, booking, auth, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _events(vendor, booking):
    return vendor.get(f"/bookings/{booking['id']}/events", vendor.key).json()["items"]


@pytest.fixture
def booking(vendor):
    return vendor.booked(slot_id=vendor.slot()["id"])


def test_a_customer_who_changes_name_or_address_changes_no_other_booking(vendor, booking):
    other = vendor.booked(slot_id=vendor.slot()["id"])
    assert other["customer"]["id"] == booking["customer"]["id"]
    changed = _changed(
        vendor, booking, booking["manage_token"], customer={"email": "new@example.org"}
    )
    assert changed["customer"]["id"] != other["customer"]["id"]
    assert changed["customer"] | {"id": 0} == {
        "id": 0,
        **ADA,
        "email": "new@example.org",
        "phone": None,
    }
    untouched = vendor.get(f"/bookings/{other['id']}", vendor.key).json()
    assert untouched["customer"] == other["customer"]
    # Back to what it was: the customer who has exactly these details is joined again.
    back = _changed(vendor, booking, booking["manage_token"], customer={"email": ADA["email"]})
    assert back["customer"] == other["customer"]


def test_a_vendor_who_changes_a_name_changes_that_booking_alone_too(vendor, booking):
    other = vendor.booked(slot_id=vendor.slot()["id"])
    changed = _changed(vendor, booking, customer={"name": "Ada King"})
    assert changed["customer"]["name"] == "Ada King"
    untouched = vendor.get(f"/bookings/{other['id']}", vendor.key).json()
    assert untouched["customer"] == other["customer"]


@pytest.mark.parametrize(
    "customer, field",
    [
        (None, "customer.name"),
        ({"name": None}, "customer.name"),
        ({"email": None}, "customer.email"),
    ],
)
def test_a_customer_remains_somebody_who_can_be_reached(vendor, booking, problem, customer, field):
    answer = _change(vendor, booking, booking["manage_token"], customer=customer)
    refused = problem(answer, 400, "VALIDATION_ERROR")
    assert [error["field"] for error in refused["errors"]] == [field]
    assert _changed(vendor, booking, customer=customer)["version"] == 2, "a vendor may"


def test_a_vendor_names_a_customer_who_is_known_and_a_customer_does_not(vendor, booking, problem):
    bob = vendor.made("/customers", {"name": "Bob", "phone": "+39 06 1234"})
    token = booking["manage_token"]
    refused = problem(
        _change(vendor, booking, token, customer_id=bob["id"]), 400, "VALIDATION_ERROR"
    )
    assert [error["field"] for error in refused["errors"]] == ["customer_id"]
    changed = _changed(vendor, booking, customer_id=bob["id"])
    assert (changed["customer"]["id"], changed["customer"]["name"]) == (bob["id"], "Bob")
    assert _changed(vendor, booking, customer_id=bob["id"])["version"] == 2
    assert _events(vendor, booking)[-1]["changes"] == {
        "customer_id": {"from": booking["customer"]["id"], "to": bob["id"]}
    }
    both = _change(vendor, booking, customer_id=bob["id"], customer={"name": "Eve"})
    problem(both, 400, "VALIDATION_ERROR")
    unknown = _change(vendor, booking, customer_id=str(uuid.uuid4()), notes="Not kept")
    problem(unknown, 404, "CUSTOMER_NOT_FOUND")
    assert _changed(vendor, booking, customer_id=None)["customer"] is None


def test_a_booking_is_not_given_to_a_customer_who_was_erased(vendor, booking, problem):
    bob = vendor.made("/customers", {"name": "Bob"})
    vendor.call("DELETE", f"/customers/{bob['id']}", auth=vendor.key)
    problem(_change(vendor, booking, customer_id=bob["id"]), 404, "CUSTOMER_NOT_FOUND")


def test_who_is_banned_does_not_come_in_under_a_changed_booking(vendor, booking, problem):
    eve = vendor.made("/customers", {"name": "Eve", "email": "eve@example.org"})
    vendor.call("PATCH", f"/customers/{eve['id']}", {"banned": True}, vendor.key)
    changes = {"customer": {"email": "EVE@example.org"}}
    problem(_change(vendor, booking, booking["manage_token"], **changes), 403, "CUSTOMER_BANNED")
    assert _changed(vendor, booking, **changes)["version"] == 2, "a vendor may"


def test_an_address_takes_over_no_more_bookings_than_it_could_make(vendor, problem):
    vendor.call("PATCH", "", {"open_bookings_max": 1}, vendor.key)
    slots = vendor.slots((9, 10), (10, 11))
    first = vendor.booked(slot_id=slots[0]["id"])
    second = vendor.booked(slot_id=slots[1]["id"], customer={"name": "B", "email": "b@example.org"})
    token = second["manage_token"]
    taken_over = _change(vendor, second, token, customer={"email": ADA["email"]})
    problem(taken_over, 409, "BOOKING_LIMIT_REACHED")
    # With what stays as it is, a booking does not count against itself.
    _changed(vendor, second, token, customer={"name": "Bea", "phone": "+39 055 99"})
    _changed(vendor, second, token, customer={"email": "B@Example.org", "phone": "003905599"})
    vendor.post(f"/bookings/{first['id']}/cancel", auth=vendor.key)
    _changed(vendor, second, token, customer={"email": ADA["email"]})


def test_a_booking_shows_its_customer_as_corrected_even_to_whoever_has_its_etag(vendor, booking):
    path = f"/bookings/{booking['id']}"
    etag = vendor.get(path, vendor.key).headers["ETag"]
    customer = f"/customers/{booking['customer']['id']}"
    corrected = vendor.call("PATCH", customer, {"name": "Ada King"}, vendor.key)
    assert corrected.status_code == 200, corrected.text
    answer = vendor.get(path, vendor.key, if_none_match=etag)
    assert (answer.status_code, answer.json()["customer"]["name"]) == (200, "Ada King")
