"""Cancelling with a reason, who sees it, and what it costs to claim a cancelled booking again."""

from __future__ import annotations

import uuid

import pytest

REASON = {"reason": "The cat is ill: Dr Tabby, 020 7946 0999"}


def _move(vendor, booking, move, body=None, auth=None, **headers):
    path = f"/bookings/{booking['id']}/{move}"
    return vendor.post(path, body, auth or vendor.key, **headers)


def _moved(vendor, booking, move, body=None, auth=None):
    answer = _move(vendor, booking, move, body, auth)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _last_event(vendor, booking):
    return vendor.get(f"/bookings/{booking['id']}/events", vendor.key).json()["items"][-1]


@pytest.fixture
def booking(vendor):
    return vendor.booked(slot_id=vendor.slot()["id"])


@pytest.mark.parametrize("who", ["customer", "vendor"])
def test_who_cancelled_and_why_is_shown_to_key_and_token_alike(vendor, booking, who):
    auth = booking["manage_token"] if who == "customer" else vendor.key
    answer = _moved(vendor, booking, "cancel", REASON, auth)
    assert (answer["cancelled_by"], answer["cancellation_reason"]) == (who, REASON["reason"])
    for reader in (booking["manage_token"], vendor.key):
        seen = vendor.get(f"/bookings/{booking['id']}", reader).json()
        assert (seen["cancelled_by"], seen["cancellation_reason"]) == (who, REASON["reason"])
    listed = vendor.get("/bookings?status=cancelled", vendor.key).json()["items"]
    assert [one["cancellation_reason"] for one in listed] == [REASON["reason"]]


def test_history_tells_that_there_was_a_reason_and_not_which(vendor, booking):
    _moved(vendor, booking, "cancel", REASON)
    event = _last_event(vendor, booking)
    status = {"from": "confirmed", "to": "cancelled"}
    assert event["changes"] == {"status": status, "cancellation_reason": {}}


@pytest.mark.parametrize("body", [None, {}, {"reason": None}, {"reason": ""}])
def test_a_booking_is_cancelled_without_a_reason_as_well(vendor, booking, body):
    cancelled = _moved(vendor, booking, "cancel", body, booking["manage_token"])
    assert (cancelled["status"], cancelled["cancelled_by"]) == ("cancelled", "customer")
    assert cancelled["cancellation_reason"] is None
    assert _last_event(vendor, booking)["changes"].keys() == {"status"}


def test_a_reason_that_is_too_long_or_no_text_cancels_nothing(vendor, booking, problem):
    for reason in ("x" * 501, 7, ["ill"], "a\u0000b"):
        refused = problem(
            _move(vendor, booking, "cancel", {"reason": reason}), 400, "VALIDATION_ERROR"
        )
        assert refused["errors"][0]["field"] in {"reason", "body.reason"}
    assert vendor.get(f"/bookings/{booking['id']}", vendor.key).json()["status"] == "confirmed"
    longest = {"reason": "ä" * 500}
    assert _moved(vendor, booking, "cancel", longest)["cancellation_reason"] == longest["reason"]


def test_cancelled_again_it_stays_as_it_is_with_the_first_reason(vendor, booking):
    _moved(vendor, booking, "cancel", REASON, booking["manage_token"])
    first = vendor.get(f"/bookings/{booking['id']}", vendor.key).json()
    assert _moved(vendor, booking, "cancel", {"reason": "Another"}) == first


