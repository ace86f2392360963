"""Time off over HTTP: taken once, it closes what is published, now and later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from app.schedules.closing import PIECE_MAX
from tests.api.conftest import ADA, at
from tests.patience import wait_until
from tests.shop import call

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
BERLIN = ZoneInfo("Europe/Berlin")
BLOCKED = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid)))"
KEY = "a-key-for-the-time-off-of-this-test"


@pytest.fixture
def provider(vendor) -> str:
    """The path of a provider in Berlin."""
    return f"/providers/{vendor.provider()['id']}"


@pytest.fixture
def taken(vendor, provider):
    """Take time off of the provider, from hour to hour of a Monday."""

    def take(start: float = 10, end: float = 12, **values):
        return vendor.made(f"{provider}/time-off", {"start": at(start), "end": at(end), **values})

    return take


@pytest.fixture(name="slot")
def slot_of_the_provider(vendor, provider):
    """A slot of the provider from nine to noon of a Monday."""
    return vendor.slot(9, 12, provider_id=provider.rpartition("/")[2])


def blocks(vendor) -> list[dict]:
    return vendor.get("/blocks", vendor.key).json()["items"]


def free(vendor) -> list[tuple[str, str]]:
    """What the public can still book on that Monday."""
    answer = vendor.get(f"/availability?from={at(0)}&to={at(24)}")
    return [(f["start"], f["end"]) for one in answer.json()["items"] for f in one["free"]]


@pytest.mark.usefixtures("slot")
def test_time_off_closes_what_is_published_and_says_so(vendor, taken):
    off = taken(reason="Dentist")
    assert off["blocking"] == {"blocked": 1, "lifted": 0, "in_the_way": [], "in_the_way_total": 0}
    assert (off["start"], off["end"], off["reason"]) == (at(10), at(12), "Dentist")
    assert off["time_zone"] == "Europe/Berlin"
    (block,) = blocks(vendor)
    assert (block["start"], block["end"]) == (at(10), at(12))
    assert (block["reason"], block["busy_time_id"]) == ("Dentist", off["id"])
    assert free(vendor) == [(at(9), at(10))]


def test_what_is_published_later_is_closed_too(vendor, provider, taken):
    off = taken()
    assert off["blocking"]["blocked"] == 0
    vendor.slot(9, 13, provider_id=provider.rpartition("/")[2])
    assert free(vendor) == [(at(9), at(10)), (at(12), at(13))]


def test_bookings_in_the_way_stay_and_are_answered_without_whose_they_are(vendor, slot, taken):
    booked = vendor.booked(slot_id=slot["id"], start=at(10), end=at(11))
    blocking = taken()["blocking"]
    assert (blocking["blocked"], blocking["in_the_way_total"]) == (1, 1)
    (there,) = blocking["in_the_way"]
    assert (there["booking_id"], there["kind"]) == (booked["id"], "appointment")
    assert "Ada" not in str(blocking)
    token = booked["manage_token"]
    assert vendor.post(f"/bookings/{booked['id']}/cancel", auth=token).status_code == 200
    assert free(vendor) == [(at(9), at(10))]


def test_whole_days_are_those_of_the_providers_place(vendor, provider):
    days = {"starts_on": "2040-03-25", "ends_on": "2040-03-26"}
    off = vendor.made(f"{provider}/time-off", days)
    assert datetime.fromisoformat(off["start"]).astimezone(BERLIN).isoformat() == (
        "2040-03-25T00:00:00+01:00"
    )
    # A day has 23 hours there.
    assert datetime.fromisoformat(off["end"]).astimezone(BERLIN).isoformat() == (
        "2040-03-27T00:00:00+02:00"
    )
    one = vendor.made(f"{provider}/time-off", {"starts_on": "2040-05-01"})
    assert one["end"] == "2040-05-01T22:00:00Z"


@pytest.mark.usefixtures("slot")
def test_time_off_that_ends_opens_what_it_closed(vendor, taken):
    path = f"/time-off/{taken()['id']}"
    answer = vendor.call("DELETE", path, auth=vendor.key)
    assert answer.status_code == 200
    assert answer.json()["blocking"]["lifted"] == 1
    assert answer.json()["archived_at"]
    assert free(vendor) == [(at(9), at(12))]
    again = vendor.call("DELETE", path, auth=vendor.key).json()
    assert (again["version"], again["blocking"]["lifted"]) == (2, 0)


@pytest.mark.usefixtures("slot")
def test_time_off_changes_and_the_time_follows(vendor, taken, problem):
    off = taken()
    path = f"/time-off/{off['id']}"
    changed = vendor.call("PATCH", path, {"start": at(11)}, vendor.key, if_match='"1"').json()
    assert (changed["version"], changed["start"], changed["end"]) == (2, at(11), at(12))
    assert free(vendor) == [(at(9), at(11))]
    stale = vendor.call("PATCH", path, {"end": at(13)}, vendor.key, if_match='"1"')
    problem(stale, 412, "PRECONDITION_FAILED")
    same = vendor.call("PATCH", path, {"start": at(11)}, vendor.key).json()
    assert (same["version"], same["blocking"]["blocked"]) == (2, 0)
    vendor.call("DELETE", path, auth=vendor.key)
    problem(vendor.call("PATCH", path, {}, vendor.key), 404, "TIME_OFF_NOT_FOUND")


@pytest.mark.usefixtures("slot")
def test_a_dry_run_tells_and_does_nothing(vendor, provider, taken, problem):
    wanted = {"start": at(9), "end": at(12)}
    told = vendor.post(f"{provider}/time-off?dry_run=true", wanted, vendor.key)
    assert (told.status_code, told.json()["blocking"]["blocked"]) == (201, 1)
    assert "Location" not in told.headers
    problem(vendor.get(f"/time-off/{told.json()['id']}", vendor.key), 404, "TIME_OFF_NOT_FOUND")
    assert free(vendor) == [(at(9), at(12))]
    path = f"/time-off/{taken()['id']}"
    told = vendor.call("DELETE", f"{path}?dry_run=true", auth=vendor.key).json()
    assert told["blocking"]["lifted"] == 1
    assert vendor.get(path, vendor.key).json()["archived_at"] is None
    assert free(vendor) == [(at(9), at(10))]


@pytest.mark.usefixtures("slot")
def test_the_same_request_again_takes_no_more_time_off(vendor, provider):
    wanted = {"start": at(10), "end": at(12)}
    path = f"{provider}/time-off"
    first = vendor.post(path, wanted, vendor.key, idempotency_key=KEY)
    again = vendor.post(path, wanted, vendor.key, idempotency_key=KEY)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert first.headers["Location"] == f"{vendor.base}/time-off/{first.json()['id']}"
    assert len(blocks(vendor)) == 1


def test_time_off_is_listed_by_start(vendor, provider, taken):
    ids = [taken(start, start + 1)["id"] for start in (12, 9, 15)]
    ids = [ids[1], ids[0], ids[2]]
    vendor.call("DELETE", f"/time-off/{taken(20, 21)['id']}", auth=vendor.key)
    page = vendor.get(f"{provider}/time-off?limit=2", vendor.key).json()
    rest = vendor.get(f"{provider}/time-off?limit=2&cursor={page['next_cursor']}", vendor.key)
    assert [one["id"] for one in page["items"] + rest.json()["items"]] == ids
    window = vendor.get(f"{provider}/time-off?from={at(13)}&to={at(15.5)}", vendor.key).json()
    assert [one["id"] for one in window["items"]] == ids[2:]


def test_a_block_of_time_off_is_lifted_by_ending_that(vendor, slot, taken, problem):
    off = taken()
    (block,) = blocks(vendor)
    answer = vendor.call("DELETE", f"/blocks/{block['id']}", auth=vendor.key)
    body = problem(answer, 409, "BOOKING_STATE_CONFLICT")
    assert "end the time off" in body["detail"]
    assert body["conflict"]["busy_time_id"] == off["id"]
    refused = vendor.post(
        "/bookings", {"slot_id": slot["id"], "start": at(10), "end": at(11), "customer": ADA}
    )
    assert problem(refused, 409, "BOOKING_CONFLICT")["conflict"]["reason"] == "blocked"


@pytest.mark.parametrize(
    "wanted, field",
    [
        ({}, "start"),
        ({"start": at(9)}, "end"),
        ({"start": at(9), "end": "2060-01-01T00:00:00Z"}, "end"),
        ({"starts_on": "2040-01-02", "end": at(9)}, "starts_on"),
        ({"ends_on": "2040-01-02"}, "starts_on"),
        ({"starts_on": "2040-01-02", "ends_on": "2040-01-01"}, "ends_on"),
        ({"starts_on": "2040-01-02", "ends_on": "2060-01-01"}, "ends_on"),
        ({"starts_on": "2040-01-02", "reason": ""}, "reason"),
        ({"starts_on": "2040-01-02", "reason": "x" * 501}, "reason"),
        ({"start": None, "end": None}, "start"),
    ],
)
def test_what_is_no_time_is_refused_by_the_field(vendor, provider, problem, wanted, field):
    body = problem(vendor.post(f"{provider}/time-off", wanted, vendor.key), 400, "VALIDATION_ERROR")
    assert field in [one["field"] for one in body["errors"]]


def test_somebody_who_is_gone_takes_no_time_off(vendor, provider, problem):
    vendor.call("DELETE", provider, auth=vendor.key)
    answer = vendor.post(f"{provider}/time-off", {"starts_on": "2040-01-02"}, vendor.key)
    problem(answer, 404, "PROVIDER_NOT_FOUND")


def test_an_end_that_is_no_end_is_refused(vendor, provider, taken, problem):
    wanted = {"start": at(9), "end": at(9)}
    answer = vendor.post(f"{provider}/time-off", wanted, vendor.key)
    assert problem(answer, 400, "INVALID_DATE_RANGE")["errors"][0]["field"] == "end"
    answer = vendor.call("PATCH", f"/time-off/{taken()['id']}", {"end": at(10)}, vendor.key)
    problem(answer, 400, "INVALID_DATE_RANGE")


def given_back_meanwhile(server, vendor, booking, change):
    """What a change answers that meets a cancellation of the booking under way."""
    database = server.database
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(database.superuser_url, autocommit=True) as monitor,
        psycopg.connect(database.app_url) as canceller,
    ):
        found = canceller.execute("SELECT id FROM vendors WHERE slug = %s", [vendor.slug])
        vendor_id = found.fetchone()[0]
        call(canceller, "cancel_booking", vendor_id=vendor_id, booking_id=booking["id"])
        changing = thread.submit(change)
        blocked = [canceller.info.backend_pid]
        wait_until(
            lambda: changing.done() or monitor.execute(BLOCKED, blocked).fetchone()[0],
            "nobody waits for the cancellation",
        )
        canceller.commit()
        return changing.result()


def test_a_place_that_is_given_back_while_time_off_is_taken_is_closed(
    vendor, slot, taken, shared_server
):
    booking = vendor.booked(slot_id=slot["id"], customer=ADA)
    off = given_back_meanwhile(shared_server, vendor, booking, taken)
    assert off["blocking"]["blocked"] == 1
    assert free(vendor) == [(at(9), at(10))]


def test_a_place_that_is_given_back_while_time_off_moves_away_is_open(
    vendor, slot, taken, shared_server
):
    booking = vendor.booked(slot_id=slot["id"], customer=ADA)
    path = f"/time-off/{taken()['id']}"
    moved = {"start": at(10, day=1), "end": at(12, day=1)}
    answer = given_back_meanwhile(
        shared_server, vendor, booking, lambda: vendor.call("PATCH", path, moved, vendor.key)
    )
    assert answer.json()["blocking"]["lifted"] == 1
    assert free(vendor) == [(at(9), at(12))]


def test_time_off_that_moves_waits_for_nobody_in_between(vendor, provider, taken, shared_server):
    hours = {"provider_id": provider.rpartition("/")[2]}
    first, between, last = (vendor.slot(9 + day, 12 + day, **hours) for day in (0, 24, 48))
    path, moved = f"/time-off/{taken()['id']}", {"start": last["start"], "end": last["end"]}
    with psycopg.connect(shared_server.database.owner_url) as somebody:
        found = somebody.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [between["id"]])
        assert found.rowcount == 1
        answer = vendor.call("PATCH", path, moved, vendor.key)
        assert answer.json()["blocking"] | {"blocked": 1, "lifted": 1} == answer.json()["blocking"]
    shown = [(one["start"], one["end"]) for one in (first, between)]
    listed = vendor.get(f"/availability?from={at(0)}&to={at(72)}").json()["items"]
    assert [(f["start"], f["end"]) for one in listed for f in one["free"]] == shown


def test_time_off_over_more_slots_than_one_statement_closes(vendor, provider):
    hours = {day: [["09:00", "17:00"]] for day in WEEKDAYS}
    days = [(datetime.now(BERLIN) + timedelta(days=n)).date().isoformat() for n in range(7)]
    valid = {"valid_from": days[2], "valid_until": days[4]}
    vendor.made(f"{provider}/schedules", {"weekly": hours, "slot_minutes": 5, **valid})
    many = 3 * 8 * 12
    assert many > PIECE_MAX
    off = vendor.made(f"{provider}/time-off", {"starts_on": days[1], "ends_on": days[6]})
    assert (off["blocking"]["blocked"], off["blocking"]["in_the_way_total"]) == (many, 0)
    ended = vendor.call("DELETE", f"/time-off/{off['id']}", auth=vendor.key).json()
    assert ended["blocking"]["lifted"] == many


def test_of_days_the_end_that_is_not_said_stays_and_refusals_name_what_was(
    vendor, provider, problem
):
    off = vendor.made(f"{provider}/time-off", {"starts_on": "2040-06-04", "ends_on": "2040-06-06"})
    path = f"/time-off/{off['id']}"
    longer = vendor.call("PATCH", path, {"ends_on": "2040-06-08"}, vendor.key).json()
    assert (longer["start"], longer["end"]) == (off["start"], "2040-06-08T22:00:00Z")
    later = vendor.call("PATCH", path, {"starts_on": "2040-06-05"}, vendor.key).json()
    assert (later["start"], later["end"]) == ("2040-06-04T22:00:00Z", longer["end"])
    for wanted, code in (
        ({"ends_on": "2040-06-04"}, "INVALID_DATE_RANGE"),
        ({"starts_on": "2040-06-09"}, "INVALID_DATE_RANGE"),
        ({"start": later["end"]}, "INVALID_DATE_RANGE"),
        ({"starts_on": "2020-07-01"}, "VALIDATION_ERROR"),
        ({"start": "2020-07-01T00:00:00Z"}, "VALIDATION_ERROR"),
    ):
        answer = vendor.call("PATCH", path, wanted, vendor.key)
        assert [one["field"] for one in problem(answer, 400, code)["errors"]] == list(wanted)
