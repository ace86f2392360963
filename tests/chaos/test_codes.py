"""What chaos takes for documented is what the documents say: neither more nor less.

Chaos may ask the application nothing, so its table is a copy by hand; here it is compared.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from chaos.codes import BUSY, DOCUMENTED, LAWS, OUTAGES, REFUSALS, expected

CHECKOUT = Path(__file__).parents[2]
HEADING = re.compile(r"^### `([A-Z_]+)` — ([0-9]{3})$", re.MULTILINE)
# Where each kind goes. Importing the doors instead would change how this process's threads work.
CALLS = {
    "book": ("POST", "/bookings"),
    "cancel": ("POST", "/bookings/{}/cancel"),
    "confirm": ("POST", "/bookings/{}/confirm"),
    "complete": ("POST", "/bookings/{}/complete"),
    "no_show": ("POST", "/bookings/{}/no-show"),
    "change": ("PATCH", "/bookings/{}"),
    "block": ("POST", "/blocks"),
    "unblock": ("DELETE", "/blocks/{}"),
    "publish": ("POST", "/providers/{}/slots"),
    "resize": ("PATCH", "/slots/{}"),
    "delete_slot": ("DELETE", "/slots/{}"),
    "read": ("GET", "/availability"),
    "search": ("GET", "/services/{}/times"),
    "offer": ("PATCH", "/services/{}"),
    "list": ("GET", "/bookings"),
    "book_time": ("POST", "/bookings"),
    "hours": ("PATCH", "/schedules/{}"),
    "exception": ("PATCH", "/exceptions/{}"),
    "time_off": ("PATCH", "/time-off/{}"),
    "take_off": ("POST", "/providers/{}/time-off"),
    "end_off": ("DELETE", "/time-off/{}"),
    "calendar": ("POST", "/providers/{}/calendar"),
    "book_for": ("POST", "/bookings"),
    "confirm_for": ("POST", "/bookings/{}/confirm"),
    "register": ("POST", "/customers"),
    "erase": ("DELETE", "/customers/{}"),
    "meet": ("GET", "/customers/{}"),
}
# Work of the worker, or of whoever publishes, which has no call.
WITHOUT_A_CALL = {"sweep", "forget", "apply", "close", "close_begun", "renew"}


@pytest.fixture(scope="module")
def spec(shared_server):
    return httpx.get(f"{shared_server.url}/api/v1/openapi.json", trust_env=False).json()


def described(operation):
    """Code and status of every problem that the description of a call lists."""
    return {
        code: int(status)
        for status, answer in operation["responses"].items()
        if status.isdigit() and int(status) >= 400
        for code in re.findall(r"`([A-Z_]+)`", answer.get("description", ""))
    }


def operations(spec):
    """Every call of the description, by method and path, whose parameters are nameless."""
    return {
        (method.upper(), re.sub(r"{\w+}", "{}", path)): operation
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def test_the_pages_list_exactly_the_codes_that_chaos_knows_with_their_statuses():
    text = (CHECKOUT / "docs/api/errors.md").read_text()
    assert {code: int(status) for code, status in HEADING.findall(text)} == DOCUMENTED


def test_the_openapi_description_names_exactly_the_codes_that_chaos_knows(spec):
    problems = [
        schema["properties"]["code"]["enum"]
        for schema in spec["components"]["schemas"].values()
        if "enum" in schema.get("properties", {}).get("code", {})
    ]
    assert problems
    for enum in problems:
        assert sorted(enum) == sorted(DOCUMENTED)


def test_no_call_of_the_openapi_description_gives_a_code_another_status(spec):
    found = {}
    for call, operation in operations(spec).items():
        for code, status in described(operation).items():
            found.setdefault((code, status), call)
    wrong = {pair: call for pair, call in found.items() if DOCUMENTED.get(pair[0]) != pair[1]}
    assert wrong == {}
    assert len(found) > 20


@pytest.mark.parametrize("kind", sorted(CALLS))
def test_every_refusal_that_an_attacker_may_meet_is_described_for_that_call(kind, spec):
    method, path = CALLS[kind]
    operation = operations(spec)[method, f"/api/v1/vendors/{{}}{path}"]
    keyed = "book" in kind or kind in {"take_off", "register"}
    told = described(operation)
    # Every call may find somebody's lock in its way; the description says so where it writes.
    allowed = expected("http", kind, keyed=keyed) - (BUSY if method == "GET" else set())
    assert {code for code in allowed if code not in told} == set()
    assert told.keys() >= OUTAGES


def test_every_refusal_that_is_expected_is_documented():
    assert REFUSALS.keys() - CALLS.keys() == WITHOUT_A_CALL
    assert set().union(*REFUSALS.values()) <= DOCUMENTED.keys()


def test_every_law_that_refuses_raw_writers_is_documented():
    text = (CHECKOUT / "app/sql/README.md").read_text()
    assert {state for state in LAWS if f"`{state}`" in text} == LAWS
