"""Services over HTTP: their rules, who does them, and what both mean for bookings."""

from __future__ import annotations

import re
import uuid

import pytest

from tests.api.conftest import ADA, at

RULES = {
    "duration_minutes": 60,
    "buffer_before_minutes": 10,
    "buffer_after_minutes": 20,
    "start_step_minutes": 30,
    "notice_minutes": 120,
    "window_days": 60,
    "quantity_min": 2,
    "quantity_max": 4,
}
EARLY, NINE, TEN, ELEVEN, NOON = at(8), at(9), at(10), at(11), at(12)


def _need(role, *provider_ids):
    return {"role": role, "providers": [{"provider_id": one} for one in provider_ids]}


def _shown(need):
    """A need as an answer shows it."""
    return {
        "role": need["role"],
        "providers": [{"preference": 1, **one} for one in need["providers"]],
    }


@pytest.fixture
def place(vendor):
    return vendor.location()["id"]


@pytest.fixture
def therapist(vendor, place):
    return vendor.provider(location_id=place, name="Kim")["id"]


@pytest.fixture
def room(vendor, place):
    return vendor.provider(location_id=place, name="Room 1")["id"]


@pytest.fixture
def joint(vendor, therapist, room):
    return vendor.service(
        duration_minutes=60,
        buffer_after_minutes=15,
        needs=[_need("therapist", therapist), _need("room", room)],
    )


def _change(vendor, service, **patch):
    return vendor.call("PATCH", f"/services/{service['id']}", patch, vendor.key)


def test_a_service_has_the_rules_it_was_given_and_defaults_for_the_rest(vendor):
    service = vendor.service(**RULES)
    assert RULES.items() <= service.items()
    plain = vendor.service()
    assert {name: plain[name] for name in RULES} == {
        "duration_minutes": None,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "start_step_minutes": 15,
        "notice_minutes": 0,
        "window_days": None,
        "quantity_min": 1,
        "quantity_max": None,
    }
    assert plain["needs"] == []


def test_needs_are_shown_best_preference_first_wherever_the_service_is(vendor, therapist, room):
    second = vendor.provider()["id"]
    needs = [
        {
            "role": "therapist",
            "providers": [
                {"provider_id": second, "preference": 2},
                {"provider_id": therapist, "preference": 1},
            ],
        },
        _need("room", room),
    ]
    service = vendor.service(duration_minutes=60, needs=needs)
    shown = [
        {"role": "therapist", "providers": needs[0]["providers"][::-1]},
        _shown(needs[1]),
    ]
    assert service["needs"] == shown
    assert vendor.get(f"/services/{service['id']}").json() == service
    assert vendor.get("/services").json()["items"] == [service]


def test_a_merge_patch_replaces_the_needs_as_a_whole(vendor, therapist, room, joint):
    renamed = _change(vendor, joint, name="Other").json()
    assert (renamed["needs"], renamed["version"]) == (joint["needs"], 2)
    same = _change(vendor, joint, needs=[_need("therapist", therapist), _need("room", room)])
    assert same.json()["version"] == 2, "what changes nothing makes no version"
    turned = _change(vendor, joint, needs=[_need("room", room)]).json()
    assert (turned["needs"], turned["version"]) == ([_shown(_need("room", room))], 3)
    anybody = _change(vendor, joint, needs=[]).json()
    assert (anybody["needs"], anybody["version"]) == ([], 4)


def test_a_stale_version_changes_no_needs(vendor, problem, joint):
    _change(vendor, joint, name="Other")
    path = f"/services/{joint['id']}"
    stale = vendor.call("PATCH", path, {"needs": []}, vendor.key, if_match='"1"')
    problem(stale, 412, "PRECONDITION_FAILED")
    assert vendor.get(path).json()["needs"] == joint["needs"]


def test_repeating_the_post_of_a_service_with_needs_makes_one(vendor, therapist):
    wanted = {"name": "Massage", "needs": [_need("therapist", therapist)]}
    key = uuid.uuid4().hex
    first, again = (
        vendor.post("/services", wanted, vendor.key, idempotency_key=key) for _ in range(2)
    )
    assert (first.status_code, again.json()) == (201, first.json())
    assert len(vendor.get("/services").json()["items"]) == 1


NOBODY = str(uuid.uuid4())


