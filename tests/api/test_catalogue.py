"""Vendors, locations, providers and services over HTTP."""

from __future__ import annotations

import uuid

import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
KINDS = {
    "locations": ("LOCATION", {"name": "Here", "time_zone": "Europe/Berlin"}),
    "services": ("SERVICE", {"name": "Haircut", "duration_minutes": 45}),
    "providers": ("PROVIDER", {"name": "Alex"}),
}
kinds = pytest.mark.parametrize("kind", sorted(KINDS))


def _values(vendor, kind: str) -> dict:
    values = dict(KINDS[kind][1])
    if kind == "providers":
        values["location_id"] = vendor.location()["id"]
    return values


def test_a_vendor_is_public_and_its_version_is_its_etag(vendor):
    answer = vendor.get("")
    assert answer.status_code == 200
    assert answer.json()["slug"] == vendor.slug
    assert answer.headers["ETag"] == '"1"'
    assert vendor.get("", if_none_match='"1"').status_code == 304


def test_a_vendor_changes_its_name_with_a_key_only(vendor, problem):
    patch = {"name": "New name", "time_zone": "Europe/Paris"}
    problem(vendor.call("PATCH", "", patch), 401, "UNAUTHENTICATED")
    answer = vendor.call("PATCH", "", patch, vendor.key, if_match='"1"')
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == "New name"
    assert answer.headers["ETag"] == '"2"'
    problem(vendor.call("PATCH", "", patch, vendor.key, if_match='"1"'), 412, "PRECONDITION_FAILED")


def test_an_unknown_vendor_is_not_found(client, problem):
    problem(client.get("/api/v1/vendors/nobody"), 404, "VENDOR_NOT_FOUND")
    problem(client.get("/api/v1/vendors/NOBODY%00/services"), 404, "VENDOR_NOT_FOUND")


@kinds
def test_a_new_row_answers_201_with_its_location_and_etag(vendor, kind):
    values = _values(vendor, kind)
    answer = vendor.post(f"/{kind}", values, vendor.key)
    assert answer.status_code == 201, answer.text
    row = answer.json()
    assert values.items() <= row.items()
    assert answer.headers["ETag"] == '"1"'
    found = vendor.client.get(answer.headers["Location"])
    assert found.json() == row


@kinds
def test_writing_the_catalogue_needs_a_key(vendor, problem, kind):
    problem(vendor.post(f"/{kind}", _values(vendor, kind)), 401, "UNAUTHENTICATED")
    path = f"/{kind}/{uuid.uuid4()}"
    problem(vendor.call("PATCH", path, {"name": "X"}), 401, "UNAUTHENTICATED")
    problem(vendor.call("DELETE", path), 401, "UNAUTHENTICATED")


@kinds
def test_a_merge_patch_changes_what_it_names_and_nothing_else(vendor, kind):
    row = vendor.made(f"/{kind}", _values(vendor, kind))
    path = f"/{kind}/{row['id']}"
    answer = vendor.call("PATCH", path, {"name": "Other"}, vendor.key)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["name"], changed["version"]) == ("Other", 2)
    same = ("name", "version", "updated_at")
    assert {k: v for k, v in changed.items() if k not in same} == {
        k: v for k, v in row.items() if k not in same
    }
    again = vendor.call("PATCH", path, {"name": "Other"}, vendor.key)
    assert again.json()["version"] == 2, "what changes nothing makes no version"


@kinds
def test_a_stale_etag_is_refused_and_nothing_changes(vendor, problem, kind):
    row = vendor.made(f"/{kind}", _values(vendor, kind))
    path = f"/{kind}/{row['id']}"
    vendor.call("PATCH", path, {"name": "Second"}, vendor.key)
    stale = vendor.call("PATCH", path, {"name": "Third"}, vendor.key, if_match='"1"')
    assert problem(stale, 412, "PRECONDITION_FAILED")["conflict"] == {"version": 2}
    weak = vendor.call("PATCH", path, {"name": "Third"}, vendor.key, if_match='W/"2"')
    problem(weak, 412, "PRECONDITION_FAILED")
    deleted = vendor.call("DELETE", path, auth=vendor.key, if_match='"1"')
    problem(deleted, 412, "PRECONDITION_FAILED")
    nonsense = vendor.call("PATCH", path, {"name": "Third"}, vendor.key, if_match="2")
    problem(nonsense, 400, "VALIDATION_ERROR")
    assert vendor.get(path).json()["name"] == "Second"


