"""POST …/bookings by service_id and start: whoever is free."""

from __future__ import annotations

import pytest

from tests.api.conftest import ADA, at


@pytest.fixture
def salon(vendor):
    """A vendor with an hour's service, and two providers at two places from nine to one."""
    vendor.here, vendor.there = vendor.location()["id"], vendor.location()["id"]
    vendor.alex = vendor.provider(location_id=vendor.here)["id"]
    vendor.blake = vendor.provider(location_id=vendor.there)["id"]
    for one in (vendor.alex, vendor.blake):
        vendor.slots((9, 13), provider_id=one)
    vendor.hour = vendor.service(duration_minutes=60, price={"amount": 4500, "currency": "EUR"})
    return vendor


def book(salon, auth=None, headers=None, **wanted):
    wanted = {"service_id": salon.hour["id"], "customer": ADA, **wanted}
    return salon.post("/bookings", wanted, auth, **(headers or {}))


def test_whoever_is_free_does_it_until_nobody_is(salon, problem):
    made = [book(salon, start=at(10)).json() for _ in range(2)]
    assert {one["provider_id"] for one in made} == {salon.alex, salon.blake}
    assert {(one["start"], one["end"]) for one in made} == {(at(10), at(11))}
    assert {one["price"]["amount"] for one in made} == {4500}
    refused = problem(book(salon, start=at(10)), 409, "BOOKING_CONFLICT")
    assert refused["conflict"]["available"] == 0
    kinds = {one["kind"] for one in refused["alternatives"]}
    assert (len(refused["alternatives"]), kinds) == (3, {"other_time"})
    best = refused["alternatives"][0]
    again = book(salon, start=best["start"], provider_id=best["provider_id"])
    assert (again.status_code, again.json()["provider_id"]) == (201, best["provider_id"])


def test_everything_that_was_found_can_be_booked(salon):
    day = f"/services/{salon.hour['id']}/times?from={at(0)}&to={at(24)}&limit=1"
    booked = 0
    while found := salon.get(day).json()["items"]:
        (item,) = found
        booking = book(salon, start=item["start"]).json()
        option = item["options"][0]
        assert (booking["provider_id"], booking["location_id"], booking["price"]) == (
            option["provider_id"], option["location_id"], option["price"],
        )  # fmt: skip
        booked += 1
    assert booked == 8


def test_of_whole_slots_that_begin_together_the_end_says_which(salon, problem):
    for hours, provider in (((14, 15), salon.alex), ((14, 17), salon.blake)):
        salon.slots(hours, provider_id=provider)
    visit = salon.service(duration_minutes=None, price={"amount": 900, "currency": "EUR"})["id"]
    wanted = {"service_id": visit, "start": at(14)}
    shown = salon.get(f"/services/{visit}/times?from={at(14)}&to={at(15)}").json()["items"]
    assert [item["end"] for item in shown] == [at(15), at(17)]
    for item in reversed(shown):
        made = book(salon, **{**wanted, "start": item["start"], "end": item["end"]}).json()
        (option,) = item["options"]
        assert made["end"] == item["end"]
        assert {name: made[name] for name in ("provider_id", "location_id", "price")} == {
            name: option[name] for name in ("provider_id", "location_id", "price")
        }
    problem(book(salon, **wanted, end=at(17)), 409, "BOOKING_CONFLICT")
    refused = problem(book(salon, **wanted, end=at(16)), 400, "VALIDATION_ERROR")
    (error,) = refused["errors"]
    assert error["field"] == "end"
    assert "one whole slot, such as" in error["message"]


def test_the_end_of_what_has_a_duration_may_be_sent_and_belongs_to_the_request(salon, problem):
    header = {"idempotency_key": "with-its-end-this-time"}
    wanted = {"start": at(10), "headers": header}
    made = book(salon, **wanted, end=at(11))
    assert (made.status_code, made.json()["end"]) == (201, at(11))
    assert book(salon, **wanted, end=at(11)).json()["id"] == made.json()["id"]
    problem(book(salon, **wanted), 409, "IDEMPOTENCY_CONFLICT")
    refused = problem(book(salon, start=at(10), end=at(12)), 400, "VALIDATION_ERROR")
    assert refused["detail"].startswith("end: This service takes 60 minutes")


def test_the_places_come_in_the_order_wished(salon, problem):
    wished = {"start": at(10), "location_ids": [salon.there, salon.here]}
    assert [book(salon, **wished).json()["location_id"] for _ in range(2)] == [
        salon.there, salon.here,
    ]  # fmt: skip
    one = {"start": at(11), "location_id": salon.there}
    assert book(salon, **one).json()["location_id"] == salon.there
    problem(book(salon, **one), 409, "BOOKING_CONFLICT")


def test_a_time_that_nobody_has_published_is_not_found(salon, problem):
    refused = problem(book(salon, start=at(7)), 404, "SLOT_NOT_FOUND")
    assert refused["detail"].endswith("nobody has published this time.")
    assert "GET …/times" in refused["hint"]
    assert refused["alternatives"][0]["start"] == at(9)


def test_the_public_keeps_to_the_grid_and_a_key_need_not(salon, problem):
    refused = problem(book(salon, start=at(9.1)), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"] == "start"
    assert book(salon, salon.key, start=at(9.1)).status_code == 201


def test_sent_again_with_its_key_it_is_one_booking(salon):
    header = {"idempotency_key": "the-same-request-twice"}
    first, again = (book(salon, start=at(10), headers=header) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["manage_token"] == first.json()["manage_token"]


def test_hidden_numbers_stay_hidden_in_what_else_is_named(salon):
    salon.call("PATCH", "", {"availability_numbers": "hidden"}, salon.key)
    for start in (at(7), at(10), at(10), at(10)):
        answer = book(salon, start=start)
        for one in answer.json().get("alternatives", []):
            assert one["available"] is None
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "wanted, field",
    [
        ({"start": "9"}, "start"),
        ({"end": at(10.25)}, "end"),
        ({"location_ids": []}, "location_ids"),
        ({"end": at(10), "provider_id": None}, "provider_id"),
        ({"location_ids": ["{here}"], "location_id": "{here}"}, "location_ids"),
        ({"location_ids": ["{here}"], "end": at(10), "provider_id": "{alex}"}, "location_ids"),
    ],
)
def test_what_names_the_time_in_no_one_way_is_refused(salon, problem, wanted, field):
    names = {"{here}": salon.here, "{alex}": salon.alex}
    sent = {
        name: [names.get(one, one) for one in value]
        if isinstance(value, list)
        else names.get(value, value)
        for name, value in wanted.items()
    }
    refused = problem(book(salon, **{"start": at(9), **sent}), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"] == field