@pytest.mark.parametrize(
    "values, field",
    [
        ({"buffer_before_minutes": -1}, "buffer_before_minutes"),
        ({"buffer_after_minutes": 1441}, "buffer_after_minutes"),
        ({"buffer_after_minutes": None}, "buffer_after_minutes"),
        ({"buffer_before_minutes": 5, "duration_minutes": None}, "buffer_before_minutes"),
        ({"buffer_after_minutes": 5}, "buffer_after_minutes"),
        ({"start_step_minutes": 0}, "start_step_minutes"),
        ({"start_step_minutes": 1441}, "start_step_minutes"),
        ({"notice_minutes": -1}, "notice_minutes"),
        ({"notice_minutes": 1.5}, "notice_minutes"),
        ({"window_days": 0}, "window_days"),
        ({"window_days": 3651}, "window_days"),
        ({"window_days": 2, "notice_minutes": 2880}, "notice_minutes"),
        ({"quantity_min": 0}, "quantity_min"),
        ({"quantity_max": 0}, "quantity_max"),
        ({"quantity_min": 3, "quantity_max": 2}, "quantity_max"),
        ({"needs": None}, "needs"),
        ({"needs": {}}, "needs"),
        ({"needs": [_need("chair", NOBODY)] * 11}, "needs"),
        ({"needs": [{"providers": []}]}, "needs.0.role"),
        ({"needs": [{"role": "", "providers": [{"provider_id": NOBODY}]}]}, "needs.0.role"),
        ({"needs": [{"role": "chair"}]}, "needs.0.providers"),
        ({"needs": [_need("chair")]}, "needs.0.providers"),
        ({"needs": [_need("chair", "x")]}, "needs.0.providers.0.provider_id"),
        ({"needs": [_need("a", NOBODY), _need("b", NOBODY)]}, "needs.1.providers.0.provider_id"),
        (
            {"needs": [{"role": "a", "providers": [{"provider_id": NOBODY, "preference": 0}]}]},
            "needs.0.providers.0.preference",
        ),
        (
            {"needs": [{"role": "a", "providers": [{"preference": 1}]}]},
            "needs.0.providers.0.provider_id",
        ),
    ],
)
def test_a_malformed_rule_is_refused_by_field_when_made_and_when_changed(
    vendor, problem, values, field
):
    made = vendor.post("/services", {"name": "Massage", **values}, vendor.key)
    assert problem(made, 400, "VALIDATION_ERROR")["errors"][0]["field"] == field
    service = vendor.service()
    changed = _change(vendor, service, **values)
    assert problem(changed, 400, "VALIDATION_ERROR")["errors"][0]["field"] == field
    assert vendor.get(f"/services/{service['id']}").json() == service


