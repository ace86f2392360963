"""PATCH of a booking: what can be changed, by whom, what history keeps of it, who wins a race."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from tests.patience import wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


def _change(vendor, booking, auth=None, **changes):
    headers = changes.pop("headers", {})
    path = f"/bookings/{booking['id']}"
    return vendor.call("PATCH", path, changes, auth or vendor.key, **headers)


def _changed(vendor, booking, auth=None, **changes):
    answer = _change(vendor, booking, auth, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _events(vendor, booking, auth=None):
    return vendor.get(f"/bookings/{booking['id']}/events", auth or vendor.key).json()["items"]


@pytest.fixture
def booking(vendor):
    return vendor.booked(slot_id=vendor.slot()["id"], notes="By the window", metadata={"a": 1})


def test_a_merge_patch_changes_what_it_names_and_leaves_the_rest(vendor, booking):
    answer = _change(
        vendor,
        booking,
        guests=3,
        channel="phone",
        internal_notes="VIP",
        metadata={"b": {"c": 2}},
        customer={"phone": "+39 055 1234"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"2"'
    changed = answer.json()
    assert changed == {
        **{name: value for name, value in booking.items() if name != "manage_token"},
        "version": 2,
        "guests": 3,
        "channel": "phone",
        "internal_notes": "VIP",
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "metadata": {"a": 1, "b": {"c": 2}},
        "customer": {"id": changed["customer"]["id"], **ADA, "phone": "+39 055 1234"},
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > booking["updated_at"]
    assert vendor.get(f"/bookings/{booking['id']}", vendor.key).json() == changed


def test_null_removes_and_nested_metadata_is_merged_member_by_member(vendor, booking):
    _changed(vendor, booking, guests=2, metadata={"b": {"c": 1, "d": 2}})
    changed = _changed(
        vendor, booking, guests=None, notes=None, metadata={"a": None, "b": {"c": None}}
    )
    assert (changed["guests"], changed["notes"]) == (None, None)
    assert changed["metadata"] == {"b": {"d": 2}}
    assert _changed(vendor, booking, metadata=None)["metadata"] == {}
    assert _changed(vendor, booking, customer=None)["customer"] is None


def test_what_changes_nothing_answers_200_and_writes_no_event(vendor, booking):
    same = {"notes": "By the window", "metadata": {"a": 1}, "customer": ADA, "guests": None}
    for nothing in ({}, same, {"metadata": {}}, {"customer": {}}):
        answer = _change(vendor, booking, **nothing)
        assert (answer.status_code, answer.json()["version"]) == (200, 1), answer.text
        assert answer.json()["updated_at"] == booking["updated_at"]
    assert [event["kind"] for event in _events(vendor, booking)] == ["confirmed"]


def test_history_names_what_changed_but_keeps_nothing_personal(vendor, booking):
    _changed(vendor, booking, metadata={"secret": 1})
    changed = _changed(
        vendor,
        booking,
        booking["manage_token"],
        guests=2,
        notes="secret allergy",
        channel="secret channel",
        customer={"name": "Secret Agent", "email": "secret@example.org"},
        headers={"x_request_id": TRACE},
    )
    first, event = _events(vendor, booking)[1:]
    assert first["changes"] == {"metadata": {}}
    assert (event["sequence"], event["kind"], event["request_id"]) == (3, "changed", TRACE)
    assert event["actor"]["type"] == "customer"
    assert event["changes"] == {
        "guests": {"from": None, "to": 2},
        "customer_id": {"from": booking["customer"]["id"], "to": changed["customer"]["id"]},
        **{name: {} for name in ("channel", "notes", "customer.name", "customer.email")},
    }
    assert "secret" not in str((first, event)).lower()


def test_metadata_is_given_with_the_booking_and_the_vendors_from_then_on(vendor, booking, problem):
    token = booking["manage_token"]
    for metadata in ({"a": 2}, {}, None):
        refused = problem(
            _change(vendor, booking, token, guests=2, metadata=metadata), 400, "VALIDATION_ERROR"
        )
        assert [error["field"] for error in refused["errors"]] == ["metadata"]
    seen = vendor.get(f"/bookings/{booking['id']}", token).json()
    assert (seen["metadata"], seen["guests"], seen["version"]) == ({"a": 1}, None, 1)
    assert _changed(vendor, booking, metadata={"order": "A-17"})["metadata"]["order"] == "A-17"


def test_internal_notes_are_the_vendors_and_a_customer_never_hears_of_them(
    vendor, booking, problem
):
    token = booking["manage_token"]
    refused = problem(_change(vendor, booking, token, internal_notes="x"), 400, "VALIDATION_ERROR")
    assert [error["field"] for error in refused["errors"]] == ["internal_notes"]
    assert _changed(vendor, booking, internal_notes="Owes us 5 EUR")["internal_notes"]
    assert "internal_notes" not in _changed(vendor, booking, token, guests=1)
    assert "internal_notes" not in vendor.get(f"/bookings/{booking['id']}", token).json()
    assert "internal_notes" not in str(_events(vendor, booking, token))
    assert _events(vendor, booking)[1]["changes"] == {"internal_notes": {}}


def test_the_vendor_is_told_which_key_acted_and_the_customer_only_that_the_vendor_did(
    vendor, booking
):
    _changed(vendor, booking, guests=2)
    actor = _events(vendor, booking)[1]["actor"]
    assert (actor["type"], actor["name"]) == ("vendor", "tests")
    assert actor["id"]
    shown = _events(vendor, booking, booking["manage_token"])
    assert shown[1]["actor"] == {"type": "vendor", "id": None, "name": None}
    assert shown[0]["actor"] == {"type": "customer", "id": None, "name": None}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"status": "cancelled"}, "/cancel"),
        ({"hold": True}, "/confirm"),
        ({"start": "2040-01-02T10:00:00Z"}, "cancel"),
        ({"slot_id": str(uuid.uuid4())}, "cancel"),
        ({"quantity": 2}, "cancel"),
        ({"service_id": None}, "cancel"),
        ({"version": 2}, "Cannot be changed"),
        ({"price": None}, "Cannot be changed"),
        ({"id": str(uuid.uuid4())}, "Cannot be changed"),
        ({"colour": "red"}, "Unknown"),
    ],
)
def test_what_cannot_be_changed_here_is_refused_by_name_and_says_what_can(
    vendor, booking, problem, changes, message
):
    for auth in (vendor.key, booking["manage_token"]):
        answer = _change(vendor, booking, auth, **changes, notes="Not kept either")
        refused = problem(answer, 400, "VALIDATION_ERROR")
        assert [error["field"] for error in refused["errors"]] == [*changes]
        assert message in refused["errors"][0]["message"]
    assert vendor.get(f"/bookings/{booking['id']}", vendor.key).json()["notes"] == "By the window"


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"guests": -1}, "guests"),
        ({"guests": "2"}, "guests"),
        ({"notes": 5}, "notes"),
        ({"notes": "x" * 10_001}, "notes"),
        ({"channel": ""}, "channel"),
        ({"metadata": []}, "metadata"),
        ({"customer": "Ada"}, "customer"),
        ({"customer": {"email": "nobody"}}, "customer.email"),
        ({"customer": {"id": str(uuid.uuid4())}}, "customer.id"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_field(vendor, booking, problem, changes, field):
    refused = problem(_change(vendor, booking, **changes), 400, "VALIDATION_ERROR")
    assert [error["field"] for error in refused["errors"]] == [field]


def test_metadata_does_not_outgrow_its_bounds_patch_by_patch(vendor, booking, problem):
    _changed(vendor, booking, metadata={"b": "x" * 9_000})
    refused = problem(
        _change(vendor, booking, metadata={"c": "y" * 9_000}), 400, "VALIDATION_ERROR"
    )
    assert [error["field"] for error in refused["errors"]] == ["metadata"]
    _changed(vendor, booking, metadata={"b": None, "c": "y" * 9_000})


def test_after_cancelling_the_vendor_can_still_correct_but_the_customer_cannot(
    vendor, booking, problem
):
    vendor.post(f"/bookings/{booking['id']}/cancel", auth=vendor.key)
    token = booking["manage_token"]
    refused = problem(_change(vendor, booking, token, guests=2), 409, "BOOKING_STATE_CONFLICT")
    assert refused["conflict"] == {"status": "cancelled", "reason": "closed_to_customers"}
    changed = _changed(vendor, booking, internal_notes="Called: ill", guests=2)
    assert (changed["status"], changed["guests"]) == ("cancelled", 2)


def test_a_hold_that_has_lapsed_is_expired_before_it_is_changed(vendor, shared_server, problem):
    hold = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    assert _changed(vendor, hold, hold["manage_token"], guests=2)["status"] == "held"
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = %s",
            [hold["id"]],
        )
    answer = _change(vendor, hold, hold["manage_token"], guests=3)
    refused = problem(answer, 409, "BOOKING_STATE_CONFLICT")
    assert refused["conflict"]["status"] == "expired"
    assert _changed(vendor, hold, guests=3)["version"] == 4


def test_a_stale_etag_refuses_a_change(vendor, booking, problem):
    stale = _change(vendor, booking, guests=2, headers={"if_match": '"7"'})
    assert problem(stale, 412, "PRECONDITION_FAILED")["conflict"] == {"version": 1}
    assert _changed(vendor, booking, guests=2, headers={"if_match": '"1"'})["version"] == 2


def test_only_the_bookings_own_token_or_the_vendors_key_changes_it(
    vendor, new_vendor, booking, problem
):
    other, stranger = vendor.booked(slot_id=vendor.slot()["id"]), new_vendor()
    path = f"/bookings/{booking['id']}"
    problem(vendor.call("PATCH", path, {"guests": 2}), 401, "UNAUTHENTICATED")
    problem(_change(vendor, booking, other["manage_token"], guests=2), 403, "FORBIDDEN")
    problem(_change(vendor, booking, stranger.key, guests=2), 403, "FORBIDDEN")
    problem(_change(stranger, booking, guests=2), 404, "BOOKING_NOT_FOUND")
    problem(_change(vendor, {"id": uuid.uuid4()}, guests=2), 404, "BOOKING_NOT_FOUND")


def test_a_block_is_no_booking_that_could_be_changed(vendor, problem):
    slot = vendor.slot()
    times = {name: slot[name] for name in ("provider_id", "start", "end")}
    block = vendor.made("/blocks", times)
    problem(_change(vendor, block, guests=2), 404, "BOOKING_NOT_FOUND")


@pytest.fixture
def meet(shared_server) -> Callable[..., list]:
    """Send requests that are all in flight, each waiting for the booking's slot; then let go."""

    @contextmanager
    def held_up(slot_id: str) -> Iterator[psycopg.Connection]:
        with psycopg.connect(shared_server.database.superuser_url) as connection:
            connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot_id])
            yield connection

    def send(booking: dict, *requests: Callable) -> list:
        with (
            psycopg.connect(shared_server.database.superuser_url, autocommit=True) as monitor,
            ThreadPoolExecutor(len(requests)) as pool,
        ):
            with held_up(booking["slot_ids"][0]):
                answers = [pool.submit(request) for request in requests]
                waiting = (
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND wait_event_type = 'Lock' AND usename = 'slotkeeper_app'"
                )
                wait_until(
                    lambda: monitor.execute(waiting).fetchone()[0] >= len(requests),
                    "the requests do not meet",
                )
            return [answer.result() for answer in answers]

    return send


