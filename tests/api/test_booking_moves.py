"""What happens to a booking after it was made, and what its history tells."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MOVES = ("cancel", "confirm", "complete", "no-show")


def _move(vendor, booking, move, auth=None, **headers):
    return vendor.post(f"/bookings/{booking['id']}/{move}", auth=auth or vendor.key, **headers)


def _begun(vendor):
    """A booking whose time has begun, as only a vendor can make one; with its manage_token."""
    return vendor.booked(slot_id=_slot_begun(vendor)["id"], auth=vendor.key)


def _slot_begun(vendor):
    return vendor.slot(-200_000, -199_999)


def _events(vendor, booking, auth=None):
    answer = vendor.get(f"/bookings/{booking['id']}/events", auth or vendor.key)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_hold_waits_for_its_confirmation(vendor):
    booking = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    assert booking["status"] == "held"
    assert booking["hold_expires_at"] > booking["created_at"]
    confirmed = _move(vendor, booking, "confirm", booking["manage_token"])
    assert confirmed.status_code == 200, confirmed.text
    assert (confirmed.json()["status"], confirmed.json()["hold_expires_at"]) == ("confirmed", None)
    assert confirmed.headers["ETag"] == '"2"'


def test_a_lapsed_hold_cannot_be_confirmed_and_does_not_block(vendor, shared_server, problem):
    slot = vendor.slot()
    booking = vendor.booked(slot_id=slot["id"], hold=True)
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = %s",
            [booking["id"]],
        )
    problem(_move(vendor, booking, "confirm", booking["manage_token"]), 409, "HOLD_EXPIRED")
    vendor.booked(slot_id=slot["id"])


def test_doing_again_what_is_done_answers_200_and_writes_no_event(vendor):
    booking = _begun(vendor)
    for move, status in (("no-show", "no_show"), ("complete", "completed"), ("cancel", None)):
        if status is None:
            break
        first, again = _move(vendor, booking, move), _move(vendor, booking, move)
        assert (first.status_code, again.status_code) == (200, 200), again.text
        assert first.json() == again.json()
        assert first.json()["status"] == status
    assert [event["kind"] for event in _events(vendor, booking)] == [
        "confirmed",
        "no_show",
        "completed",
    ]


def test_complete_and_no_show_can_be_undone(vendor):
    booking = _begun(vendor)
    for move in ("complete", "no-show", "complete", "confirm"):
        answer = _move(vendor, booking, move)
        assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "confirmed"


def test_a_move_that_the_status_does_not_allow_says_which_it_is(vendor, problem):
    booking = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    refused = problem(_move(vendor, booking, "complete"), 409, "BOOKING_STATE_CONFLICT")
    assert refused["conflict"] == {"status": "held", "wanted": "completed"}
    assert "held" in refused["detail"]


@pytest.mark.parametrize("move, wanted", [("complete", "completed"), ("no-show", "no_show")])
def test_nobody_came_to_or_missed_what_has_not_begun(vendor, problem, move, wanted):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    refused = problem(_move(vendor, booking, move), 409, "BOOKING_STATE_CONFLICT")
    assert refused["conflict"] == {
        "status": "confirmed",
        "wanted": wanted,
        "reason": "not_begun",
        "start": booking["start"],
        "time_zone": "Europe/Berlin",
    }
    assert "2040-01-02 10:00 (Europe/Berlin)" in refused["detail"]
    assert len(_events(vendor, booking)) == 1


def test_a_booking_that_is_under_way_can_be_completed_before_its_end(vendor):
    now = datetime.now(UTC)
    times = {"start": now - timedelta(hours=1), "end": now + timedelta(hours=1)}
    wanted = {name: moment.isoformat() for name, moment in times.items()}
    provider = vendor.provider()
    vendor.made(f"/providers/{provider['id']}/slots", {"slots": [wanted]})
    booking = vendor.booked(vendor.key, provider_id=provider["id"], **wanted)
    assert _move(vendor, booking, "complete").json()["status"] == "completed"


def test_confirming_a_cancelled_booking_claims_its_time_again_or_is_refused(vendor, problem):
    slot = vendor.slot()
    booking = vendor.booked(slot_id=slot["id"])
    _move(vendor, booking, "cancel")
    assert _move(vendor, booking, "confirm").json()["status"] == "confirmed"
    _move(vendor, booking, "cancel")
    vendor.booked(slot_id=slot["id"])
    refused = problem(_move(vendor, booking, "confirm"), 409, "BOOKING_CONFLICT")
    assert refused["conflict"]["reason"] == "booked"


def test_a_customer_cannot_undo_what_the_vendor_noted(vendor, problem):
    booking = _begun(vendor)
    _move(vendor, booking, "no-show")
    token = booking["manage_token"]
    problem(_move(vendor, booking, "confirm", token), 409, "BOOKING_STATE_CONFLICT")
    for move in ("complete", "no-show"):
        problem(_move(vendor, booking, move, token), 403, "FORBIDDEN")


@pytest.mark.parametrize("move", MOVES)
def test_a_stale_etag_refuses_a_move(vendor, problem, move):
    booking = _begun(vendor)
    refused = problem(_move(vendor, booking, move, if_match='"7"'), 412, "PRECONDITION_FAILED")
    assert refused["conflict"] == {"version": 1}
    assert _move(vendor, booking, move, if_match='"1"').status_code == 200


@pytest.mark.parametrize("move", MOVES)
def test_a_move_takes_no_members_and_does_nothing_when_there_are_some(vendor, problem, move):
    booking = _begun(vendor)
    for body in ({"because": "Ill"}, {"status": "cancelled", "notify": True}):
        answer = vendor.post(f"/bookings/{booking['id']}/{move}", body, vendor.key)
        refused = problem(answer, 400, "VALIDATION_ERROR")
        assert {error["field"] for error in refused["errors"]} == body.keys()
    assert len(_events(vendor, booking)) == 1
    key = uuid.uuid4().hex
    for body in ({}, None):
        answer = vendor.post(
            f"/bookings/{booking['id']}/{move}", body, vendor.key, idempotency_key=key
        )
        assert answer.status_code == 200, "no body and an empty one are the same request"


@pytest.mark.parametrize("move", MOVES)
def test_a_move_of_an_unknown_booking_is_not_found(vendor, problem, move):
    for booking_id in (uuid.uuid4(), "twelve"):
        answer = vendor.post(f"/bookings/{booking_id}/{move}", auth=vendor.key)
        problem(answer, 404, "NOT_FOUND" if booking_id == "twelve" else "BOOKING_NOT_FOUND")


@pytest.mark.parametrize("move", MOVES)
def test_a_move_with_a_key_is_done_once_even_if_others_came_between(vendor, problem, move):
    booking = _begun(vendor)
    key = uuid.uuid4().hex
    first = _move(vendor, booking, move, idempotency_key=key)
    assert first.status_code == 200, first.text
    back = "complete" if move == "confirm" else "confirm"
    between = _move(vendor, booking, back).json()
    again = _move(vendor, booking, move, idempotency_key=key)
    assert again.status_code == 200
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == between, "a replay answers the booking as it is now and does nothing"
    other = vendor.booked(slot_id=vendor.slot()["id"])
    problem(_move(vendor, other, move, idempotency_key=key), 409, "IDEMPOTENCY_CONFLICT")


def test_a_refused_move_does_not_use_up_its_key(vendor, problem):
    booking = vendor.booked(slot_id=_slot_begun(vendor)["id"], auth=vendor.key, hold=True)
    key = uuid.uuid4().hex
    refused = _move(vendor, booking, "complete", idempotency_key=key)
    problem(refused, 409, "BOOKING_STATE_CONFLICT")
    _move(vendor, booking, "confirm")
    assert _move(vendor, booking, "complete", idempotency_key=key).json()["status"] == "completed"


def test_events_tell_who_did_what_in_which_request(vendor):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    cancelled = _move(vendor, booking, "cancel", x_request_id=TRACE)
    assert cancelled.headers["X-Request-Id"] == TRACE
    first, second = _events(vendor, booking)
    assert (first["sequence"], first["kind"], first["actor"]["type"]) == (
        1,
        "confirmed",
        "customer",
    )
    assert (second["sequence"], second["kind"], second["actor"]["type"]) == (
        2,
        "cancelled",
        "vendor",
    )
    assert second["request_id"] == TRACE
    assert second["changes"]["status"] == {"from": "confirmed", "to": "cancelled"}
    assert second["occurred_at"].endswith("Z")
    assert "ada@example.org" not in str([first, second])


def test_events_come_in_pages(vendor, problem):
    booking = _begun(vendor)
    for move in ("complete", "no-show"):
        _move(vendor, booking, move)
    path = f"/bookings/{booking['id']}/events"
    page = vendor.get(f"{path}?limit=2", booking["manage_token"]).json()
    rest = vendor.get(f"{path}?limit=2&cursor={page['next_cursor']}", vendor.key).json()
    assert [event["sequence"] for event in page["items"] + rest["items"]] == [1, 2, 3]
    assert rest["next_cursor"] is None
    problem(vendor.get(f"/bookings/{uuid.uuid4()}/events", vendor.key), 404, "BOOKING_NOT_FOUND")


def test_a_customer_undoes_their_own_cancellation_and_not_the_vendors(vendor, problem):
    slot = vendor.slot()
    booking = vendor.booked(slot_id=slot["id"])
    path, token = f"/bookings/{booking['id']}", booking["manage_token"]
    assert vendor.post(f"{path}/cancel", None, token).status_code == 200
    assert vendor.post(f"{path}/confirm", None, token).json()["status"] == "confirmed"
    assert vendor.post(f"{path}/cancel", None, vendor.key).status_code == 200
    refused = problem(vendor.post(f"{path}/confirm", None, token), 409, "BOOKING_STATE_CONFLICT")
    assert refused["conflict"]["reason"] == "cancelled_by_vendor"
    assert vendor.get(path, token).json()["status"] == "cancelled"
    assert vendor.post(f"{path}/confirm", None, vendor.key).json()["status"] == "confirmed"


def test_what_has_begun_is_the_vendors_to_cancel_and_change(vendor, problem):
    begun = datetime.now(UTC) - timedelta(minutes=5)
    times = {"start": begun.isoformat(), "end": (begun + timedelta(hours=1)).isoformat()}
    provider = vendor.provider()["id"]
    slot = vendor.made(f"/providers/{provider}/slots", {"slots": [times]})["items"][0]
    booking = vendor.booked(vendor.key, slot_id=slot["id"])
    path, token = f"/bookings/{booking['id']}", booking["manage_token"]
    cancelled = vendor.post(f"{path}/cancel", None, token)
    changed = vendor.call("PATCH", path, {"notes": "I was there!"}, token)
    for answer in (cancelled, changed):
        refused = problem(answer, 409, "BOOKING_STATE_CONFLICT")
        assert refused["conflict"]["reason"] == "has_begun"
    assert vendor.get(path, token).json()["version"] == 1
    assert vendor.call("PATCH", path, {"notes": "Late."}, vendor.key).status_code == 200
    assert vendor.post(f"{path}/cancel", None, vendor.key).json()["status"] == "cancelled"
