"""GET …/services/{service_id}/times: when a service can be booked."""

from __future__ import annotations

import pytest

from tests.api.conftest import at


@pytest.fixture
def salon(vendor):
    """A vendor with an hour's service and a provider who is there from nine to one."""
    vendor.place = vendor.location()
    vendor.alex = vendor.provider(location_id=vendor.place["id"])["id"]
    vendor.slots((9, 13), provider_id=vendor.alex, capacity=8)
    vendor.hour = vendor.service(duration_minutes=60, price={"amount": 4500, "currency": "EUR"})
    vendor.times = f"/services/{vendor.hour['id']}/times"
    vendor.day = f"{vendor.times}?from={at(0)}&to={at(24)}"
    return vendor


def starts(answer):
    assert answer.status_code == 200, answer.text
    return [item["start"] for item in answer.json()["items"]]


def test_everybody_sees_when_a_service_can_be_booked(salon):
    answer = salon.get(f"{salon.day}&quantity=2")
    first, *others = answer.json()["items"]
    assert first == {
        "start": at(9),
        "end": at(10),
        "options": [
            {
                "provider_id": salon.alex,
                "provider_ids": [salon.alex],
                "location_id": salon.place["id"],
                "time_zone": "Europe/Berlin",
                "available": 8,
                "price": {"amount": 9000, "currency": "EUR"},
            }
        ],
    }
    assert others[-1]["start"] == at(12)
    assert salon.get(f"{salon.day}&quantity=2", salon.key).json() == answer.json()


def test_the_list_comes_in_pages(salon):
    every = starts(salon.get(salon.day))
    found, cursor = [], ""
    while cursor is not None:
        page = salon.get(f"{salon.day}&limit=5{cursor and f'&cursor={cursor}'}")
        found += starts(page)
        cursor = page.json()["next_cursor"]
    assert found == every
    assert len(every) == 13


def test_locations_are_asked_for_in_the_order_wished(salon):
    there = salon.location()["id"]
    salon.slots((9, 10), provider_id=salon.provider(location_id=there)["id"])
    both = f"{salon.day}&location_id={there}&location_id={salon.place['id']}"
    first = salon.get(both).json()["items"][0]
    assert [one["location_id"] for one in first["options"]] == [there, salon.place["id"]]
    assert starts(salon.get(f"{salon.day}&location_id={there}")) == [at(9)]
    assert starts(salon.get(f"{salon.day}&provider_id={salon.alex}"))[-1] == at(12)


@pytest.mark.parametrize("numbers, shown, asked_max", [("few_left", None, 10), ("hidden", None, 1)])
def test_numbers_are_told_as_the_vendor_says(salon, problem, numbers, shown, asked_max):
    salon.call("PATCH", "", {"availability_numbers": numbers}, salon.key)
    (option,) = salon.get(salon.day).json()["items"][0]["options"]
    assert option["available"] == shown
    assert starts(salon.get(f"{salon.day}&quantity={min(asked_max, 8)}"))
    problem(salon.get(f"{salon.day}&quantity={asked_max + 1}"), 400, "VALIDATION_ERROR")
    # Who says how many one customer may book wants to be asked for as many.
    hour = f"/services/{salon.hour['id']}"
    salon.call("PATCH", hour, {"quantity_max": 12}, salon.key)
    slots = f"/availability?{salon.day.partition('?')[2]}&quantity=12"
    for asked in (f"{salon.day}&quantity=12", f"{slots}&service_id={salon.hour['id']}"):
        assert salon.get(asked).status_code == 200
        problem(salon.get(asked.replace("=12", "=13")), 400, "VALIDATION_ERROR")
    problem(salon.get(slots), 400, "VALIDATION_ERROR")
    (option,) = salon.get(salon.day, salon.key).json()["items"][0]["options"]
    assert option["available"] == 8


@pytest.mark.parametrize(
    "query, status, code",
    [
        ("", 400, "VALIDATION_ERROR"),
        (f"?from={at(9)}&to={at(9)}", 400, "INVALID_DATE_RANGE"),
        (f"?from={at(9)}&to={at(24 * 93)}", 400, "INVALID_DATE_RANGE"),
        (f"?from={at(9)}&to={at(10)}&location_id=x", 400, "VALIDATION_ERROR"),
        (f"?from={at(9)}&to={at(10)}&quantity=0", 400, "VALIDATION_ERROR"),
    ],
)
def test_what_cannot_be_searched_is_refused(salon, problem, query, status, code):
    problem(salon.get(salon.times + query), status, code)


def test_a_location_that_is_none_of_the_vendors_is_named_as_such(salon, new_vendor, problem):
    elsewhere = new_vendor().location()["id"]
    here = salon.get(f"/providers/{salon.alex}").json()["location_id"]
    wanted = {"service_id": salon.hour["id"], "start": at(9), "customer": {"name": "Ada"}}
    # Also where another one would do.
    answers = [
        salon.get(f"{salon.day}&location_id={elsewhere}&location_id={here}"),
        salon.get(f"/availability?from={at(9)}&to={at(17)}&location_id={elsewhere}"),
        salon.post("/bookings", {**wanted, "location_ids": [here, elsewhere]}, salon.key),
        salon.post("/bookings", {**wanted, "location_id": elsewhere}, salon.key),
    ]
    for answer in answers:
        refused = problem(answer, 404, "LOCATION_NOT_FOUND")
        assert refused["detail"] == f"There is no location {elsewhere}."


def test_a_provider_who_does_not_do_the_service_is_told_from_one_without_time(salon, problem):
    salon.call(
        "PATCH",
        f"/services/{salon.hour['id']}",
        {"needs": [{"role": "stylist", "providers": [{"provider_id": salon.alex}]}]},
        salon.key,
    )
    later = f"{salon.times}?from={at(20)}&to={at(24)}"
    assert starts(salon.get(f"{later}&provider_id={salon.alex}")) == []
    stranger = salon.provider()["id"]
    refused = problem(salon.get(f"{later}&provider_id={stranger}"), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"] == "provider_id"


def test_a_service_that_is_not_there_has_no_times(salon, new_vendor, problem):
    other = new_vendor()
    problem(other.get(f"{salon.day}"), 404, "SERVICE_NOT_FOUND")
    assert salon.call("DELETE", f"/services/{salon.hour['id']}", auth=salon.key).status_code == 204
    problem(salon.get(salon.day), 404, "SERVICE_NOT_FOUND")