def test_a_merge_patch_is_judged_with_what_stays(vendor, problem):
    service = vendor.service(**RULES)
    for patch, field in (
        ({"duration_minutes": None}, "buffer_before_minutes"),
        ({"quantity_min": 5}, "quantity_max"),
        ({"quantity_max": 1}, "quantity_max"),
    ):
        answer = _change(vendor, service, **patch)
        assert problem(answer, 400, "VALIDATION_ERROR")["errors"][0]["field"] == field
    both = {"duration_minutes": None, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
    assert _change(vendor, service, **both).status_code == 200


def test_needs_name_providers_of_the_vendor_that_are_not_archived(vendor, new_vendor, problem):
    foreign, archived = new_vendor().provider()["id"], vendor.provider()["id"]
    vendor.call("DELETE", f"/providers/{archived}", auth=vendor.key)
    known, service = vendor.provider()["id"], vendor.service()
    for stranger in (foreign, archived, NOBODY):
        needs = [_need("a", known), _need("b", stranger)]
        made = vendor.post("/services", {"name": "Massage", "needs": needs}, vendor.key)
        for answer in (made, _change(vendor, service, needs=needs)):
            detail = problem(answer, 404, "PROVIDER_NOT_FOUND")["detail"]
            assert detail == f"needs.1.providers.0.provider_id: there is no provider {stranger}."
    assert vendor.get("/services").json()["items"] == [service]


def test_who_alone_fills_a_need_cannot_be_archived_and_others_leave_the_service(
    vendor, problem, therapist, room, joint
):
    path = f"/providers/{therapist}"
    refused = problem(vendor.call("DELETE", path, auth=vendor.key), 409, "PROVIDER_IN_USE")
    assert refused["conflict"] == {
        "services": [{"service_id": joint["id"], "name": "Haircut", "role": "therapist"}]
    }
    assert refused["detail"] == "Nobody else does it for Haircut (therapist)."
    second = vendor.provider()["id"]
    needs = [_need("therapist", therapist, second), _need("room", room)]
    assert _change(vendor, joint, needs=needs).json()["version"] == 2
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    left = vendor.get(f"/services/{joint['id']}").json()
    assert left["needs"] == [_shown(_need("therapist", second)), _shown(_need("room", room))]
    assert left["version"] == 3


def test_a_service_that_is_archived_needs_nobody(vendor, therapist, joint):
    assert vendor.call("DELETE", f"/services/{joint['id']}", auth=vendor.key).status_code == 204
    assert vendor.call("DELETE", f"/providers/{therapist}", auth=vendor.key).status_code == 204


def _book(vendor, auth=None, **wanted):
    return vendor.post("/bookings", {"customer": ADA, **wanted}, auth)


@pytest.mark.parametrize("way", ["slot_id", "provider_id", "slot_ids"])
def test_the_time_shown_is_booked_and_the_buffers_are_occupied(vendor, problem, way):
    service = vendor.service(duration_minutes=60, buffer_before_minutes=10, buffer_after_minutes=20)
    slot = vendor.slot(8, 17)
    named = {
        "slot_id": {"slot_id": slot["id"]},
        "slot_ids": {"slot_ids": [slot["id"]]},
        "provider_id": {"provider_id": slot["provider_id"], "end": ELEVEN},
    }[way]
    named |= {"service_id": service["id"]}
    booking = vendor.booked(start=TEN, **named)
    assert (booking["start"], booking["end"]) == (TEN, ELEVEN)
    day = vendor.get("/availability?from=2040-01-02T00:00:00Z&to=2040-01-03T00:00:00Z").json()
    assert [(one["start"], one["end"]) for one in day["items"][0]["free"]] == [
        (EARLY, "2040-01-02T09:50:00Z"),
        ("2040-01-02T11:20:00Z", at(17)),
    ]
    near = _book(vendor, slot_id=slot["id"], start="2040-01-02T11:15:00Z", service_id=service["id"])
    refused = problem(near, 409, "BOOKING_CONFLICT")
    assert refused["conflict"]["start"] == "2040-01-02T11:15:00Z"
    assert refused["conflict"]["end"] == "2040-01-02T12:15:00Z"
    assert refused["alternatives"]
    for one in refused["alternatives"]:
        again = {"slot_ids": one["slot_ids"], "start": one["start"], "service_id": service["id"]}
        assert _book(vendor, **again, hold=True).status_code == 201, one
        break


def test_the_vendor_sees_the_buffers_of_a_booking_and_the_customer_does_not(vendor):
    service = vendor.service(duration_minutes=60, buffer_after_minutes=20)
    slot = vendor.slot(9, 17)
    booking = vendor.booked(slot_id=slot["id"], start=TEN, service_id=service["id"])
    path = f"/bookings/{booking['id']}"
    mine = vendor.get(path, booking["manage_token"]).json()
    assert not {name for name in (*booking, *mine) if "buffer" in name}
    theirs = vendor.get(path, vendor.key).json()
    assert (theirs["buffer_before_minutes"], theirs["buffer_after_minutes"]) == (0, 20)
    _change(vendor, service, buffer_after_minutes=0)
    (shown,) = vendor.get("/day?date=2040-01-02", vendor.key).json()["items"][0]["bookings"]
    assert shown == theirs


def test_the_list_of_slots_counts_buffers_and_who_does_a_service(vendor, therapist, room):
    (slot,) = vendor.slots((9, 10.5), provider_id=therapist)
    (other,) = vendor.slots((9, 17), provider_id=room)

    def statuses(**rules):
        service = vendor.service(duration_minutes=60, **rules)
        window = "from=2040-01-02T00:00:00Z&to=2040-01-03T00:00:00Z"
        items = vendor.get(f"/availability?{window}&service_id={service['id']}").json()["items"]
        found = {one["slot_id"]: one["status"] for one in items}
        return found[slot["id"]], found[other["id"]]

    assert statuses(buffer_before_minutes=10, buffer_after_minutes=20) == ("available", "available")
    assert statuses(buffer_before_minutes=10, buffer_after_minutes=21) == ("sold_out", "available")
    assert statuses(needs=[_need("therapist", therapist)]) == ("available", "sold_out")


def test_slots_named_by_provider_and_time_reach_as_far_as_the_buffers(vendor):
    service = vendor.service(duration_minutes=60, buffer_after_minutes=20)
    slots = vendor.slots((9, 10), (10, 11), (11, 12))
    booking = vendor.booked(
        provider_id=slots[0]["provider_id"], start=TEN, end=ELEVEN, service_id=service["id"]
    )
    assert booking["slot_ids"] == [slots[1]["id"], slots[2]["id"]]


@pytest.mark.parametrize(
    "rules, wanted, error",
    [
        (
            {"quantity_max": 2},
            {"quantity": 3},
            ("quantity", "This service is booked for 1 to 2 at once."),
        ),
        (
            {"quantity_min": 3},
            {"quantity": 2},
            ("quantity", "This service is booked for 3 or more at once."),
        ),
        (
            {"start_step_minutes": 40},
            {"start": TEN},
            (
                "start",
                (
                    "This service begins in steps of 40 minutes: at 2040-01-02 10:40 or 2040-01-02"
                    " 11:20 (Europe/Berlin)."
                ),
            ),
        ),
        (
            {"buffer_before_minutes": 30},
            {"start": "2040-01-02T09:15:00Z"},
            ("start", "The time asked for is not inside the time that is published."),
        ),
        (
            {},
            {"start": TEN, "end": "2040-01-02T10:45:00Z"},
            ("service_id", "This service takes 30 minutes: book exactly that long."),
        ),
    ],
)
def test_a_broken_rule_is_named_with_what_would_do(vendor, problem, rules, wanted, error):
    service = vendor.service(duration_minutes=30, **rules)
    slot = vendor.slot(9, 17, capacity=5)
    named = {"slot_id": slot["id"], "service_id": service["id"], "start": TEN, "quantity": 1}
    answer = _book(vendor, **named | wanted)
    errors = problem(answer, 400, "VALIDATION_ERROR")["errors"]
    assert errors == [dict(zip(("field", "message"), error, strict=True))]


def test_notice_and_window_bind_the_public_and_not_the_vendors_key(vendor, problem):
    far = vendor.service(duration_minutes=60, window_days=30)
    soon = vendor.service(duration_minutes=60, notice_minutes=525600)
    slot = vendor.slot(9, 17)
    answer = _book(vendor, slot_id=slot["id"], start=TEN, service_id=far["id"])
    (error,) = problem(answer, 400, "VALIDATION_ERROR")["errors"]
    assert error["field"] == "start"
    assert error["message"].startswith("This service is booked at most 30 days ahead: until 20")
    # To the minute, as the clocks at the place show it.
    assert re.search(r"until [-0-9]{10} \d\d:\d\d \(Europe/Berlin\)\.$", error["message"])
    assert _book(vendor, slot_id=slot["id"], start=NOON, service_id=soon["id"]).status_code == 201
    booked = _book(vendor, vendor.key, slot_id=slot["id"], start=TEN, service_id=far["id"])
    assert booked.status_code == 201


def test_a_joint_service_takes_all_its_providers_or_none(vendor, problem, therapist, room, joint):
    (mine,) = vendor.slots((9, 12), provider_id=therapist)
    (theirs,) = vendor.slots((9, 12), provider_id=room)
    alone = _book(vendor, slot_id=mine["id"], start=TEN, service_id=joint["id"])
    (error,) = problem(alone, 400, "VALIDATION_ERROR")["errors"]
    assert error == {
        "field": "provider_id",
        "message": "This service also needs a provider as room: name slots of exactly one of those"
        " in its `needs`, too; or leave out slots and `end`, and whoever is free is found.",
    }
    both = {"slot_ids": [theirs["id"], mine["id"]], "service_id": joint["id"], "start": NINE}
    booking = vendor.booked(**both)
    assert (booking["provider_id"], booking["slot_ids"]) == (therapist, [mine["id"], theirs["id"]])
    assert booking["provider_ids"] == [therapist, room]
    vendor.booked(slot_id=theirs["id"], start=ELEVEN, end=NOON)
    refused = problem(_book(vendor, **both | {"start": TEN}), 409, "BOOKING_CONFLICT")
    assert (refused["conflict"]["start"], refused["conflict"]["end"]) == (TEN, ELEVEN)
    stranger = vendor.slot(9, 12)
    other = _book(vendor, slot_id=stranger["id"], start=TEN, service_id=joint["id"])
    (error,) = problem(other, 400, "VALIDATION_ERROR")["errors"]
    assert "does not do this service" in error["message"]


def test_a_booking_confirmed_again_has_the_buffers_it_was_made_with(vendor, problem):
    service = vendor.service(duration_minutes=60, buffer_after_minutes=30)
    slot = vendor.slot(9, 17)
    booking = vendor.booked(slot_id=slot["id"], start=TEN, service_id=service["id"])
    path = f"/bookings/{booking['id']}"
    assert vendor.post(f"{path}/cancel", auth=vendor.key).status_code == 200
    assert _change(vendor, service, buffer_after_minutes=0).status_code == 200
    after = vendor.booked(slot_id=slot["id"], start=ELEVEN, service_id=service["id"])
    problem(vendor.post(f"{path}/confirm", auth=vendor.key), 409, "BOOKING_CONFLICT")
    vendor.post(f"/bookings/{after['id']}/cancel", auth=vendor.key)
    assert vendor.post(f"{path}/confirm", auth=vendor.key).status_code == 200
    meets = _book(vendor, slot_id=slot["id"], start=ELEVEN, service_id=service["id"])
    problem(meets, 409, "BOOKING_CONFLICT")
