"""The customers' book: found, changed, banned, erased; never by somebody who only books."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


def _find(vendor, query: str) -> list[str | None]:
    answer = vendor.get(f"/customers?{query}", vendor.key)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


def _patch(vendor, customer, values, **headers):
    return vendor.call("PATCH", f"/customers/{customer['id']}", values, vendor.key, **headers)


@pytest.fixture
def book(vendor):
    """A vendor with five customers of different kinds."""
    for customer in (
        {"name": "Ada Lovelace", "email": "Ada@Example.org", "phone": "+44 20 7946-0001"},
        {"name": "Zoë Ångström", "email": "zoe@example.org"},
        {"name": "100% Real_Name", "phone": "0049 (170) 555-12"},
        {"name": "Adalbert Krüger", "email": "bert@lovelace.example"},
        {"email": "nameless@example.org"},
    ):
        vendor.made("/customers", customer)
    return vendor


@pytest.mark.parametrize(
    "query, names",
    [
        ("name=lovel", ["Ada Lovelace"]),
        ("name=ADA", ["Ada Lovelace", "Adalbert Krüger"]),
        ("name=%C3%85NGSTR", ["Zoë Ångström"]),
        ("name=a l", ["Ada Lovelace"]),
        ("name=0%25", ["100% Real_Name"]),
        ("name=l_n", ["100% Real_Name"]),
        ("name=%25", ["100% Real_Name"]),
        ("name=%5C", []),
        ("name=nobody", []),
        ("email=ada@EXAMPLE.org", ["Ada Lovelace"]),
        ("email=nameless", [None]),
        ("email=lovelace", []),
        ("phone=%2B44 (20) 79460001", ["Ada Lovelace"]),
        ("phone=004420", ["Ada Lovelace"]),
        ("phone=%2B4917055512", ["100% Real_Name"]),
        ("phone=17055512", []),
        ("q=ada", ["Ada Lovelace", "Adalbert Krüger"]),
        ("q=BERT@", ["Adalbert Krüger"]),
        ("q=49 170", ["100% Real_Name"]),
        ("q=100", ["100% Real_Name"]),
        ("name=ada&email=bert", ["Adalbert Krüger"]),
        ("banned=true", []),
    ],
)
def test_customers_are_found_by_name_mail_and_number(book, query, names):
    assert _find(book, query) == names


@pytest.mark.parametrize("query", ["phone=abc", "name=", "q=", "banned=perhaps", "nme=x"])
def test_a_search_that_makes_no_sense_is_refused_by_name(vendor, problem, query):
    errors = problem(vendor.get(f"/customers?{query}", vendor.key), 400, "VALIDATION_ERROR")
    assert errors["errors"][0]["field"] == query.split("=")[0]


def test_pages_neither_skip_nor_repeat_while_customers_are_added(vendor):
    made = [vendor.made("/customers", {"name": f"Customer {n}"})["id"] for n in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        after = f"&cursor={cursor}" if cursor else ""
        page = vendor.get(f"/customers?limit=2&name=customer{after}", vendor.key).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if len(made) < 7:
            made.append(vendor.made("/customers", {"name": f"Customer {len(made)}"})["id"])
    assert seen == made


def test_a_customer_is_shown_with_how_many_bookings_they_have(vendor):
    slots = vendor.slots((9, 10), (10, 11), (11, 12))
    bookings = [vendor.booked(slot_id=slot["id"]) for slot in slots]
    vendor.post(f"/bookings/{bookings[0]['id']}/cancel", auth=vendor.key)
    customer = bookings[0]["customer"]
    path = f"/customers/{customer['id']}"
    answer = vendor.get(path, vendor.key)
    shown = answer.json()
    assert {name: shown[name] for name in ("name", "email", "phone", "note", "banned")} == {
        **ADA,
        "phone": None,
        "note": None,
        "banned": False,
    }
    assert shown["bookings"] == {
        "total": 3,
        "open": 2,
        "completed": 0,
        "no_show": 0,
        "cancelled": 1,
        "next_start": slots[1]["start"],
        "next_time_zone": "Europe/Berlin",
        "last_start": None,
        "last_time_zone": None,
    }
    vendor.post(f"/bookings/{bookings[1]['id']}/cancel", auth=vendor.key)
    again = vendor.get(path, vendor.key, if_none_match=answer.headers["ETag"])
    assert again.status_code == 200, "the customer is unchanged, the count of bookings is not"
    assert again.json()["bookings"]["open"] == 1


def test_the_next_and_the_last_start_are_told_with_the_time_zones_of_their_places(vendor):
    now = datetime.now(UTC)
    slots = {}
    for days, zone in ((-9, "Asia/Tokyo"), (-2, "America/Lima"), (3, "Africa/Nairobi")):
        start = now + timedelta(days=days)
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        provider = vendor.provider(location_id=vendor.location(time_zone=zone)["id"])["id"]
        slots[zone] = vendor.made(f"/providers/{provider}/slots", {"slots": [times]})["items"][0]
    later = vendor.booked(slot_id=vendor.slot()["id"])
    for slot in slots.values():
        vendor.booked(vendor.key, slot_id=slot["id"])
    shown = vendor.get(f"/customers/{later['customer']['id']}", vendor.key).json()["bookings"]
    assert (shown["next_start"], shown["next_time_zone"]) == (
        slots["Africa/Nairobi"]["start"],
        "Africa/Nairobi",
    )
    assert (shown["last_start"], shown["last_time_zone"]) == (
        slots["America/Lima"]["start"],
        "America/Lima",
    )


def test_a_patch_changes_what_it_names_and_every_booking_shows_it(vendor, problem):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    customer = booking["customer"]
    changed = _patch(vendor, customer, {"name": "Ada King", "note": "Window seat"}, if_match='"1"')
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    body = changed.json()
    assert (body["name"], body["email"], body["note"]) == (
        "Ada King",
        ADA["email"],
        "Window seat",
    )
    shown = vendor.get(f"/bookings/{booking['id']}", booking["manage_token"]).json()
    assert shown["customer"]["name"] == "Ada King"
    assert "Window seat" not in str(shown), "the note is the vendor's own"
    assert _patch(vendor, customer, {"name": "Ada King"}).json()["version"] == 2
    assert _patch(vendor, customer, {"note": None}).json()["note"] is None
    stale = _patch(vendor, customer, {"note": "x"}, if_match='"1"')
    assert problem(stale, 412, "PRECONDITION_FAILED")["conflict"] == {"version": 3}


def test_somebody_who_can_be_reached_no_more_is_nobody(vendor, problem):
    customer = vendor.made("/customers", {"name": "Ada"})
    for values in ({"name": None}, {"name": ""}, {"email": "no"}, {"phone": "1"}, {"banned": 1}):
        problem(_patch(vendor, customer, values), 400, "VALIDATION_ERROR")
    problem(vendor.post("/customers", {"note": "Who?"}, vendor.key), 400, "VALIDATION_ERROR")
    assert _patch(vendor, customer, {}).json()["version"] == 1


def test_two_customers_never_have_exactly_the_same_details(vendor, problem):
    first = vendor.made("/customers", ADA)
    refused = problem(vendor.post("/customers", ADA, vendor.key), 409, "CUSTOMER_EXISTS")
    assert refused["conflict"] == {"customer_id": first["id"]}
    second = vendor.made("/customers", {**ADA, "name": "Another Ada"})
    refused = problem(_patch(vendor, second, {"name": ADA["name"]}), 409, "CUSTOMER_EXISTS")
    assert refused["conflict"] == {"customer_id": first["id"]}
    assert vendor.get(f"/customers/{second['id']}", vendor.key).json()["version"] == 1


def test_repeating_a_post_with_its_key_makes_one_customer(vendor, problem):
    key = uuid.uuid4().hex
    first = vendor.post("/customers", ADA, vendor.key, idempotency_key=key)
    again = vendor.post("/customers", ADA, vendor.key, idempotency_key=key)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert vendor.client.get(
        first.headers["Location"], headers={"Authorization": f"Bearer {vendor.key}"}
    ).is_success
    other = vendor.post("/customers", {"name": "Bob"}, vendor.key, idempotency_key=key)
    problem(other, 409, "IDEMPOTENCY_CONFLICT")


@pytest.mark.parametrize(
    "details",
    [
        {"name": "Somebody Else"},
        {"phone": "+44 20 0000 0000"},
        {"email": "ada@example.com"},
        {"name": "Ada Lovelace", "email": None, "phone": "+44 20 7946 0001"},
        {"name": "ADA LOVELACE"},
    ],
)
def test_booking_in_public_with_a_customers_mail_or_number_changes_no_customer(vendor, details):
    known = vendor.made("/customers", {**ADA, "phone": "+44 20 7946 0001", "note": "Regular"})
    path = f"/customers/{known['id']}"
    before = vendor.get(path, vendor.key).json()
    guest = {name: value for name, value in {**known, **details}.items() if value}
    guest = {name: guest[name] for name in ("name", "email", "phone") if name in guest}
    booking = vendor.booked(slot_id=vendor.slot()["id"], customer=guest)
    assert booking["customer"]["id"] != known["id"]
    assert vendor.get(path, vendor.key).json() == before


def test_booking_in_public_with_all_a_customers_details_joins_and_changes_nothing(vendor):
    known = vendor.made("/customers", {**ADA, "note": "Regular"})
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    assert booking["customer"]["id"] == known["id"]
    shown = vendor.get(f"/customers/{known['id']}", vendor.key).json()
    del shown["bookings"]
    assert shown == known


def test_a_customer_of_another_vendor_is_not_found(vendor, new_vendor, problem):
    customer = new_vendor().made("/customers", ADA)
    path = f"/customers/{customer['id']}"
    problem(vendor.get(path, vendor.key), 404, "CUSTOMER_NOT_FOUND")
    problem(_patch(vendor, customer, {"name": "Mine"}), 404, "CUSTOMER_NOT_FOUND")
    problem(vendor.call("DELETE", path, auth=vendor.key), 404, "CUSTOMER_NOT_FOUND")
    assert _find(vendor, "name=ada") == []


def test_erasing_a_person_leaves_the_bookings_and_not_a_word_of_the_person(
    vendor, problem, shared_server
):
    booking = vendor.booked(
        slot_id=vendor.slot()["id"],
        customer={**ADA, "phone": "+44 20 7946 0077"},
        notes="Allergic to nuts",
        metadata={"twitter": "@countess"},
        channel="By the butler of Lord Byron",
    )
    customer, path = booking["customer"], f"/customers/{booking['customer']['id']}"
    _patch(vendor, customer, {"note": "Baroness"})
    refused = problem(vendor.call("DELETE", path, auth=vendor.key), 409, "CUSTOMER_IN_USE")
    assert [one["booking_id"] for one in refused["conflict"]["bookings"]] == [booking["id"]]
    first = "the first at 2040-01-02 10:00 (Europe/Berlin)."
    assert refused["detail"] == f"1 booking to come, {first}"
    reason = {"reason": "Has the measles"}
    vendor.post(f"/bookings/{booking['id']}/cancel", reason, auth=vendor.key)
    stale = vendor.call("DELETE", path, auth=vendor.key, if_match='"1"')
    problem(stale, 412, "PRECONDITION_FAILED")
    assert vendor.call("DELETE", path, auth=vendor.key, if_match='"2"').status_code == 204
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204, "again: done already"

    gone = problem(vendor.get(path, vendor.key), 404, "CUSTOMER_NOT_FOUND")
    assert "has been erased" in gone["detail"]
    assert _find(vendor, "banned=false") == []
    problem(_patch(vendor, customer, {"name": "Ada"}), 404, "CUSTOMER_NOT_FOUND")
    kept = vendor.get(f"/bookings/{booking['id']}", vendor.key).json()
    assert (kept["status"], kept["notes"], kept["metadata"]) == ("cancelled", None, {})
    assert (kept["cancelled_by"], kept["cancellation_reason"]) == ("vendor", None)
    assert kept["channel"] is None
    nobody = {"id": customer["id"], "name": None, "email": None, "phone": None}
    assert kept["customer"] == nobody
    history = vendor.get(f"/bookings/{booking['id']}/events", vendor.key).json()["items"]
    assert [one["kind"] for one in history] == ["confirmed", "cancelled", "changed"]
    assert history[-1]["changes"]["channel"] == {}
    with psycopg.connect(shared_server.database.owner_url) as owner:
        # Every word of it, in every table.
        tables = owner.execute(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        for word in ("7946 0077", "Allergic to nuts", "@countess", "Baroness", "measles", "butler"):
            for (table,) in tables:
                found = owner.execute(
                    f"SELECT count(*) FROM {table} t WHERE position(%s IN t::text) > 0", [word]
                ).fetchone()
                assert found == (0,), (table, word)


def test_erasing_a_person_leaves_the_channels_that_are_the_vendors_own_words(vendor):
    place = vendor.location()["id"]
    channels = {"channels": {"partner-x": [place]}}
    assert vendor.call("PATCH", "", channels, vendor.key).status_code == 200
    slot = vendor.slot(location_id=place)
    booking = vendor.booked(slot_id=slot["id"], channel="partner-x")
    vendor.post(f"/bookings/{booking['id']}/cancel", auth=vendor.key)
    path = f"/customers/{booking['customer']['id']}"
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    kept = vendor.get(f"/bookings/{booking['id']}", vendor.key).json()
    assert (kept["channel"], kept["customer"]["name"]) == ("partner-x", None)
    event = vendor.get(f"/bookings/{booking['id']}/events", vendor.key).json()["items"][-1]
    assert (event["kind"], "channel" in event["changes"]) == ("changed", False)


def test_a_request_repeated_after_the_erasure_does_not_make_the_person_anew(vendor, problem):
    key = uuid.uuid4().hex
    made = vendor.post("/customers", ADA, vendor.key, idempotency_key=key).json()
    vendor.call("DELETE", f"/customers/{made['id']}", auth=vendor.key)
    again = vendor.post("/customers", ADA, vendor.key, idempotency_key=key)
    problem(again, 404, "CUSTOMER_NOT_FOUND")
    assert _find(vendor, "q=ada") == []


def test_whoever_was_erased_books_again_as_somebody_new(vendor):
    slots = vendor.slots((9, 10), (10, 11))
    for slot in slots:
        booking = vendor.booked(slot_id=slot["id"])
        vendor.post(f"/bookings/{booking['id']}/cancel", auth=vendor.key)
        path = f"/customers/{booking['customer']['id']}"
        assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    # Two who were erased are alike, and neither is joined.
    third = vendor.booked(slot_id=slots[0]["id"])
    assert third["customer"]["name"] == ADA["name"]
