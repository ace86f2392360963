"""Schedules and exceptions over HTTP: a week is described once, and its slots are there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
ALWAYS = {day: [["09:00", "12:00"]] for day in WEEKDAYS}
TODAY = datetime.now(BERLIN).date()
KEY = "a-key-for-the-schedules-of-this-test"


def day(number: int) -> str:
    """So many days from today, in Berlin."""
    return (TODAY + timedelta(days=number)).isoformat()


@pytest.fixture
def provider(vendor) -> str:
    """The path of a provider in Berlin."""
    return f"/providers/{vendor.provider()['id']}"


@pytest.fixture
def schedule(vendor, provider):
    """Make a schedule of the provider: every day from nine to noon unless it is said."""

    def make(**values):
        return vendor.made(f"{provider}/schedules", {"weekly": ALWAYS, **values})

    return make


def slots_of(vendor, provider, first: int = 1, days: int = 1) -> list[dict]:
    """The provider's slots of some days from today."""
    start = datetime.fromisoformat(day(first)).replace(tzinfo=BERLIN).astimezone(UTC)
    end = datetime.fromisoformat(day(first + days)).replace(tzinfo=BERLIN).astimezone(UTC)
    answer = vendor.client.get(
        f"{vendor.base}/slots",
        params={
            "provider_id": provider.rpartition("/")[2],
            "from": start.isoformat(),
            "to": end.isoformat(),
            "limit": 500,
        },
        headers={"Authorization": f"Bearer {vendor.key}"},
    )
    return answer.json()["items"]


def clocks(slots) -> list[str]:
    """The slots by the clocks of Berlin."""
    times = [(s["start"], s["end"]) for s in slots]
    local = [[datetime.fromisoformat(one).astimezone(BERLIN) for one in pair] for pair in times]
    return [f"{start:%H:%M}-{end:%H:%M}" for start, end in local]


def test_a_schedule_is_answered_as_it_is_and_its_slots_are_published(vendor, provider, schedule):
    made = schedule(slot_minutes=60, capacity=3, price={"amount": 4500, "currency": "EUR"})
    assert made["weekly"] == ALWAYS
    assert (made["valid_from"], made["valid_until"]) == (day(0), None)
    assert (made["time_zone"], made["location_id"]) == ("Europe/Berlin", None)
    assert (made["slot_minutes"], made["gap_minutes"], made["version"]) == (60, 0, 1)
    told = made["publishing"]
    assert 540 <= told["published"] <= 543
    assert (told["removed"], told["resized"], told["kept"], told["in_the_way"]) == (0, 0, 0, [])
    slots = slots_of(vendor, provider)
    assert clocks(slots) == ["09:00-10:00", "10:00-11:00", "11:00-12:00"]
    for slot in slots:
        assert slot["schedule_id"] == made["id"]
        assert (slot["capacity"], slot["price"]["amount"]) == (3, 4500)
    assert len(slots_of(vendor, provider, 180)) == 3
    assert slots_of(vendor, provider, 181) == []
    booked = vendor.booked(slot_id=slots[0]["id"])
    assert booked["price"] == {"amount": 4500, "currency": "EUR"}


def test_a_schedule_is_read_and_listed_by_any_key_of_the_vendor(vendor, provider, schedule):
    made = schedule()
    answer = vendor.get(f"/schedules/{made['id']}", vendor.key)
    assert answer.headers["ETag"] == '"1"'
    del made["publishing"]
    assert answer.json() == made
    assert vendor.get(f"{provider}/schedules", vendor.key).json() == {
        "items": [made],
        "next_cursor": None,
    }


def test_a_change_is_a_merge_patch_and_unclaimed_time_follows(vendor, provider, schedule):
    made = schedule(slot_minutes=60)
    change = {"weekly": {WEEKDAYS[(TODAY.weekday() + 1) % 7]: [["14:00", "16:00"]]}, "capacity": 2}
    answer = vendor.call("PATCH", f"/schedules/{made['id']}", change, vendor.key)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed["weekly"] == {**ALWAYS, **change["weekly"]}
    assert (changed["version"], answer.headers["ETag"]) == (2, '"2"')
    assert changed["publishing"]["published"] >= 50
    assert clocks(slots_of(vendor, provider, 1)) == ["14:00-15:00", "15:00-16:00"]
    assert {slot["capacity"] for slot in slots_of(vendor, provider, 2)} == {2}
    closed = {"weekly": dict.fromkeys(WEEKDAYS[:-1])}
    answer = vendor.call("PATCH", f"/schedules/{made['id']}", closed, vendor.key).json()
    assert list(answer["weekly"]) == ["sunday"]