def test_of_two_changes_with_the_same_etag_exactly_one_wins(vendor, booking, meet):
    answers = meet(
        booking,
        *(
            lambda guests=guests: _change(
                vendor, booking, guests=guests, headers={"if_match": '"1"'}
            )
            for guests in (2, 3)
        ),
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 1}
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    now = vendor.get(f"/bookings/{booking['id']}", vendor.key).json()
    assert (now["version"], now["guests"]) == (2, won["guests"])
    assert [event["kind"] for event in _events(vendor, booking)] == ["confirmed", "changed"]


def test_changes_of_different_members_that_meet_are_both_kept(vendor, booking, meet):
    answers = meet(
        booking,
        lambda: _change(vendor, booking, metadata={"b": 2}),
        lambda: _change(vendor, booking, metadata={"c": 3}),
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    now = vendor.get(f"/bookings/{booking['id']}", vendor.key).json()
    assert (now["metadata"], now["version"]) == ({"a": 1, "b": 2, "c": 3}, 3)


def test_a_customers_change_that_meets_a_cancel_comes_before_it_or_is_refused(
    vendor, booking, meet
):
    cancelled, changed = meet(
        booking,
        lambda: vendor.post(f"/bookings/{booking['id']}/cancel", auth=vendor.key),
        lambda: _change(vendor, booking, booking["manage_token"], guests=4),
    )
    assert cancelled.status_code == 200
    kinds = [event["kind"] for event in _events(vendor, booking)]
    now = vendor.get(f"/bookings/{booking['id']}", vendor.key).json()
    assert now["status"] == "cancelled"
    if changed.status_code == 200:
        assert (kinds, now["guests"]) == (["confirmed", "changed", "cancelled"], 4)
    else:
        assert changed.json()["code"] == "BOOKING_STATE_CONFLICT"
        assert (kinds, now["guests"]) == (["confirmed", "cancelled"], None)
