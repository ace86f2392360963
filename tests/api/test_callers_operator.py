"""Those who run the server: operator keys, vendors made over HTTP, and a vendor's first key."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app.auth.operator_keys import create_operator_key, revoke_operator_key
from app.ops.worker import tidy
from tests.patience import wait_until

VENDORS = "/api/v1/vendors"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def operator(offline) -> str:
    """An operator key."""
    with offline.app_context():
        return create_operator_key("tests")[1]


@pytest.fixture
def slug() -> str:
    return f"by-operator-{next(_numbers)}"


@pytest.fixture
def make(client, operator) -> Callable:
    """POST /vendors."""

    def post(slug, auth=operator, *, name="Made", time_zone="Europe/Rome", **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if auth:
            sent["Authorization"] = f"Bearer {auth}"
        body = {"slug": slug, "name": name, "time_zone": time_zone}
        return client.post(VENDORS, json=body, headers=sent)

    return post


def _as(auth: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {auth}"}


def test_an_operator_makes_a_vendor_and_its_first_key_and_the_vendor_works(
    client, make, operator, slug
):
    made = make(slug)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{VENDORS}/{slug}"
    assert made.json()["slug"] == slug
    assert made.headers["ETag"] == '"1"'
    path = made.headers["Location"]
    assert client.get(path, headers=_as(operator)).json() == made.json()
    wanted = {"name": "first", "scope": "admin"}
    key = client.post(f"{path}/keys", json=wanted, headers=_as(operator)).json()["key"]
    place = {"name": "Here", "time_zone": "Europe/Rome"}
    assert client.post(f"{path}/locations", json=place, headers=_as(key)).status_code == 201


def test_a_slug_that_is_taken_is_a_conflict_of_its_own(make, slug, problem):
    assert make(slug).status_code == 201
    body = problem(make(slug), 409, "VENDOR_EXISTS")
    assert slug in body["detail"]


def test_a_vendor_is_made_once_by_one_key_and_the_answer_is_repeated(make, slug, problem):
    key = f"one-vendor-{uuid.uuid4()}"
    first = make(slug, idempotency_key=key)
    again = make(slug, idempotency_key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.json(), again.headers["Location"]) == (first.json(), first.headers["Location"])
    problem(make(slug, name="Other", idempotency_key=key), 409, "IDEMPOTENCY_CONFLICT")
    problem(make(f"{slug}-b", idempotency_key=key), 409, "IDEMPOTENCY_CONFLICT")


def test_a_refused_vendor_leaves_its_idempotency_key_unused(make, slug, problem):
    key = f"taken-first-{uuid.uuid4()}"
    make(slug)
    problem(make(slug, idempotency_key=key), 409, "VENDOR_EXISTS")
    assert make(f"{slug}-b", idempotency_key=key).status_code == 201


def _while_they_wait(database, slug, post):
    """What eight callers get who all wait for one unfinished vendor of this slug, then undone."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with (
        psycopg.connect(database.superuser_url, autocommit=True) as monitor,
        psycopg.connect(database.owner_url) as rival,
        ThreadPoolExecutor(8) as threads,
    ):
        rival.execute(
            "INSERT INTO vendors (slug, name, time_zone) VALUES (%s, 'Rival', 'UTC')", [slug]
        )
        answers = [threads.submit(post) for _ in range(8)]
        wait_until(lambda: monitor.execute(waiting).fetchone()[0] >= 4, "nobody waits")
        rival.rollback()
        return [answer.result() for answer in answers]


def test_callers_who_make_one_vendor_at_once_make_one(make, slug, shared_server):
    answers = _while_they_wait(shared_server.database, slug, lambda: make(slug))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


def test_twins_with_one_idempotency_key_make_one_vendor_and_all_hear_of_it(
    make, slug, shared_server
):
    key = f"twins-{uuid.uuid4()}"
    answers = _while_they_wait(
        shared_server.database, slug, lambda: make(slug, idempotency_key=key)
    )
    assert {answer.status_code for answer in answers} == {201}
    replayed = [answer for answer in answers if "Idempotency-Replayed" in answer.headers]
    assert len(replayed) == 7


@pytest.mark.parametrize("slug", ["Upper", "-a", "a-", "a_b", "a" * 64, "", "a\n", "ä", None, 5])
def test_a_bad_slug_is_named(make, problem, slug):
    body = problem(make(slug), 400, "VALIDATION_ERROR")
    assert body["errors"][0]["field"] == "slug"


def test_the_worker_forgets_the_operators_old_keys_too(make, slug, shared_server, offline):
    key = f"an-old-key-{uuid.uuid4()}"
    make(slug, idempotency_key=key)
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = %s",
            [key],
        )
        with offline.app_context():
            tidy()
        left = owner.execute("SELECT FROM idempotency_keys WHERE key = %s", [key]).fetchall()
    assert left == []


def test_vendors_are_listed_for_the_operator_in_pages(client, make, operator, slug):
    wanted = [f"{slug}-{number}" for number in range(3)]
    for one in wanted:
        make(one)
    found, cursor = [], {}
    while True:
        page = client.get(VENDORS, params={"limit": 2, **cursor}, headers=_as(operator)).json()
        assert len(page["items"]) <= 2
        found += [vendor["slug"] for vendor in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [one for one in found if one in wanted] == wanted
    assert len(found) == len(set(found))


def test_only_an_operator_makes_and_lists_vendors(client, make, vendor, slug, problem):
    token = vendor.booked(slot_id=vendor.slot()["id"])["manage_token"]
    for auth, status, code in (
        (None, 401, "UNAUTHENTICATED"),
        (token, 401, "UNAUTHENTICATED"),
        ("op_" + "A" * 43, 401, "UNAUTHENTICATED"),
        (vendor.key, 403, "FORBIDDEN"),
    ):
        problem(make(slug, auth), status, code)
        problem(client.get(VENDORS, headers=_as(auth) if auth else {}), status, code)
    assert client.get(f"{VENDORS}/{slug}").status_code == 404


def test_a_revoked_operator_key_is_refused_from_the_next_request_on(
    client, make, offline, slug, problem
):
    with offline.app_context():
        key = create_operator_key("short-lived")[1]
    assert make(slug, key).status_code == 201
    with offline.app_context():
        assert revoke_operator_key(key)
    problem(make(f"{slug}-b", key), 401, "UNAUTHENTICATED")
    problem(client.get(f"{VENDORS}/{slug}", headers=_as(key)), 401, "UNAUTHENTICATED")


def test_an_operator_key_opens_no_vendors_calendar(vendor, operator, problem):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    for method, path in (
        ("GET", f"/bookings/{booking['id']}"),
        ("POST", f"/bookings/{booking['id']}/cancel"),
        ("POST", "/bookings"),
        ("GET", "/slots"),
        ("PATCH", ""),
    ):
        problem(vendor.call(method, path, auth=operator), 403, "FORBIDDEN")
    assert vendor.get("/services", operator).status_code == 200


def test_operator_keys_are_kept_as_hashes_only_and_their_use_is_noted(
    make, operator, slug, shared_server
):
    make(slug)
    with psycopg.connect(shared_server.database.owner_url) as owner:
        rows = owner.execute(
            "SELECT row_to_json(k)::text, last_used_at FROM operator_keys k"
        ).fetchall()
    assert rows
    assert not any(operator in row[0] for row in rows)
    assert any(row[1] for row in rows)
