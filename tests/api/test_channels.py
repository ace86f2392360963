"""Sales channels: a booking through one lands where it leads, whatever the way of booking."""

from __future__ import annotations

import uuid

import pytest

from tests.api.conftest import ADA, at

SPAN = {"start": at(9), "end": at(10)}


@pytest.fixture
def salon(vendor):
    """A vendor with a provider at each of two places; the website books at the second alone."""
    vendor.here, vendor.there = vendor.location()["id"], vendor.location()["id"]
    vendor.alex = vendor.provider(location_id=vendor.here)["id"]
    vendor.blake = vendor.provider(location_id=vendor.there)["id"]
    (vendor.here_slot,) = vendor.slots((9, 12), provider_id=vendor.alex, capacity=9)
    (vendor.there_slot,) = vendor.slots((9, 12), provider_id=vendor.blake, capacity=9)
    vendor.hour = vendor.service(duration_minutes=60)["id"]
    vendor.map = lambda **channels: vendor.call("PATCH", "", {"channels": channels}, vendor.key)
    return vendor


def book(salon, auth=None, **wanted):
    return salon.post("/bookings", {"customer": ADA, **wanted}, auth)


def ways(salon):
    """Every way to name a time at the first place."""
    return [
        {"slot_id": salon.here_slot["id"]},
        {"slot_id": salon.here_slot["id"], **SPAN},
        {"slot_ids": [salon.here_slot["id"]]},
        {"provider_id": salon.alex, **SPAN},
        {"slot_id": salon.here_slot["id"], "service_id": salon.hour, "start": at(9)},
        {"provider_id": salon.alex, "service_id": salon.hour, **SPAN},
    ]


def test_a_vendor_maps_channels_to_locations_and_takes_them_away(salon, problem):
    assert salon.get("").json()["channels"] == {}
    made = salon.map(web=[salon.there, salon.here], partner=[salon.here])
    assert made.json()["channels"] == {
        "web": [salon.there, salon.here], "partner": [salon.here],
    }  # fmt: skip
    assert made.json()["version"] == 2
    assert salon.map(web=None).json()["channels"] == {"partner": [salon.here]}
    assert salon.map(partner=[salon.here]).json()["version"] == 3
    problem(salon.map(web=[str(uuid.uuid4())]), 404, "LOCATION_NOT_FOUND")
    problem(salon.map(web=["x"]), 400, "VALIDATION_ERROR")
    problem(salon.map(web="x"), 400, "VALIDATION_ERROR")


def test_no_way_of_booking_leads_outside_a_channels_map(salon, problem):
    salon.map(web=[salon.there], partner=[salon.there])
    for wanted in ways(salon):
        for named in ({}, {"channel": "web"}, {"channel": "partner"}):
            refused = problem(book(salon, **wanted, **named), 400, "VALIDATION_ERROR")
            assert refused["errors"][0]["field"] == "channel", wanted
        refused = problem(book(salon, salon.key, **wanted, channel="web"), 400, "VALIDATION_ERROR")
        assert refused["errors"][0]["field"] == "channel"
    assert salon.get("/bookings?from=2040-01-01T00:00:00Z", salon.key).json()["items"] == []


def test_every_way_of_booking_works_inside_it(salon):
    salon.map(web=[salon.here])
    for wanted in ways(salon):
        answer = book(salon, **wanted)
        assert answer.status_code == 201, answer.text


def test_a_key_books_anywhere_unless_it_names_a_channel(salon):
    salon.map(web=[salon.there])
    for named in ({}, {"channel": "telephone"}):
        answer = book(salon, salon.key, slot_id=salon.here_slot["id"], **SPAN, **named)
        assert answer.status_code == 201, answer.text


def test_the_public_names_only_channels_that_there_are(salon, problem):
    there = {"slot_id": salon.there_slot["id"], **SPAN}
    assert book(salon, **there, channel="made up").status_code == 201
    salon.map(partner=[salon.there])
    day = f"from={at(0)}&to={at(24)}"
    for refused in (
        book(salon, **there, channel="made up"),
        book(salon, service_id=salon.hour, start=at(9), channel="made up"),
        salon.get(f"/availability?{day}&channel=nonsense"),
        salon.get(f"/services/{salon.hour}/times?{day}&channel=nonsense"),
    ):
        body = problem(refused, 400, "VALIDATION_ERROR")
        assert body["errors"][0]["field"] == "channel"
    # Without an entry of its own, web leads everywhere.
    for channel in ({}, {"channel": "web"}):
        assert book(salon, slot_id=salon.here_slot["id"], **SPAN, **channel).status_code == 201


