"""Every call x every kind of caller: what docs/api/callers.md says is what happens.

A new route needs one line in the table of docs/api/callers.md, and nothing here. If its path names
a new kind of thing, MAKERS of tests/callers.py says how to make one; a good body in BODIES there
makes the test ask for a success where it otherwise asks for no refusal of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from flask import Flask

from app import create_app
from app.auth.operator_keys import create_operator_key, revoke_operator_key
from app.config import Settings
from app.db import db, offline_app
from tests.callers import (
    ADA,
    BODIES,
    DOCS,
    MAKERS,
    Door,
    Row,
    Scene,
    Vendor,
    at,
    read_table,
    state,
)

ROWS = read_table(DOCS.read_text())
API = "/api/v1/"
CALLERS = [
    "nobody", "own token", "other token", "read", "write", "admin", "other vendor", "revoked",
    "malformed", "operator",
]  # fmt: skip
CODES = {"401": "UNAUTHENTICATED", "403": "FORBIDDEN"}


@pytest.fixture(scope="module")
def client(server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as opened:
        yield opened


@pytest.fixture(scope="module")
def routes(server) -> Flask:
    return create_app(Settings(database_url=server.database.app_url, secret_key="x" * 32))


@pytest.fixture(scope="module")
def owner(server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def operators(server) -> tuple[str, str]:
    """An operator key that is good, and one that was revoked."""
    with offline_app(Settings(database_url=server.database.app_url)).app_context():
        good, revoked = (create_operator_key(name)[1] for name in ("good", "revoked"))
        assert revoke_operator_key(revoked)
        db.engine.dispose()
    return good, revoked


@pytest.fixture(scope="module")
def vendor(client, server) -> Vendor:
    """The vendor called, with a key of each scope and one that was revoked."""
    vendor = Vendor(client, f"{API}vendors/{server.vendor}", server.api_key)
    for name in ("read", "write", "admin", "revoked"):
        scope = "admin" if name == "revoked" else name
        made = vendor.made("/keys", {"name": name, "scope": scope})
        vendor.keys[name] = made["key"]
    headers = {"Authorization": f"Bearer {vendor.admin}"}
    gone = client.delete(f"{vendor.base}/keys/{made['id']}", headers=headers)
    assert gone.status_code == 204
    return vendor


@pytest.fixture(scope="module")
def other(client, operators) -> Vendor:
    """Another vendor, made over HTTP, with an admin key."""
    headers = {"Authorization": f"Bearer {operators[0]}"}
    wanted = {"slug": "another-vendor", "name": "Another", "time_zone": "UTC"}
    base = client.post(f"{API}vendors", json=wanted, headers=headers).headers["Location"]
    wanted = {"name": "first", "scope": "admin"}
    made = client.post(f"{base}/keys", json=wanted, headers=headers)
    return Vendor(client, base, made.json()["key"])


@pytest.fixture(scope="module")
def door(client, vendor, other, operators) -> Door:
    bookings = vendor.booking(), vendor.booking()
    spec = client.get(f"{API}openapi.json").json()
    return Door(client, vendor, other, operators, bookings, spec)


def test_the_table_names_every_route_there_is_and_no_other(routes):
    there = sorted(
        f"{method} " + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in routes.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )
    assert sorted(row.call for row in ROWS) == there, f"add the line to {DOCS.name}"


def test_the_table_names_every_kind_of_caller_and_every_answer():
    for row in ROWS:
        assert list(row.cells) == CALLERS, row.call
        assert set(row.cells.values()) <= {"yes", *CODES}, row.call


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_who_may_not_is_refused_and_changes_nothing(row, door, owner, problem):
    scene = door.scene(row)
    before = state(owner)
    for caller in row.callers(*CODES):
        for request in door.requests(scene, caller):
            answer = door.send(request)
            problem(answer, int(row.cells[caller]), CODES[row.cells[caller]])
            if answer.status_code == 401:
                assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert state(owner) == before


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_who_may_gets_through(row, door):
    scene = door.scene(row)
    for caller in row.callers("yes"):
        if row.method != "GET":
            # The one before may have used it up.
            scene = door.scene(row)
        for request in door.requests(scene, caller):
            answer = door.send(request)
            where = f"{row.call} as {caller}: {answer.status_code} {answer.text}"
            if row.method in {"GET", "DELETE"} or row.call in BODIES:
                assert answer.is_success, where
            else:
                assert answer.status_code not in {401, 403, 404}, where
                assert answer.status_code < 500, where


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.names and "{vendor}" in row.path], ids=lambda row: row.call
)
def test_another_vendors_things_are_not_found(row, door, owner, problem):
    ids = {name: MAKERS[name](door.other)["id"] for name in row.names}
    scene = replace(door.scene(row), ids=ids)
    request = door.request(scene, f"Bearer {door.vendor.admin}")
    before = state(owner)
    answer = door.send(request)
    thing = row.names[-1].removesuffix("_id").replace("key", "api_key").upper()
    problem(answer, 404, f"{thing}_NOT_FOUND")
    assert state(owner) == before


# Bodies that name another vendor's things: "their …" and "our …" stand for ids, ** for a time.
FOREIGN = [
    ("POST /bookings", {"slot_id": "their slot_id", "customer": ADA}),
    ("POST /bookings", {"slot_ids": ["their slot_id"], "customer": ADA}),
    ("POST /bookings", {"**": "their slot_id", "customer": ADA}),
    ("POST /bookings", {"slot_id": "our slot_id", "service_id": "their service_id"}),
    ("POST /bookings", {"slot_id": "our slot_id", "customer_id": "their customer_id"}),
    ("POST /blocks", {"**": "their slot_id"}),
    ("POST /providers", {"name": "Kim", "location_id": "their location_id"}),
    ("PATCH /providers/{provider_id}", {"location_id": "their location_id"}),
    ("PATCH /slots/{slot_id}", {"location_id": "their location_id"}),
    (
        "POST /providers/{provider_id}/schedules",
        {"weekly": {}, "location_id": "their location_id"},
    ),
    ("PATCH /schedules/{schedule_id}", {"location_id": "their location_id"}),
    (
        "POST /providers/{provider_id}/exceptions",
        {"starts_on": "2090-01-01", "kind": "closed", "schedule_id": "their schedule_id"},
    ),
    ("PATCH /exceptions/{exception_id}", {"schedule_id": "their schedule_id"}),
    (
        "POST /providers/{provider_id}/slots",
        {"slots": [{"start": at(0), "end": at(1), "location_id": "their location_id"}]},
    ),
]


def _filled(value: Any, door: Door) -> Any:
    """The body with ids of things made for it."""
    if isinstance(value, list):
        return [_filled(one, door) for one in value]
    if isinstance(value, dict):
        body = {name: _filled(one, door) for name, one in value.items() if name != "**"}
        slot = _made(value["**"], door) if "**" in value else {}
        return body | {name: slot[name] for name in ("provider_id", "start", "end") if slot}
    return _made(value, door)["id"] if value.startswith(("our ", "their ")) else value


def _made(named: str, door: Door) -> dict[str, Any]:
    whose, _, name = named.partition(" ")
    return MAKERS[name](door.vendor if whose == "our" else door.other)


@pytest.mark.parametrize("call, body", FOREIGN)
def test_another_vendors_things_are_not_found_in_a_body_either(call, body, door, owner, problem):
    method, path = call.split(" ")
    ids = {name: MAKERS[name](door.vendor)["id"] for name in Row(call, {}).names}
    sent = _filled(body, door)
    before = state(owner)
    headers = {"Authorization": f"Bearer {door.vendor.admin}"}
    path = door.vendor.base + path.format(**ids)
    answer = door.client.request(method, path, json=sent, headers=headers)
    code = answer.json()["code"]
    assert code.endswith("_NOT_FOUND"), answer.text
    problem(answer, 404, code)
    assert state(owner) == before


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "GET"], ids=lambda r: r.call)
def test_head_is_answered_as_get_is(row, door):
    scene = door.scene(row)
    for caller, cell in row.cells.items():
        for request in door.requests(scene, caller):
            request.method = "HEAD"
            answer = door.send(request)
            assert answer.content == b""
            assert answer.status_code == (200 if cell == "yes" else int(cell)), caller


def test_the_description_names_the_credentials_that_the_table_lets_through(door):
    for row in ROWS:
        if not row.path.startswith(f"{API}vendors"):
            continue
        operation = door.spec["paths"][row.path][row.method.lower()]
        schemes = {scheme for one in operation["security"] for scheme in one}
        if row.cells["nobody"] == "yes":
            assert operation["security"] == [] or {} in operation["security"], row.call
        else:
            wanted = {"operator_key": "operator", "manage_token": "own token", "api_key": "admin"}
            passing = {name for name, caller in wanted.items() if row.cells[caller] == "yes"}
            assert schemes == passing, row.call
            assert {} not in operation["security"], row.call
        if "api_key" in schemes:
            least = next(one for one in ("read", "write", "admin") if row.cells[one] == "yes")
            said = {"read": "any scope|scope read", "write": "scope write", "admin": "scope admin"}
            assert re.search(said[least], operation["description"]), row.call


def test_nothing_that_opens_a_call_is_in_the_log(door, server):
    booking = door.vendor.booking()
    secrets = [door.vendor.admin, door.other.admin, *door.vendor.keys.values(), *door.operators]
    secrets.append(booking["manage_token"])
    for row in ROWS[:8]:
        for text in secrets:
            scene = Scene(row, dict.fromkeys(row.names, booking["id"]), {}, "")
            door.send(door.request(scene, f"Bearer {text}"))
            door.send(door.request(scene, f"Bearer {text}="))
    log = server.log.read_text()
    assert "UNAUTHENTICATED" in log
    for text in secrets:
        # Not even the part that a list of keys leaves out.
        assert text[11:] not in log
