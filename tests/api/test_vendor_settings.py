"""What a vendor can set: who may book, which numbers are told, how many bookings, holds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
DAY = "from=2040-01-02T00:00:00Z&to=2040-01-03T00:00:00Z"
DEFAULTS = {
    "public_booking": True,
    "availability_numbers": "exact",
    "service_required": False,
    "open_bookings_max": None,
    "hold_minutes": 10,
}


@pytest.fixture
def settle(vendor):
    """Change settings before anything else is asked: no other worker remembers the old ones yet."""

    def change(**settings):
        answer = vendor.call("PATCH", "", settings, vendor.key)
        assert answer.status_code == 200, answer.text
        return vendor

    return change


def _listed(vendor, query="", auth=None):
    answer = vendor.get(f"/availability?{DAY}{query}", auth)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def _book(vendor, slot, auth=None, **wanted):
    return vendor.post("/bookings", {"slot_id": slot["id"], "customer": ADA, **wanted}, auth)


def test_settings_are_the_vendors_members_and_everybody_sees_them(vendor):
    shown = vendor.get("").json()
    assert {name: shown[name] for name in DEFAULTS} == DEFAULTS
    change = {
        "public_booking": False,
        "service_required": True,
        "availability_numbers": "hidden",
        "open_bookings_max": 3,
        "hold_minutes": 45,
    }
    answer = vendor.call("PATCH", "", change, vendor.key, if_match='"1"')
    assert answer.headers["ETag"] == '"2"'
    assert change.items() <= vendor.get("").json().items()
    back = vendor.call("PATCH", "", {"open_bookings_max": None}, vendor.key).json()
    assert (back["open_bookings_max"], back["hold_minutes"]) == (None, 45)


@pytest.mark.parametrize(
    "name, value",
    [
        ("public_booking", "yes"),
        ("public_booking", 1),
        ("public_booking", None),
        ("service_required", None),
        ("availability_numbers", "some"),
        ("availability_numbers", None),
        ("open_bookings_max", 0),
        ("open_bookings_max", 10_001),
        ("open_bookings_max", "2"),
        ("hold_minutes", 0),
        ("hold_minutes", 10_081),
        ("hold_minutes", None),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(vendor, problem, name, value):
    refused = vendor.call("PATCH", "", {name: value}, vendor.key)
    assert problem(refused, 400, "VALIDATION_ERROR")["errors"][0]["field"] == name
    assert vendor.get("").json()["version"] == 1


def test_with_public_booking_off_only_the_vendors_keys_book(settle, problem):
    vendor = settle(public_booking=False)
    slot = vendor.slot(capacity=2)
    problem(_book(vendor, slot), 403, "PUBLIC_BOOKING_OFF")
    assert _listed(vendor)[0]["available"] == 2
    booking = _book(vendor, slot, vendor.key)
    assert booking.status_code == 201, booking.text
    token, path = booking.json()["manage_token"], f"/bookings/{booking.json()['id']}"
    assert vendor.get(path, token).status_code == 200
    vendor.post(f"{path}/cancel", auth=token)
    problem(vendor.post(f"{path}/confirm", auth=token), 403, "PUBLIC_BOOKING_OFF")
    # From the very next booking on, whichever worker is asked: no cache decides this.
    vendor.call("PATCH", "", {"public_booking": True}, vendor.key)
    assert _book(vendor, slot).status_code == 201


def test_where_a_service_is_required_the_public_cannot_pass_by_its_rules(settle, problem):
    vendor = settle(service_required=True)
    slot = vendor.slot(9, 17)
    part = {name: slot[name] for name in ("provider_id", "start", "end")}
    for time in ({"slot_id": slot["id"]}, {"slot_ids": [slot["id"]]}, part):
        refused = problem(
            vendor.post("/bookings", {**time, "customer": ADA}), 400, "VALIDATION_ERROR"
        )
        assert [one["field"] for one in refused["errors"]] == ["service_id"]
        assert "GET …/services" in str(refused["errors"][0])
    need = {"role": "stylist", "providers": [{"provider_id": slot["provider_id"]}]}
    price = {"amount": 4500, "currency": "EUR"}
    service = vendor.service(duration_minutes=60, price=price, needs=[need])
    by_service = {"service_id": service["id"], "start": slot["start"], "customer": ADA}
    booking = vendor.post("/bookings", by_service)
    assert (booking.status_code, booking.json()["price"]) == (201, price), booking.text
    by_key = {**part, "start": booking.json()["end"]}
    assert vendor.booked(auth=vendor.key, **by_key)["service_id"] is None


def test_a_booking_that_was_made_is_replayed_after_public_booking_was_turned_off(vendor):
    slot, key = vendor.slot(), "made-while-it-was-on"
    body = {"slot_id": slot["id"], "customer": ADA}
    first = vendor.post("/bookings", body, idempotency_key=key)
    vendor.call("PATCH", "", {"public_booking": False}, vendor.key)
    again = vendor.post("/bookings", body, idempotency_key=key)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.json()["id"] == first.json()["id"]


def test_a_hold_lasts_as_long_as_the_vendor_says(settle):
    vendor = settle(hold_minutes=90)
    held = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    times = (datetime.fromisoformat(held[name]) for name in ("created_at", "hold_expires_at"))
    made, expires = times
    assert timedelta(minutes=90) <= expires - made < timedelta(minutes=91)


def test_numbers_above_five_are_not_told_where_only_few_left_is_shown(settle, problem):
    vendor = settle(availability_numbers="few_left")
    many, few = vendor.slot(9, 12, capacity=8), vendor.slot(9, 12, capacity=5)
    _book(vendor, many, start="2040-01-02T09:00:00Z", end="2040-01-02T10:00:00Z", quantity=2)
    _book(vendor, few, start="2040-01-02T10:00:00Z", end="2040-01-02T11:00:00Z", quantity=2)
    _book(vendor, many, start="2040-01-02T11:00:00Z", end="2040-01-02T12:00:00Z", quantity=3)
    public = {one["slot_id"]: one for one in _listed(vendor)}
    first, second = public[many["id"]], public[few["id"]]
    assert (first["capacity"], first["available"], first["status"]) == (None, 5, "available")
    # From 9 to 11 eight or six are free: one stretch, or its cut would tell of a booking.
    assert [(one["start"][11:13], one["available"]) for one in first["free"]] == [
        ("09", None),
        ("11", 5),
    ]
    assert (second["capacity"], second["available"]) == (5, 3)
    assert [one["available"] for one in second["free"]] == [5, 3, 5]
    exact = {one["slot_id"]: one for one in _listed(vendor, auth=vendor.key)}
    assert [one["available"] for one in exact[many["id"]]["free"]] == [6, 8, 5]
    assert [one["status"] for one in _listed(vendor, "&quantity=8")] == ["available", "sold_out"]
    refused = vendor.get(f"/availability?{DAY}&quantity=11")
    assert problem(refused, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "quantity"
    assert len(_listed(vendor, "&quantity=5")) == 2
    assert len(_listed(vendor, "&quantity=6", vendor.key)) == 2


def test_hidden_numbers_come_out_nowhere(settle, problem):
    vendor = settle(availability_numbers="hidden")
    slot, other = vendor.slot(9, 12, capacity=4), vendor.slot(9, 12, capacity=30)
    booking = _book(
        vendor, slot, start="2040-01-02T10:00:00Z", end="2040-01-02T11:00:00Z", quantity=3
    ).json()
    listed = {one["slot_id"]: one for one in _listed(vendor)}
    for one in listed.values():
        assert (one["capacity"], one["available"], one["status"]) == (None, None, "available")
        assert one["free"] == [
            {"start": "2040-01-02T09:00:00Z", "end": "2040-01-02T12:00:00Z", "available": None}
        ]
    problem(vendor.get(f"/availability?{DAY}&quantity=2"), 400, "VALIDATION_ERROR")

    answers = []
    for quantity in (2, 4, 5, 31):
        refused = _book(vendor, slot, quantity=quantity)
        answers.append(problem(refused, 409, "INSUFFICIENT_INVENTORY"))
        body = answers[-1]
        # Neither what is left nor what there ever was, nor where so many would be free.
        assert body["conflict"]["available"] is None
        assert body["conflict"]["reason"] == "booked"
        assert body["alternatives"] == []
        assert "fewer are left" in body["detail"]
        assert "conflict.available" not in body["hint"]
    assert len({str(sorted(body)) for body in answers}) == 1, "all look alike"

    _book(vendor, slot, quantity=1)
    full = vendor.post("/bookings", {"slot_id": slot["id"], "customer": ADA}, None)
    body = problem(full, 409, "BOOKING_CONFLICT")
    assert body["conflict"]["available"] == 0
    assert {one["available"] for one in body["alternatives"]} == {None}
    assert [one["slot_ids"] for one in body["alternatives"]] == [[other["id"]]]

    # A customer who claims again is the public, too.
    vendor.post(f"/bookings/{booking['id']}/cancel", auth=booking["manage_token"])
    part = {"start": "2040-01-02T10:00:00Z", "end": "2040-01-02T11:00:00Z"}
    assert _book(vendor, slot, **part, quantity=2).status_code == 201
    again = vendor.post(f"/bookings/{booking['id']}/confirm", auth=booking["manage_token"])
    assert problem(again, 409, "INSUFFICIENT_INVENTORY")["conflict"]["available"] is None

    by_key = _book(vendor, slot, vendor.key, quantity=5)
    shown = problem(by_key, 409, "INSUFFICIENT_INVENTORY")["conflict"]
    assert (shown["available"], shown["reason"]) == (1, "capacity")
    assert [one["capacity"] for one in _listed(vendor, auth=vendor.key)] == [4, 30]


def test_who_has_as_many_open_bookings_as_allowed_gets_no_more(settle, problem):
    vendor = settle(open_bookings_max=2)
    slots = vendor.slots(*((hour, hour + 1) for hour in range(6)))
    guest = {"name": "Ada", "email": "ada@example.org", "phone": "+44 20 7946 0001"}
    made = [
        vendor.booked(slot_id=slots[0]["id"], customer=guest),
        vendor.booked(slot_id=slots[1]["id"], customer=guest, hold=True),
    ]
    for other in (
        {"name": "Another", "email": "ADA@example.org"},
        {"name": "Another", "phone": "0044 (20) 7946-0001"},
        {"name": "Another", "email": "new@example.org", "phone": "+442079460001"},
    ):
        refused = problem(_book(vendor, slots[2], customer=other), 409, "BOOKING_LIMIT_REACHED")
        assert refused["conflict"] == {"most": 2}
        assert "2 open bookings" in refused["detail"]
    assert _book(vendor, slots[2], vendor.key, customer=guest).status_code == 201
    bob = {"name": "Bob", "email": "bob@example.org"}
    assert _book(vendor, slots[3], customer=bob).status_code == 201
    # Cancelled is not open; neither is what the vendor's key made and then cancelled.
    for booking in made:
        vendor.post(f"/bookings/{booking['id']}/cancel", auth=booking["manage_token"])
    assert _book(vendor, slots[4], customer=guest).status_code == 201
    problem(_book(vendor, slots[5], customer=guest), 409, "BOOKING_LIMIT_REACHED")
    again = vendor.post(f"/bookings/{made[0]['id']}/confirm", auth=made[0]["manage_token"])
    problem(again, 409, "BOOKING_LIMIT_REACHED")
    by_key = vendor.post(f"/bookings/{made[0]['id']}/confirm", auth=vendor.key)
    assert by_key.status_code == 200, by_key.text


def test_the_maximum_does_not_keep_a_hold_from_being_confirmed(settle):
    vendor = settle(open_bookings_max=1)
    held = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    confirmed = vendor.post(f"/bookings/{held['id']}/confirm", auth=held["manage_token"])
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")


@pytest.mark.parametrize(
    "guest",
    [
        {"name": "Ada Lovelace", "email": "ada@example.org"},
        {"name": "Somebody Else", "email": "ADA@Example.org"},
        {"name": "Somebody Else", "phone": "0044 20 79460001"},
        {"name": "Else", "email": "else@example.org", "phone": "+44 (20) 7946-0001"},
    ],
)
def test_a_banned_address_or_number_does_not_book_in_public(vendor, problem, guest):
    known = vendor.made("/customers", {**ADA, "phone": "+44 20 7946 0001", "note": "Cheats"})
    path = f"/customers/{known['id']}"
    banned = vendor.call("PATCH", path, {"banned": True}, vendor.key).json()
    assert banned["banned_at"] is not None
    assert banned["version"] == 2
    again = vendor.call("PATCH", path, {"banned": True}, vendor.key).json()
    assert again == banned
    found = vendor.get("/customers?banned=true", vendor.key).json()["items"]
    assert [one["id"] for one in found] == [known["id"]]
    slots = vendor.slots((9, 10), (10, 11))
    refused = problem(_book(vendor, slots[0], customer=guest), 403, "CUSTOMER_BANNED")
    for word in ("Cheats", "Lovelace", "ban", known["id"]):
        assert word not in str({**refused, "code": "", "type": ""}), word
    assert _listed(vendor)[0]["available"] == 1
    assert _book(vendor, slots[0], vendor.key, customer=guest).status_code == 201
    vendor.call("PATCH", path, {"banned": False}, vendor.key)
    assert _book(vendor, slots[1], customer=guest).status_code == 201


def test_who_is_not_banned_books_and_cannot_become_who_is(vendor, problem):
    known = vendor.made("/customers", ADA)
    vendor.call("PATCH", f"/customers/{known['id']}", {"banned": True}, vendor.key)
    bob = {"name": "Bob", "email": "bob@example.org"}
    booking = vendor.booked(slot_id=vendor.slot()["id"], customer=bob)
    path = f"/bookings/{booking['id']}"
    change = {"customer": {"email": "Ada@example.org"}}
    problem(vendor.call("PATCH", path, change, booking["manage_token"]), 403, "CUSTOMER_BANNED")
    assert vendor.call("PATCH", path, change, vendor.key).status_code == 200


def test_a_vendor_books_for_a_customer_by_id_and_nobody_else_does(vendor, new_vendor, problem):
    known = vendor.made("/customers", {"name": "Ada"})
    slots = vendor.slots((9, 10), (10, 11))
    body = {"slot_id": slots[0]["id"], "customer_id": known["id"]}
    errors = problem(vendor.post("/bookings", body), 400, "VALIDATION_ERROR")["errors"]
    assert "customer_id" in {one["field"] for one in errors}
    both = vendor.post("/bookings", {**body, "customer": ADA}, vendor.key)
    assert problem(both, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "customer_id"
    booked = vendor.post("/bookings", body, vendor.key)
    assert booked.status_code == 201, booked.text
    assert booked.json()["customer"] == {**booked.json()["customer"], "id": known["id"]}
    foreign = new_vendor().made("/customers", {"name": "Ada"})
    body = {"slot_id": slots[1]["id"], "customer_id": foreign["id"]}
    problem(vendor.post("/bookings", body, vendor.key), 404, "CUSTOMER_NOT_FOUND")
