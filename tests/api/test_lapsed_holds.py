"""A hold whose time is over reads `expired` everywhere from that moment on, tidied or not."""

from __future__ import annotations

import uuid

import psycopg
import pytest


@pytest.fixture
def lapse(shared_server):
    """Let the clock run out for a hold; nothing else happens to it."""

    def run_out(booking):
        with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
            owner.execute(
                "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = %s",
                [booking["id"]],
            )

    return run_out


@pytest.fixture
def tidy(shared_server):
    """What the worker does from time to time."""

    def expire_holds():
        with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
            owner.execute("SELECT expire_holds(v.id) FROM vendors v")

    return expire_holds


@pytest.fixture
def held(vendor):
    return vendor.booked(slot_id=vendor.slot()["id"], hold=True)


def _listed(vendor, query):
    answer = vendor.get(f"/bookings?{query}", vendor.key)
    assert answer.status_code == 200, answer.text
    return [(one["id"], one["status"]) for one in answer.json()["items"]]


def _kinds(vendor, booking):
    events = vendor.get(f"/bookings/{booking['id']}/events", vendor.key).json()["items"]
    return [event["kind"] for event in events]


def test_it_reads_expired_to_key_and_token_and_reading_writes_nothing(vendor, held, lapse):
    lapse(held)
    for reader in (held["manage_token"], vendor.key):
        answer = vendor.get(f"/bookings/{held['id']}", reader)
        assert (answer.json()["status"], answer.json()["version"]) == ("expired", 2)
        assert answer.headers["ETag"] == '"2"'
    assert _kinds(vendor, held) == ["held"]


def test_tidying_it_changes_nothing_that_is_shown_but_when_it_was_written(
    vendor, held, lapse, tidy
):
    lapse(held)
    before = vendor.get(f"/bookings/{held['id']}", vendor.key).json()
    tidy()
    after = vendor.get(f"/bookings/{held['id']}", vendor.key).json()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert _kinds(vendor, held) == ["held", "expired"]


def test_lists_show_it_expired_and_their_filters_agree_with_what_they_show(
    vendor, held, lapse, tidy
):
    live = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    sure = vendor.booked(slot_id=vendor.slot()["id"])
    lapse(held)
    for _ in ("not tidied", "tidied"):
        gone, kept = (held["id"], "expired"), (live["id"], "held")
        assert sorted(_listed(vendor, "")) == sorted([gone, kept, (sure["id"], "confirmed")])
        assert _listed(vendor, "status=held") == [kept]
        assert _listed(vendor, "status=expired") == [gone]
        assert sorted(_listed(vendor, "status=held,expired")) == sorted([gone, kept])
        assert _listed(vendor, "status=confirmed") == [(sure["id"], "confirmed")]
        window = "from=2040-01-02T09:30:00Z&to=2040-01-03T00:00:00Z"
        assert _listed(vendor, f"{window}&status=expired&email=ada@example.org") == [gone]
        assert _listed(vendor, f"{window}&status=held,confirmed") == [
            kept,
            (sure["id"], "confirmed"),
        ]
        tidy()


def test_who_keeps_a_copy_gets_it_as_a_change_once_it_is_written_down(vendor, held, lapse, tidy):
    def changes(since):
        answer = vendor.get(f"/bookings?updated_since={since}", vendor.key).json()
        items = [(one["id"], one["status"], one["version"]) for one in answer["items"]]
        return items, answer["settled_until"]

    items, since = changes("2026-01-01T00:00:00Z")
    assert items == [(held["id"], "held", 1)]
    lapse(held)
    items, since = changes(since)
    assert items == []
    tidy()
    assert changes(since)[0] == [(held["id"], "expired", 2)]


def test_the_version_it_is_shown_with_is_the_one_that_changes_it(vendor, held, lapse, problem):
    lapse(held)
    stale = vendor.post(f"/bookings/{held['id']}/cancel", auth=vendor.key, if_match='"1"')
    assert problem(stale, 412, "PRECONDITION_FAILED")["conflict"] == {"version": 2}
    other = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    lapse(other)
    etag = vendor.get(f"/bookings/{other['id']}", vendor.key).headers["ETag"]
    changed = vendor.call(
        "PATCH", f"/bookings/{other['id']}", {"guests": 2}, vendor.key, if_match=etag
    )
    assert (changed.status_code, changed.json()["version"]) == (200, 3)
    assert _kinds(vendor, other) == ["held", "expired", "changed"]


def test_a_repeated_request_answers_the_hold_as_it_is_now(vendor, lapse):
    wanted = {
        "slot_id": vendor.slot()["id"],
        "hold": True,
        "customer": {"name": "A", "email": "a@b.eu"},
    }
    key = uuid.uuid4().hex
    held = vendor.post("/bookings", wanted, idempotency_key=key).json()
    lapse(held)
    again = vendor.post("/bookings", wanted, idempotency_key=key)
    assert (again.status_code, again.json()["status"]) == (201, "expired")


def test_the_day_does_not_show_it_any_more(vendor, held, lapse):
    lapse(held)
    providers = vendor.get("/day?date=2040-01-02", vendor.key).json()["items"]
    assert [one["bookings"] for one in providers] == [[]]
