"""GET /consistency: a vendor's own look at its data, and at nobody else's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from app.consistency import routes
from app.consistency.checks import OF_DATA
from app.consistency.queries import run_checks
from app.errors import DatabaseProblem

CHECK, ROLE = "verify_booking_slot_consistency", "slotkeeper_app"


@pytest.fixture(scope="module")
def owner(shared_server):
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as connection:
        yield connection


def ago(**much) -> str:
    return (datetime.now(UTC) - timedelta(**much)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_sound_data_are_clean(vendor):
    slot = vendor.slot(capacity=3)
    booking = vendor.booked(slot_id=slot["id"])
    vendor.post(f"/bookings/{booking['id']}/cancel", auth=booking["manage_token"])
    vendor.booked(slot_id=slot["id"], quantity=2)
    for query, since in (("", False), (f"?since={ago(minutes=5)}", True)):
        answer = vendor.get(f"/consistency{query}", vendor.key)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert list(body) == ["status", "at", "since", "checks"]
        assert body["status"] == "clean"
        assert (body["since"] is not None) == since
        assert [one["check_name"] for one in body["checks"]] == list(OF_DATA)
        for one in body["checks"]:
            assert one.pop("check_name") in OF_DATA
            assert one == {"status": "PASS", "violations": 0, "offenders": []}


def test_damage_is_shown_to_its_vendor_alone(new_vendor, owner):
    mine, other = new_vendor(), new_vendor()
    for one in (mine, other):
        one.booked(slot_id=one.slot()["id"])
    booking = mine.booked(slot_id=mine.slot()["id"])
    wrong = "UPDATE bookings SET version = %s, updated_at = %s WHERE id = %s"
    owner.execute(wrong, [5, "infinity", booking["id"]])
    try:
        body = mine.get("/consistency", mine.key).json()
        assert body["status"] == "findings"
        story, times = [one for one in body["checks"] if one["status"] == "FAIL"]
        assert story["check_name"] == "events_retell_bookings"
        assert [one["booking_id"] for one in story["offenders"]] == [booking["id"]]
        assert times["check_name"] == "times_are_possible"
        assert [(one["id"], one["value"]) for one in times["offenders"]] == [
            (booking["id"], "infinity")
        ]
        assert other.get("/consistency", other.key).json()["status"] == "clean"
    finally:
        owner.execute(wrong, [1, "2026-01-01 00:00Z", booking["id"]])


@pytest.mark.parametrize(
    "breaks, mends",
    [
        (
            f"REVOKE EXECUTE ON FUNCTION {CHECK} FROM {ROLE}",
            f"GRANT EXECUTE ON FUNCTION {CHECK} TO {ROLE}",
        ),
        (f"ALTER FUNCTION {CHECK} RENAME TO verify", f"ALTER FUNCTION verify RENAME TO {CHECK}"),
    ],
    ids=["no right", "gone"],
)
def test_a_check_that_is_broken_says_whom_to_tell_and_takes_no_server_out(
    *, vendor, owner, problem, shared_server, breaks, mends
):
    owner.execute(breaks)
    try:
        body = problem(vendor.get("/consistency", vendor.key), 503, "SERVICE_UNAVAILABLE")
        assert "Bookings go on" in body["detail"]
        assert "operator" in body["hint"]
        assert httpx.get(f"{shared_server.url}/readyz").status_code == 200
        vendor.booked(slot_id=vendor.slot()["id"])
    finally:
        owner.execute(mends)
    assert vendor.get("/consistency", vendor.key).json()["status"] == "clean"


def test_one_check_that_cannot_run_is_told_as_such_beside_the_others(vendor, owner):
    owner.execute("ALTER FUNCTION find_lapsed_holds RENAME TO find_no_holds")
    try:
        body = vendor.get("/consistency", vendor.key).json()
    finally:
        owner.execute("ALTER FUNCTION find_no_holds RENAME TO find_lapsed_holds")
    assert body["status"] == "findings"
    (failed,) = [one for one in body["checks"] if one["status"] == "FAIL"]
    assert failed == {
        "check_name": "no_hold_is_long_lapsed",
        "status": "FAIL",
        "violations": 1,
        "offenders": [{"reason": "could_not_run"}],
    }


def test_it_is_an_admin_keys_business(vendor, problem):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    problem(vendor.get("/consistency"), 401, "UNAUTHENTICATED")
    problem(vendor.get("/consistency", booking["manage_token"]), 403, "FORBIDDEN")


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T00:00:00", "2999-01-01T00:00:00Z"])
def test_a_bad_moment_is_refused(vendor, problem, since):
    body = problem(vendor.get(f"/consistency?since={since}", vendor.key), 400, "VALIDATION_ERROR")
    assert body["errors"][0]["field"] == "since"


def test_a_vendor_of_very_many_bookings_must_say_since_when(vendor, problem, owner):
    provider_id, location_id = vendor.provider()["id"], vendor.location()["id"]
    vendor_id = owner.execute("SELECT id FROM vendors WHERE slug = %s", [vendor.slug]).fetchone()[0]
    # Cancelled ones, which need no claims, of a day ago.
    owner.execute(
        """
        WITH made AS (
            INSERT INTO bookings (vendor_id, status, quantity, claim_count, provider_id,
                                  location_id, slot_ids, during, updated_at)
            SELECT %(vendor)s, 'cancelled', 1, 1, %(provider)s, %(location)s, ARRAY[uuidv7()],
                   '[2040-01-02 09:00Z,2040-01-02 10:00Z)', now() - interval '1 day'
            FROM generate_series(1, %(many)s)
            RETURNING vendor_id, id
        )
        INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)
        SELECT vendor_id, id, 1, 'cancelled', '{}', '{}' FROM made
        """,
        {
            "vendor": vendor_id,
            "provider": provider_id,
            "location": location_id,
            "many": routes.BOOKINGS_MAX + 1,
        },
    )
    for query, said in (
        ("", "Say since when"),
        (f"?since={ago(days=2)}", "Name a later moment"),
    ):
        refused = vendor.get(f"/consistency{query}", vendor.key)
        body = problem(refused, 400, "VALIDATION_ERROR")
        assert said in body["errors"][0]["message"]
    assert vendor.get(f"/consistency?since={ago(hours=1)}", vendor.key).json()["status"] == "clean"


def test_time_is_limited_for_all_checks_together(door):
    with door.app_context(), pytest.raises(DatabaseProblem) as late:
        # Each of them is quick.
        run_checks(names=OF_DATA, seconds_max=0.5, say=lambda _: time.sleep(0.1))
    assert late.value.code == "TRANSACTION_TIMEOUT"
