"""Who is calling: API keys, manage tokens, and nobody in particular."""

from __future__ import annotations

import base64
import string
import uuid

import psycopg
import pytest

from app.auth.keys import create_key
from app.auth.tokens import manage_token
from app.auth.visits import find_vendor

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
SECRET = "a secret of the tests, long enough to sign"
BAD = [
    "Bearer",
    "Bearer sk_",
    "Bearer sk_nonsense",
    "Bearer mt_nonsense",
    "Bearer mt_" + "A" * 70,
    "Bearer mt_" + "é".encode().decode("latin-1"),
    "Bearer op_nonsense",
    "Bearer op_" + "A" * 43,
    "Bearer sk_" + "A" * 43,
    "Bearer something",
    "",
    "Bearer sk_" + "A" * 43 + ", Bearer sk_" + "A" * 43,
    "Basic YWRhOmxvdmVsYWNl",
    "sk_without-a-scheme",
]


def _raw(vendor, method, path, authorization):
    headers = {"Authorization": authorization.encode("latin-1")}
    return vendor.client.request(method, vendor.base + path, headers=headers)


@pytest.mark.parametrize("authorization", BAD)
def test_bad_credentials_are_refused_even_where_none_are_needed(vendor, problem, authorization):
    for method, path in (
        ("GET", ""),
        ("GET", "/services"),
        ("POST", "/bookings"),
        ("GET", "/slots"),
    ):
        answer = _raw(vendor, method, path, authorization)
        problem(answer, 401, "UNAUTHENTICATED")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_another_vendors_key_is_forbidden_on_this_vendors_paths(vendor, new_vendor, problem):
    key = new_vendor().key
    slot = vendor.slot()
    problem(vendor.get("", key), 403, "FORBIDDEN")
    problem(vendor.get("/services", key), 403, "FORBIDDEN")
    problem(vendor.post("/bookings", {"slot_id": slot["id"]}, key), 403, "FORBIDDEN")
    problem(vendor.call("DELETE", f"/slots/{slot['id']}", auth=key), 403, "FORBIDDEN")


def test_a_token_opens_its_own_booking_and_no_other(vendor, new_vendor, problem):
    first, second = (vendor.booked(slot_id=slot["id"]) for slot in vendor.slots((9, 10), (10, 11)))
    token = first["manage_token"]
    path = f"/bookings/{first['id']}"
    assert vendor.get(path, token).status_code == 200
    for method, call in (
        ("GET", ""),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/confirm"),
    ):
        answer = vendor.call(method, f"/bookings/{second['id']}{call}", auth=token)
        problem(answer, 403, "FORBIDDEN")
        problem(vendor.call(method, path + call), 401, "UNAUTHENTICATED")
    problem(new_vendor().get(path, token), 401, "UNAUTHENTICATED")
    problem(vendor.get("/slots", token), 403, "FORBIDDEN")
    assert vendor.get("/services", token).status_code == 200
    assert vendor.get(f"/bookings/{second['id']}", second["manage_token"]).status_code == 200


def test_another_vendors_booking_is_not_found(vendor, new_vendor, problem):
    other = new_vendor()
    booking = other.booked(slot_id=other.slot()["id"])
    path = f"/bookings/{booking['id']}"
    problem(vendor.get(path, vendor.key), 404, "BOOKING_NOT_FOUND")
    problem(vendor.get(f"{path}/events", vendor.key), 404, "BOOKING_NOT_FOUND")
    problem(vendor.post(f"{path}/cancel", auth=vendor.key), 404, "BOOKING_NOT_FOUND")