def test_by_service_and_start_a_channel_ranks_its_places(salon, problem):
    salon.map(web=[salon.there, salon.here], partner=[salon.here])
    wanted = {"service_id": salon.hour, "start": at(9)}
    assert book(salon, **wanted).json()["location_id"] == salon.there
    assert book(salon, **wanted, channel="partner").json()["location_id"] == salon.here
    assert book(salon, **wanted, location_ids=[salon.here]).json()["location_id"] == salon.here
    outside = {**wanted, "location_ids": [salon.there], "channel": "partner"}
    refused = problem(book(salon, **outside), 404, "SLOT_NOT_FOUND")
    assert {one["location_id"] for one in refused["alternatives"]} == {salon.here}


def test_lists_show_what_the_channel_leads_to(salon):
    salon.map(web=[salon.there], partner=[salon.there, salon.here])
    day = f"from={at(0)}&to={at(24)}"

    def places(query, auth=None):
        slots = salon.get(f"/availability?{day}{query}", auth).json()["items"]
        times = salon.get(f"/services/{salon.hour}/times?{day}{query}", auth).json()["items"]
        first = [option["location_id"] for option in times[0]["options"]]
        assert sorted(first) == sorted(slot["location_id"] for slot in slots)
        return first

    assert places("") == places("&channel=web") == [salon.there]
    assert places("&channel=partner") == [salon.there, salon.here]
    assert sorted(places("", salon.key)) == sorted([salon.here, salon.there])
    assert places("&channel=web", salon.key) == [salon.there]
    assert salon.map(web=[]).status_code == 200
    assert salon.get(f"/availability?{day}").json()["items"] == []


def test_alternatives_lead_nowhere_else_either(salon, problem):
    salon.map(web=[salon.there])
    full = {"slot_id": salon.there_slot["id"], **SPAN, "quantity": 9}
    assert book(salon, **full).status_code == 201
    refused = problem(book(salon, **{**full, "quantity": 1}), 409, "BOOKING_CONFLICT")
    assert refused["alternatives"]
    assert {one["location_id"] for one in refused["alternatives"]} == {salon.there}


def test_a_customer_who_confirms_again_does_so_where_the_channel_leads_now(salon, problem):
    booking = book(salon, slot_id=salon.here_slot["id"], **SPAN).json()
    path, token = f"/bookings/{booking['id']}", booking["manage_token"]
    assert salon.post(f"{path}/cancel", auth=token).status_code == 200
    salon.map(web=[salon.there])
    problem(salon.post(f"{path}/confirm", auth=token), 400, "VALIDATION_ERROR")
    assert salon.post(f"{path}/confirm", auth=salon.key).status_code == 200


def test_a_booking_is_not_said_to_have_come_through_a_channel_that_leads_elsewhere(salon, problem):
    salon.map(web=[salon.here], partner=[salon.there])
    booking = book(salon, slot_id=salon.here_slot["id"], **SPAN).json()
    path, token = f"/bookings/{booking['id']}", booking["manage_token"]
    for named, caller in (
        ("partner", token),
        ("partner", salon.key),
        ("made up", token),
    ):
        answer = salon.call("PATCH", path, {"channel": named}, caller)
        assert problem(answer, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "channel"
    for named, caller in (("web", token), (None, token), ("telephone", salon.key)):
        answer = salon.call("PATCH", path, {"channel": named}, caller)
        assert (answer.status_code, answer.json()["channel"]) == (200, named)
    salon.map(web=[salon.there])
    # What has been true stays: the map binds what is said from now on.
    kept = salon.call("PATCH", path, {"channel": "telephone", "guests": 2}, token)
    assert (kept.status_code, kept.json()["guests"]) == (200, 2)
    refused = salon.call("PATCH", path, {"channel": None}, token)
    assert problem(refused, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "channel"