def test_the_same_values_again_make_no_new_version_and_publish_nothing(vendor, schedule):
    made = schedule()
    answer = vendor.call("PATCH", f"/schedules/{made['id']}", {"weekly": ALWAYS}, vendor.key)
    assert answer.json()["version"] == 1
    told = answer.json()["publishing"]
    assert (told["published"], told["removed"], told["resized"]) == (0, 0, 0)
    assert told["kept"] == made["publishing"]["published"]


def test_bookings_keep_their_time_and_are_answered_as_in_the_way(vendor, provider, schedule):
    made = schedule(slot_minutes=60)
    first, second, _ = slots_of(vendor, provider)
    booking = vendor.booked(slot_id=second["id"])
    change = {"weekly": dict.fromkeys(WEEKDAYS)}
    told = vendor.call("PATCH", f"/schedules/{made['id']}", change, vendor.key).json()["publishing"]
    same = {name: second[name] for name in ("start", "end", "time_zone")}
    in_the_way = {"booking_id": booking["id"], "kind": "appointment", "slot_id": second["id"]}
    assert told["in_the_way"] == [{**in_the_way, **same, "quantity": 1}]
    assert told["in_the_way_total"] == 1
    assert [slot["id"] for slot in slots_of(vendor, provider)] == [second["id"]]
    assert vendor.get(f"/slots/{first['id']}", vendor.key).status_code == 404
    assert vendor.get(f"/bookings/{booking['id']}", vendor.key).json()["status"] == "confirmed"


def test_a_dry_run_tells_the_same_and_does_nothing(vendor, provider, schedule):
    path = f"{provider}/schedules?dry_run=true"
    told = vendor.post(path, {"weekly": ALWAYS}, vendor.key)
    assert told.status_code == 201
    assert "Location" not in told.headers
    assert vendor.get(f"{provider}/schedules", vendor.key).json()["items"] == []
    assert slots_of(vendor, provider) == []
    made = schedule()
    assert told.json()["publishing"] == made["publishing"]
    slot = slots_of(vendor, provider)[0]
    vendor.booked(slot_id=slot["id"])
    for method in ("PATCH", "DELETE"):
        body = {"weekly": dict.fromkeys(WEEKDAYS)} if method == "PATCH" else None
        once = vendor.call(method, f"/schedules/{made['id']}?dry_run=true", body, vendor.key)
        assert once.json()["version"] == 2
        assert once.json()["publishing"]["in_the_way_total"] == 1
        present = vendor.get(f"/schedules/{made['id']}", vendor.key).json()
        assert (present["version"], present["archived_at"]) == (1, None)
    really = vendor.call("DELETE", f"/schedules/{made['id']}", None, vendor.key)
    assert really.json()["publishing"] == once.json()["publishing"]


def test_an_archived_schedule_leaves_only_what_is_booked(vendor, provider, schedule, problem):
    made = schedule()
    answer = vendor.call("DELETE", f"/schedules/{made['id']}", None, vendor.key)
    assert answer.status_code == 200
    assert answer.json()["archived_at"] is not None
    assert answer.json()["publishing"]["removed"] == made["publishing"]["published"]
    assert slots_of(vendor, provider) == []
    again = vendor.call("DELETE", f"/schedules/{made['id']}", None, vendor.key).json()
    assert (again["version"], again["publishing"]["removed"]) == (2, 0)
    assert vendor.get(f"{provider}/schedules", vendor.key).json()["items"] == []
    assert vendor.get(f"/schedules/{made['id']}", vendor.key).json()["archived_at"]
    change = vendor.call("PATCH", f"/schedules/{made['id']}", {"capacity": 2}, vendor.key)
    problem(change, 404, "SCHEDULE_NOT_FOUND")