@kinds
def test_an_archived_row_is_gone_for_the_public_and_archiving_again_is_done(vendor, problem, kind):
    code = f"{KINDS[kind][0]}_NOT_FOUND"
    row = vendor.made(f"/{kind}", _values(vendor, kind))
    path = f"/{kind}/{row['id']}"
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    problem(vendor.get(path), 404, code)
    assert row["id"] not in [one["id"] for one in vendor.get(f"/{kind}").json()["items"]]
    assert vendor.get(path, vendor.key).json()["archived_at"] is not None
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    problem(vendor.call("PATCH", path, {"name": "X"}, vendor.key), 404, code)


@kinds
def test_another_vendors_rows_are_not_found(vendor, new_vendor, problem, kind):
    other = new_vendor()
    row = other.made(f"/{kind}", _values(other, kind))
    code = f"{KINDS[kind][0]}_NOT_FOUND"
    path = f"/{kind}/{row['id']}"
    problem(vendor.get(path), 404, code)
    problem(vendor.call("PATCH", path, {"name": "Mine"}, vendor.key), 404, code)
    problem(vendor.call("DELETE", path, auth=vendor.key), 404, code)


@kinds
def test_repeating_a_post_with_its_key_makes_one_row(vendor, problem, kind):
    values, key = _values(vendor, kind), uuid.uuid4().hex
    first = vendor.post(f"/{kind}", values, vendor.key, idempotency_key=key)
    again = vendor.post(f"/{kind}", values, vendor.key, idempotency_key=f'"{key}"')
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.json() == first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    other = vendor.post(f"/{kind}", {**values, "name": "X"}, vendor.key, idempotency_key=key)
    problem(other, 409, "IDEMPOTENCY_CONFLICT")


def test_lists_come_in_pages_without_gaps_or_repetitions(vendor):
    made = [vendor.location(name=f"Place {number}")["id"] for number in range(5)]
    seen, cursor = [], None
    while True:
        after = f"&cursor={cursor}" if cursor else ""
        page = vendor.get(f"/locations?limit=2{after}").json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 2
    assert seen == made


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "cursor=!!", "cursor=e30"])
def test_a_bad_page_is_refused_by_name(vendor, problem, query):
    errors = problem(vendor.get(f"/services?{query}"), 400, "VALIDATION_ERROR")["errors"]
    assert errors[0]["field"] == query.split("=")[0]


@pytest.mark.parametrize(
    "values, field",
    [
        ({"time_zone": "Europe/Berlin"}, "name"),
        ({"name": "", "time_zone": "Europe/Berlin"}, "name"),
        ({"name": "x" * 201, "time_zone": "Europe/Berlin"}, "name"),
        ({"name": 5, "time_zone": "Europe/Berlin"}, "name"),
        ({"name": "Here", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"name": "Here", "time_zone": "Europe/Berlin", "adress": "Typo 1"}, "adress"),
        ({"name": "Here", "time_zone": "Europe/Berlin", "version": 7}, "version"),
    ],
)
def test_a_malformed_location_is_refused_by_field(vendor, problem, values, field):
    answer = vendor.post("/locations", values, vendor.key)
    assert problem(answer, 400, "VALIDATION_ERROR")["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "values, field",
    [
        ({"duration_minutes": 0}, "duration_minutes"),
        ({"duration_minutes": "45"}, "duration_minutes"),
        ({"duration_minutes": True}, "duration_minutes"),
        ({"price": {"amount": 1.5, "currency": "EUR"}}, "price.amount"),
        ({"price": {"amount": -1, "currency": "EUR"}}, "price.amount"),
        ({"price": {"amount": 1, "currency": "eur"}}, "price.currency"),
        ({"price": {"amount": 1}}, "price.currency"),
        ({"price": 12}, "price"),
    ],
)
def test_a_malformed_service_is_refused_by_field(vendor, problem, values, field):
    answer = vendor.post("/services", {"name": "Haircut", **values}, vendor.key)
    assert problem(answer, 400, "VALIDATION_ERROR")["errors"][0]["field"] == field