def test_a_changed_or_forged_token_is_refused(vendor, problem, offline):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    path, token = f"/bookings/{booking['id']}", booking["manage_token"]
    packed = bytearray(base64.urlsafe_b64decode(token.removeprefix("mt_") + "=="))
    for position in (0, 18, len(packed) - 1):
        changed = bytearray(packed)
        changed[position] ^= 1
        text = "mt_" + base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        problem(vendor.get(path, text), 401, "UNAUTHENTICATED")
    with offline.app_context():
        vendor_id = find_vendor(vendor.slug)
    booking_id = uuid.UUID(booking["id"])
    assert manage_token(SECRET, vendor_id, booking_id, 1) == token
    # A version that is not the booking's, as after a revocation; another server's secret.
    problem(
        vendor.get(path, manage_token(SECRET, vendor_id, booking_id, 2)), 401, "UNAUTHENTICATED"
    )
    foreign = manage_token(SECRET.upper(), vendor_id, booking_id, 1)
    problem(vendor.get(path, foreign), 401, "UNAUTHENTICATED")


def test_of_a_tokens_many_spellings_only_the_one_given_out_is_good(vendor, problem):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    path, token = f"/bookings/{booking['id']}", booking["manage_token"]
    packed = base64.urlsafe_b64decode(token.removeprefix("mt_") + "==")
    others = [
        token[:-1] + last
        for last in string.ascii_letters + string.digits + "-_"
        if last != token[-1] and _decodes_to(token[3:-1] + last, packed)
    ]
    assert len(others) == 15, "the last character of 52 bytes has four unused bits"
    others += [token + "=", token + "==", token + "A", token[:10] + "\xa0" + token[10:]]
    for other in [*others, "mt_" + token, token.replace("mt_", "MT_")]:
        problem(_raw(vendor, "GET", path, f"Bearer {other}"), 401, "UNAUTHENTICATED")
    assert vendor.get(path, token).status_code == 200


def _decodes_to(text, packed):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) == packed


@pytest.mark.parametrize(
    "spelled", ["{}=", "{}A", "{}\xa0", "\xa0{}", "{}\tx", "{} x", "sk_{}", " \t{}"]
)
def test_a_key_has_one_spelling(vendor, problem, spelled):
    answer = _raw(vendor, "GET", "/slots", "Bearer " + spelled.format(vendor.key))
    problem(answer, 401, "UNAUTHENTICATED")


def test_the_scheme_is_read_in_any_case_and_before_any_number_of_blanks(vendor):
    for scheme in ("bearer ", "BEARER ", "Bearer   "):
        assert _raw(vendor, "GET", "/slots", scheme + vendor.key).status_code == 200


def test_credentials_that_are_sent_twice_are_refused(vendor, problem):
    twice = [("Authorization", f"Bearer {vendor.key}")] * 2
    answer = vendor.client.get(f"{vendor.base}/slots", headers=twice)
    problem(answer, 401, "UNAUTHENTICATED")


def test_a_name_that_is_no_vendors_is_neither_logged_nor_long(vendor, shared_server, problem):
    before = len(shared_server.log.read_text())
    for name in (
        "x%0a%7B%22event%22%3A%22forged%22%7D",
        "%1b%5B31mred",
        "y" * 5000,
        "UPPER",
        "%E2%80%AE",
        "..%2f..",
    ):
        answer = vendor.client.get(f"/api/v1/vendors/{name}")
        assert answer.status_code == 404, answer.text
        assert len(answer.content) < 6000
    logged = shared_server.log.read_text()[before:]
    assert "VENDOR_NOT_FOUND" in logged
    for piece in ("forged", "red", "y" * 100, "UPPER", "\u202e", "\x1b"):
        assert piece not in logged, piece
    problem(vendor.client.get("/api/v1/vendors/nobody-at-all"), 404, "VENDOR_NOT_FOUND")
    assert "nobody-at-all" in shared_server.log.read_text()[before:]