def test_the_reason_belongs_to_what_an_idempotency_key_stands_for(vendor, booking, problem):
    key = uuid.uuid4().hex
    first = _move(vendor, booking, "cancel", REASON, idempotency_key=key)
    again = _move(vendor, booking, "cancel", REASON, idempotency_key=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    other = _move(vendor, booking, "cancel", {"reason": "Another"}, idempotency_key=key)
    problem(other, 409, "IDEMPOTENCY_CONFLICT")


def test_confirmed_again_it_is_cancelled_by_nobody_and_for_no_reason(vendor, booking):
    _moved(vendor, booking, "cancel", REASON)
    again = _moved(vendor, booking, "confirm")
    assert (again["status"], again["cancelled_by"], again["cancellation_reason"]) == (
        "confirmed",
        None,
        None,
    )
    assert _last_event(vendor, booking)["changes"]["cancellation_reason"] == {}


def test_neither_can_be_patched(vendor, booking, problem):
    for name in ("cancelled_by", "cancellation_reason"):
        answer = vendor.call("PATCH", f"/bookings/{booking['id']}", {name: "x"}, vendor.key)
        refused = problem(answer, 400, "VALIDATION_ERROR")
        assert refused["errors"] == [{"field": name, "message": "Cannot be changed."}]


def _euros(amount):
    return {"amount": amount, "currency": "EUR"}


@pytest.mark.parametrize("who", ["customer", "vendor"])
def test_claimed_again_it_costs_what_a_new_booking_would_and_history_tells_both(vendor, who):
    slot = vendor.slot(capacity=4, price=_euros(1500))
    booking = vendor.booked(slot_id=slot["id"], quantity=2)
    auth = booking["manage_token"] if who == "customer" else vendor.key
    _moved(vendor, booking, "cancel", auth=auth)
    repriced = vendor.call("PATCH", f"/slots/{slot['id']}", {"price": _euros(2000)}, vendor.key)
    assert repriced.status_code == 200, repriced.text
    again = _moved(vendor, booking, "confirm", auth=auth)
    assert again["price"] == _euros(4000)
    assert again["price"] == vendor.booked(slot_id=slot["id"], quantity=2)["price"]
    changes = _last_event(vendor, booking)["changes"]
    assert changes["price"] == {"from": _euros(3000), "to": _euros(4000)}


def test_claimed_again_for_a_service_it_costs_what_the_service_costs_now(vendor):
    service = vendor.service(price=_euros(4500))
    slot = vendor.slot()
    booking = vendor.booked(slot_id=slot["id"], service_id=service["id"])
    _moved(vendor, booking, "cancel")
    vendor.call("PATCH", f"/services/{service['id']}", {"price": None}, vendor.key)
    assert _moved(vendor, booking, "confirm")["price"] is None
    changes = _last_event(vendor, booking)["changes"]
    assert changes["price"] == {"from": _euros(4500), "to": None}


def test_at_an_unchanged_price_history_tells_of_none(vendor):
    booking = vendor.booked(slot_id=vendor.slot(price=_euros(1500))["id"])
    _moved(vendor, booking, "cancel")
    assert _moved(vendor, booking, "confirm")["price"] == _euros(1500)
    assert "price" not in _last_event(vendor, booking)["changes"]


def test_a_price_stays_frozen_through_every_other_move(vendor):
    slot = vendor.slot(price=_euros(1500))
    booking = vendor.booked(slot_id=slot["id"], hold=True)
    vendor.call("PATCH", f"/slots/{slot['id']}", {"price": _euros(2000)}, vendor.key)
    assert _moved(vendor, booking, "confirm")["price"] == _euros(1500)
    assert _moved(vendor, booking, "cancel")["price"] == _euros(1500)


def test_slots_whose_currencies_have_come_to_differ_are_not_claimed_again(vendor, problem):
    slots = vendor.slots((9, 10), (10, 11), price=_euros(1500))
    booking = vendor.booked(slot_ids=[slot["id"] for slot in slots])
    _moved(vendor, booking, "cancel")
    pounds = {"price": {"amount": 1500, "currency": "GBP"}}
    vendor.call("PATCH", f"/slots/{slots[0]['id']}", pounds, vendor.key)
    refused = problem(_move(vendor, booking, "confirm"), 400, "VALIDATION_ERROR")
    assert "different currencies" in refused["detail"]