@pytest.mark.parametrize("kind", ["schedules", "exceptions"])
def test_somebody_elses_change_is_noticed_by_the_etag(vendor, provider, schedule, problem, kind):
    schedule()
    closed = {"starts_on": day(3), "kind": "closed"}
    vendor.made(f"{provider}/exceptions", closed)
    one = vendor.get(f"{provider}/{kind}", vendor.key).json()["items"][0]
    path = f"/{kind}/{one['id']}"
    change = {"capacity": 2} if kind == "schedules" else {"reason": "Stocktaking"}
    for method in ("PATCH", "DELETE"):
        body = change if method == "PATCH" else None
        stale = vendor.call(method, path, body, vendor.key, if_match='"7"')
        assert problem(stale, 412, "PRECONDITION_FAILED")["conflict"] == {"version": 1}
    fresh = vendor.call("PATCH", path, change, vendor.key, if_match='"1"')
    assert (fresh.status_code, fresh.headers["ETag"]) == (200, '"2"')


@pytest.mark.parametrize("kind", ["schedules", "exceptions"])
def test_a_repeated_request_makes_one_and_is_answered_as_it_is_now(vendor, provider, kind):
    body = {"weekly": ALWAYS} if kind == "schedules" else {"starts_on": day(1), "kind": "closed"}
    first = vendor.post(f"{provider}/{kind}", body, vendor.key, idempotency_key=KEY)
    again = vendor.post(f"{provider}/{kind}", body, vendor.key, idempotency_key=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["publishing"]["published"] == 0
    assert again.json()["publishing"]["kept"] == first.json()["publishing"]["published"]
    assert len(vendor.get(f"{provider}/{kind}", vendor.key).json()["items"]) == 1


def test_a_dry_run_does_not_use_up_its_key(vendor, provider):
    body = {"weekly": ALWAYS}
    path = f"{provider}/schedules"
    told = vendor.post(f"{path}?dry_run=true", body, vendor.key, idempotency_key=KEY)
    made = vendor.post(path, body, vendor.key, idempotency_key=KEY)
    assert "Idempotency-Replayed" not in made.headers
    assert made.json()["id"] != told.json()["id"]


def test_closed_other_and_extra_days_change_the_days_they_name(vendor, provider, schedule):
    schedule(slot_minutes=60)
    for values in (
        {"starts_on": day(1), "ends_on": day(2), "kind": "closed", "reason": "Inventory"},
        {"starts_on": day(3), "kind": "other", "hours": [["14:00", "15:00"]]},
        {"starts_on": day(4), "kind": "extra", "hours": [["18:00", "19:00"]]},
    ):
        made = vendor.made(f"{provider}/exceptions", values)
        assert (made["ends_on"], made["reason"]) == (
            values.get("ends_on", values["starts_on"]),
            values.get("reason"),
        )
    assert slots_of(vendor, provider, 1, 2) == []
    assert clocks(slots_of(vendor, provider, 3)) == ["14:00-15:00"]
    assert clocks(slots_of(vendor, provider, 4))[-1] == "18:00-19:00"
    assert len(slots_of(vendor, provider, 4)) == 4
    # And when it is taken back, the week holds again.
    removed = vendor.call("DELETE", f"/exceptions/{made['id']}", None, vendor.key).json()
    assert removed["publishing"]["removed"] == 1
    assert len(slots_of(vendor, provider, 4)) == 3


def test_an_exception_is_changed_and_names_the_bookings_in_its_way(vendor, provider, schedule):
    schedule()
    closed = vendor.made(f"{provider}/exceptions", {"starts_on": day(1), "kind": "closed"})
    booking = vendor.booked(slot_id=slots_of(vendor, provider, 2)[0]["id"])
    change = {"starts_on": day(2), "ends_on": day(2)}
    answer = vendor.call("PATCH", f"/exceptions/{closed['id']}", change, vendor.key).json()
    assert answer["version"] == 2
    told = answer["publishing"]
    assert [one["booking_id"] for one in told["in_the_way"]] == [booking["id"]]
    assert told["published"] == 1
    assert len(slots_of(vendor, provider, 1)) == 1


def test_an_exception_of_one_schedule_names_a_schedule_of_that_provider(
    vendor, provider, schedule, problem
):
    here = schedule()
    elsewhere = vendor.made(
        f"/providers/{vendor.provider()['id']}/schedules", {"weekly": {}, "valid_from": day(1)}
    )
    closed = {"starts_on": day(1), "kind": "closed"}
    refused = vendor.post(
        f"{provider}/exceptions", {**closed, "schedule_id": elsewhere["id"]}, vendor.key
    )
    problem(refused, 404, "SCHEDULE_NOT_FOUND")
    made = vendor.made(f"{provider}/exceptions", {**closed, "schedule_id": here["id"]})
    assert made["schedule_id"] == here["id"]


def test_two_schedules_of_a_provider_may_share_no_hours(vendor, provider, schedule, problem):
    winter = schedule(valid_until=day(30))
    wanted = {"weekly": {WEEKDAYS[TODAY.weekday()]: [["11:00", "13:00"]]}, "valid_from": day(20)}
    refused = vendor.post(f"{provider}/schedules", wanted, vendor.key)
    told = problem(refused, 409, "SCHEDULE_OVERLAP")
    assert told["conflict"] == {"schedule_id": winter["id"], "date": day(21)}
    afternoons = schedule(weekly={day: [["13:00", "15:00"]] for day in WEEKDAYS})
    summer = schedule(valid_from=day(31))
    assert len(slots_of(vendor, provider, 30, 2)) == 4
    back = vendor.call("PATCH", f"/schedules/{summer['id']}", {"valid_from": day(30)}, vendor.key)
    assert problem(back, 409, "SCHEDULE_OVERLAP")["conflict"]["schedule_id"] == winter["id"]
    vendor.call("DELETE", f"/schedules/{winter['id']}", None, vendor.key)
    back = vendor.call("PATCH", f"/schedules/{summer['id']}", {"valid_from": day(0)}, vendor.key)
    assert back.status_code == 200
    assert afternoons["publishing"]["published"] > 100


@pytest.mark.parametrize(
    "values, field",
    [
        ({"weekly": {"monday": [["9:00", "12:00"]]}}, "weekly.monday.0.0"),
        ({"weekly": {"monday": [["09:00"]]}}, "weekly.monday.0"),
        ({"weekly": {"monday": [["24:00", "12:00"]]}}, "weekly.monday.0"),
        ({"weekly": {"monday": ["09:00"]}}, "weekly.monday.0"),
        ({"weekly": {"monday": [["09:00", "12:00"], ["11:00", "13:00"]]}}, "weekly.monday"),
        (
            {"weekly": {"sunday": [["22:00", "02:00"]], "monday": [["01:00", "03:00"]]}},
            "weekly.monday",
        ),
        ({"weekly": {"Monday": []}}, "weekly.Monday"),
        ({"weekly": {"monday": [["09:00", "09:20"]]}, "slot_minutes": 30}, "weekly.monday.0"),
        ({"gap_minutes": 10}, "gap_minutes"),
        ({"slot_minutes": 4}, "slot_minutes"),
        ({"valid_from": "2031-03-02", "valid_until": "2031-03-01"}, "valid_until"),
        ({"valid_from": "2031-02-30"}, "valid_from"),
        ({"capacity": 0}, "capacity"),
        ({"price": {"amount": 5}}, "price.currency"),
    ],
    ids=str,
)
def test_a_schedule_that_makes_no_sense_is_refused_by_its_member(
    vendor, provider, problem, values, field
):
    answer = vendor.post(f"{provider}/schedules", {"weekly": {}, **values}, vendor.key)
    told = problem(answer, 400, "VALIDATION_ERROR")
    assert [error["field"] for error in told["errors"]] == [field], told
    assert vendor.get(f"{provider}/schedules", vendor.key).json()["items"] == []


def test_a_change_is_judged_by_what_the_schedule_then_is(vendor, provider, schedule, problem):
    made = schedule(slot_minutes=60, gap_minutes=10, valid_until=day(100))
    for change, field in [
        ({"slot_minutes": None}, "gap_minutes"),
        ({"slot_minutes": 200}, "weekly.monday.0"),
        ({"valid_from": day(101)}, "valid_until"),
    ]:
        answer = vendor.call("PATCH", f"/schedules/{made['id']}", change, vendor.key)
        told = problem(answer, 400, "VALIDATION_ERROR")
        assert told["errors"][0]["field"] == field
    present = vendor.get(f"/schedules/{made['id']}", vendor.key).json()
    assert present == {name: one for name, one in made.items() if name != "publishing"}
    assert len(slots_of(vendor, provider)) == 2


@pytest.mark.parametrize(
    "values, field",
    [
        ({"kind": "closed", "hours": [["09:00", "12:00"]]}, "hours"),
        ({"kind": "other"}, "hours"),
        ({"kind": "extra", "hours": []}, "hours"),
        ({"kind": "extra", "hours": [["09:00", "12:00"], ["10:00", "11:00"]]}, "hours"),
        ({"kind": "extra", "hours": [["nine", "12:00"]]}, "hours.0.0"),
        ({"kind": "closed", "ends_on": "2031-03-02"}, "ends_on"),
        ({"kind": "closed", "ends_on": "2099-03-02"}, "ends_on"),
        ({"kind": "holiday"}, "kind"),
        ({"kind": "closed", "reason": "x" * 501}, "reason"),
        ({}, "kind"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_exception_that_makes_no_sense_is_refused_by_its_member(
    vendor, provider, problem, values, field
):
    body = {"starts_on": "2031-03-03", **values}
    told = problem(vendor.post(f"{provider}/exceptions", body, vendor.key), 400, "VALIDATION_ERROR")
    assert [error["field"] for error in told["errors"]] == [field], told


def test_a_schedule_at_another_place_keeps_that_places_clock(vendor, provider):
    tokyo = vendor.location(time_zone="Asia/Tokyo")
    wanted = {"weekly": ALWAYS, "location_id": tokyo["id"], "valid_from": day(2)}
    made = vendor.made(f"{provider}/schedules", wanted)
    assert made["time_zone"] == "Asia/Tokyo"
    (slot,) = slots_of(vendor, provider, 2)
    assert (slot["location_id"], slot["time_zone"]) == (tokyo["id"], "Asia/Tokyo")
    start = datetime.fromisoformat(slot["start"]).astimezone(ZoneInfo("Asia/Tokyo"))
    assert (start.hour, start.date().isoformat()) == (9, day(2))


def test_a_schedule_of_an_archived_provider_is_changed_no_more(vendor, problem):
    provider = vendor.provider()["id"]
    made = vendor.made(f"/providers/{provider}/schedules", {"weekly": {}})
    vendor.call("DELETE", f"/providers/{provider}", None, vendor.key)
    change = vendor.call("PATCH", f"/schedules/{made['id']}", {"capacity": 2}, vendor.key)
    problem(change, 404, "PROVIDER_NOT_FOUND")
    more = vendor.post(f"/providers/{provider}/schedules", {"weekly": {}}, vendor.key)
    problem(more, 404, "PROVIDER_NOT_FOUND")


def test_pages_of_schedules_and_exceptions_neither_skip_nor_repeat(vendor, provider):
    made = [
        vendor.made(f"{provider}/exceptions", {"starts_on": day(n), "kind": "closed"})["id"]
        for n in range(5)
    ]
    found, cursor = [], ""
    while cursor is not None:
        query = f"?limit=2{'&cursor=' + cursor if cursor else ''}"
        page = vendor.get(f"{provider}/exceptions{query}", vendor.key).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == made


def test_a_slot_of_a_schedule_changed_by_hand_is_left_alone_from_then_on(
    vendor, provider, schedule
):
    made = schedule()
    (slot,) = slots_of(vendor, provider)
    changed = vendor.call("PATCH", f"/slots/{slot['id']}", {"capacity": 5}, vendor.key)
    assert changed.json()["schedule_id"] is None
    vendor.call(
        "PATCH", f"/schedules/{made['id']}", {"weekly": dict.fromkeys(WEEKDAYS)}, vendor.key
    )
    (left,) = slots_of(vendor, provider)
    assert (left["id"], left["capacity"]) == (slot["id"], 5)
