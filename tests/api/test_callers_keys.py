"""A vendor manages its API keys over HTTP: shown once, listed without secrets, revoked at once."""

from __future__ import annotations

import uuid

import psycopg
import pytest


def _made(vendor, scope="write", **more):
    answer = vendor.post("/keys", {"name": "made", "scope": scope}, vendor.key, **more)
    assert answer.status_code == 201, answer.text
    return answer


def test_a_key_is_shown_once_and_listed_without_its_text(vendor):
    answer = _made(vendor, "read")
    made = answer.json()
    key = made.pop("key")
    assert key.startswith(made["prefix"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Location"] == f"{vendor.base}/keys/{made['id']}"
    assert vendor.get("/slots", key).status_code == 200
    listed = vendor.get("/keys", vendor.key)
    assert key not in listed.text
    assert key.removeprefix(made["prefix"]) not in listed.text
    found = {one["id"]: one for one in listed.json()["items"]}[made["id"]]
    assert found.pop("last_used_at") is not None
    assert found == {name: value for name, value in made.items() if name != "last_used_at"}
    got = vendor.get(f"/keys/{made['id']}", vendor.key)
    assert got.headers["ETag"] == '"1"'
    assert key not in got.text


@pytest.mark.parametrize("scope", ["read", "write"])
def test_only_an_admin_key_sees_and_makes_keys(vendor, problem, scope):
    made = _made(vendor, scope).json()
    for method, path in (
        ("GET", "/keys"),
        ("POST", "/keys"),
        ("GET", f"/keys/{made['id']}"),
        ("DELETE", f"/keys/{made['id']}"),
    ):
        body = {"name": "more", "scope": "read"} if method == "POST" else None
        problem(vendor.call(method, path, body, made["key"]), 403, "FORBIDDEN")


def test_a_repetition_makes_no_second_key_and_does_not_show_the_first_again(vendor, problem):
    once = f"one-key-{uuid.uuid4()}"
    first, again = (_made(vendor, idempotency_key=once) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "key": None}
    assert len(vendor.get("/keys", vendor.key).json()["items"]) == 2
    other = vendor.post("/keys", {"name": "b", "scope": "read"}, vendor.key, idempotency_key=once)
    problem(other, 409, "IDEMPOTENCY_CONFLICT")


def test_a_revoked_key_is_refused_at_once_and_stays_in_the_list(vendor, problem):
    made = _made(vendor).json()
    path = f"/keys/{made['id']}"
    assert vendor.get("/slots", made["key"]).status_code == 200
    stale = vendor.call("DELETE", path, auth=vendor.key, if_match='"9"')
    problem(stale, 412, "PRECONDITION_FAILED")
    assert vendor.get("/slots", made["key"]).status_code == 200
    assert vendor.call("DELETE", path, auth=vendor.key, if_match='"1"').status_code == 204
    problem(vendor.get("/slots", made["key"]), 401, "UNAUTHENTICATED")
    once = vendor.get(path, vendor.key).json()
    assert once["revoked_at"] is not None
    assert vendor.call("DELETE", path, auth=vendor.key).status_code == 204
    assert vendor.get(path, vendor.key).json() == once


def test_a_vendor_revokes_its_own_key_and_no_other_vendors(vendor, new_vendor, problem):
    other = new_vendor()
    theirs = other.get("/keys", other.key).json()["items"][0]
    path = f"/keys/{theirs['id']}"
    problem(vendor.get(path, vendor.key), 404, "API_KEY_NOT_FOUND")
    problem(vendor.call("DELETE", path, auth=vendor.key), 404, "API_KEY_NOT_FOUND")
    assert other.get("/keys", other.key).status_code == 200
    own = vendor.get("/keys", vendor.key).json()["items"][0]
    assert vendor.call("DELETE", f"/keys/{own['id']}", auth=vendor.key).status_code == 204
    problem(vendor.get("/keys", vendor.key), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "body, field",
    [
        ({"scope": "read"}, "name"),
        ({"name": "a"}, "scope"),
        ({"name": "a", "scope": "root"}, "scope"),
        ({"name": "a", "scope": None}, "scope"),
        ({"name": "", "scope": "read"}, "name"),
        ({"name": "a" * 201, "scope": "read"}, "name"),
        ({"name": "a", "scope": "read", "key": "sk_mine"}, "key"),
        ({"name": "a", "scope": "read", "vendor_id": str(uuid.uuid4())}, "vendor_id"),
    ],
)
def test_a_bad_request_for_a_key_is_named(vendor, problem, body, field):
    refused = problem(vendor.post("/keys", body, vendor.key), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "lock",
    ["SELECT FROM api_keys WHERE id = '{}' FOR UPDATE", "LOCK TABLE api_keys IN SHARE MODE"],
    ids=["its row", "the table"],
)
def test_no_request_waits_for_whoever_holds_its_key(vendor, shared_server, lock):
    made = _made(vendor, "read").json()
    with psycopg.connect(shared_server.database.owner_url) as holder:
        holder.execute(lock.format(made["id"]))
        assert vendor.get("/slots", made["key"]).status_code == 200
    assert vendor.get("/slots", made["key"]).status_code == 200
    assert vendor.get(f"/keys/{made['id']}", vendor.key).json()["last_used_at"] is not None


def test_keys_are_listed_in_pages(vendor):
    made = [_made(vendor).json()["id"] for _ in range(3)]
    first = vendor.get("/keys?limit=2", vendor.key).json()
    rest = vendor.get(f"/keys?limit=2&cursor={first['next_cursor']}", vendor.key).json()
    assert [one["id"] for one in first["items"] + rest["items"]][1:] == made
    assert rest["next_cursor"] is None


def test_the_last_use_of_a_key_is_told_though_the_key_is_the_same(vendor):
    made = _made(vendor, "read").json()
    path = f"/keys/{made['id']}"
    before = vendor.get(path, vendor.key)
    assert before.json()["last_used_at"] is None
    assert vendor.get("/slots", made["key"]).status_code == 200
    again = vendor.get(path, vendor.key, if_none_match=before.headers["ETag"])
    assert again.status_code == 200, "whoever waits for a key to fall silent would revoke it in use"
    assert again.json()["last_used_at"] is not None