def test_a_location_without_a_time_zone_has_the_vendors(vendor, problem):
    vendor.call("PATCH", "", {"time_zone": "Pacific/Auckland"}, vendor.key)
    made = vendor.post("/locations", {"name": "Here"}, vendor.key)
    assert made.status_code == 201, made.text
    assert made.json()["time_zone"] == "Pacific/Auckland"
    # It is the location's own from then on.
    vendor.call("PATCH", "", {"time_zone": "Europe/Paris"}, vendor.key)
    path = f"/locations/{made.json()['id']}"
    assert vendor.get(path).json()["time_zone"] == "Pacific/Auckland"
    renamed = vendor.call("PATCH", path, {"name": "There"}, vendor.key)
    assert renamed.json()["time_zone"] == "Pacific/Auckland"
    nothing = vendor.post("/locations", {"name": "Here", "time_zone": None}, vendor.key)
    assert problem(nothing, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "time_zone"


def test_null_in_a_merge_patch_removes_price_and_duration(vendor):
    service = vendor.service(duration_minutes=30, price={"amount": 4500, "currency": "EUR"})
    patch = {"price": None, "duration_minutes": None}
    changed = vendor.call("PATCH", f"/services/{service['id']}", patch, vendor.key).json()
    assert (changed["price"], changed["duration_minutes"]) == (None, None)


def test_half_a_price_in_a_merge_patch_changes_that_half(vendor, problem):
    service = vendor.service(price={"amount": 4500, "currency": "EUR"})
    path = f"/services/{service['id']}"
    changed = vendor.call("PATCH", path, {"price": {"amount": 5000}}, vendor.key)
    assert changed.json()["price"] == {"amount": 5000, "currency": "EUR"}
    free = f"/services/{vendor.service()['id']}"
    refused = vendor.call("PATCH", free, {"price": {"amount": 5000}}, vendor.key)
    errors = problem(refused, 400, "VALIDATION_ERROR")["errors"]
    assert errors[0]["field"] == "price.currency"
    slot = vendor.slot(price={"amount": 100, "currency": "EUR"})
    path = f"/slots/{slot['id']}"
    changed = vendor.call("PATCH", path, {"price": {"currency": "CHF"}}, vendor.key)
    assert changed.json()["price"] == {"amount": 100, "currency": "CHF"}


def test_a_provider_needs_a_location_of_its_vendor_that_is_not_archived(
    vendor, new_vendor, problem
):
    foreign = new_vendor().location()
    values = {"name": "Alex", "location_id": foreign["id"]}
    problem(vendor.post("/providers", values, vendor.key), 404, "LOCATION_NOT_FOUND")
    archived = vendor.location()
    vendor.call("DELETE", f"/locations/{archived['id']}", auth=vendor.key)
    values = {"name": "Alex", "location_id": archived["id"]}
    problem(vendor.post("/providers", values, vendor.key), 404, "LOCATION_NOT_FOUND")


def test_providers_are_listed_by_location(vendor):
    here = vendor.provider()
    vendor.provider()
    listed = vendor.get(f"/providers?location_id={here['location_id']}").json()["items"]
    assert [one["id"] for one in listed] == [here["id"]]


def test_what_bookings_to_come_need_cannot_be_archived(vendor, problem):
    service = vendor.service(duration_minutes=60)
    slot = vendor.slot()
    booking = vendor.booked(slot_id=slot["id"], service_id=service["id"])
    paths = {
        "PROVIDER_IN_USE": f"/providers/{slot['provider_id']}",
        "LOCATION_IN_USE": f"/locations/{slot['location_id']}",
        "SERVICE_IN_USE": f"/services/{service['id']}",
    }
    for code, path in paths.items():
        refused = problem(vendor.call("DELETE", path, auth=vendor.key), 409, code)
        first = "the first at 2040-01-02 10:00 (Europe/Berlin)."
        assert refused["detail"] == f"1 booking to come, {first}"
        assert refused["conflict"]["bookings"] == [
            {
                "booking_id": booking["id"],
                "start": slot["start"],
                "end": slot["end"],
                "time_zone": "Europe/Berlin",
                "quantity": 1,
            }
        ]
    vendor.post(f"/bookings/{booking['id']}/cancel", auth=vendor.key)
    for path in paths.values():
        assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