def test_a_new_token_ends_those_before_it(vendor, problem):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    path, old = f"/bookings/{booking['id']}", booking["manage_token"]
    renewed = vendor.post(f"{path}/manage-token", auth=vendor.key)
    assert renewed.status_code == 200, renewed.text
    assert renewed.headers["Cache-Control"] == "no-store"
    new = renewed.json()["manage_token"]
    assert new != old
    assert renewed.headers["ETag"] == '"2"'
    for method, call in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        problem(vendor.call(method, path + call, auth=old), 401, "UNAUTHENTICATED")
    assert vendor.get(path, new).json()["version"] == 2
    event = vendor.get(f"{path}/events", new).json()["items"][-1]
    assert (event["kind"], event["changes"]) == ("changed", {"token_version": {"from": 1, "to": 2}})
    assert vendor.post(f"{path}/cancel", auth=new).json()["status"] == "cancelled"


def test_a_token_is_renewed_once_by_one_key_and_a_replayed_booking_has_the_newest(vendor, problem):
    once = {"idempotency_key": f"booked-{uuid.uuid4()}"}
    wanted = {"slot_id": vendor.slot()["id"], "customer": ADA}
    booking = vendor.post("/bookings", wanted, **once).json()
    path = f"/bookings/{booking['id']}/manage-token"
    key = f"renewed-{uuid.uuid4()}"
    first, again = (vendor.post(path, auth=vendor.key, idempotency_key=key) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    replayed = vendor.post("/bookings", wanted, **once)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert replayed.json()["manage_token"] == first.json()["manage_token"]
    stale = vendor.post(path, auth=vendor.key, if_match='"1"')
    problem(stale, 412, "PRECONDITION_FAILED")
    assert vendor.get(f"/bookings/{booking['id']}", first.json()["manage_token"]).is_success


@pytest.mark.parametrize("scope", ["read", "write", "admin"])
def test_a_key_may_do_what_its_scope_says_and_no_more(vendor, offline, problem, scope):
    slot = vendor.slot()
    with offline.app_context():
        key = create_key(find_vendor(vendor.slug), scope, scope)[1]
    calls = {
        "read": lambda: vendor.get("/slots", key),
        "write": lambda: vendor.post("/bookings", {"slot_id": slot["id"]}, key),
        "admin": lambda: vendor.post("/locations", {"name": "There", "time_zone": "UTC"}, key),
    }
    scopes = list(calls)
    for needed, call in calls.items():
        answer = call()
        if scopes.index(needed) <= scopes.index(scope):
            assert answer.status_code in {200, 201}, answer.text
        else:
            body = problem(answer, 403, "FORBIDDEN")
            assert f"scope {scope}" in body["detail"]
            assert f"needs {needed}" in body["detail"]


def test_a_read_key_looks_at_a_booking_and_does_not_change_it(vendor, offline, problem):
    booking = vendor.booked(slot_id=vendor.slot()["id"])
    path = f"/bookings/{booking['id']}"
    with offline.app_context():
        key = create_key(find_vendor(vendor.slug), "looks", "read")[1]
    assert vendor.get(path, key).json()["status"] == "confirmed"
    assert vendor.get(f"{path}/events", key).status_code == 200
    for move in ("cancel", "confirm", "complete", "no-show"):
        problem(vendor.post(f"{path}/{move}", auth=key), 403, "FORBIDDEN")
    assert vendor.get(path, key).json()["version"] == booking["version"]


def test_a_manage_token_makes_no_other_booking(vendor, problem):
    first, second = vendor.slots((9, 10), (10, 11))
    token = vendor.booked(slot_id=first["id"])["manage_token"]
    problem(vendor.post("/bookings", {"slot_id": second["id"]}, token), 403, "FORBIDDEN")


def test_keys_are_kept_as_hashes_only(vendor, shared_server):
    vendor.get("/slots", vendor.key)
    with psycopg.connect(shared_server.database.owner_url) as owner:
        rows = owner.execute("SELECT row_to_json(k)::text FROM api_keys k").fetchall()
        used = owner.execute(
            "SELECT count(*) FROM api_keys WHERE last_used_at IS NOT NULL"
        ).fetchone()
    assert rows
    assert not any(vendor.key in row[0] for row in rows)
    assert used[0] >= 1
