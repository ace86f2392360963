"""What all refusals have in common, and what the door refuses before any feature sees it."""

from __future__ import annotations

import http.client
import json
import re
import select
import socket
import uuid
from pathlib import Path

import httpx
import psycopg
import pytest

from app.errors import CODES
from app.errors.reasons import REASONS

DOCS = Path(__file__).parents[2] / "docs" / "api" / "errors.md"
SQL = Path(__file__).parents[2] / "app" / "sql"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


def _send(vendor, content, media_type="application/json", path="/bookings", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if media_type:
        headers["Content-Type"] = media_type
    return vendor.client.post(vendor.base + path, content=content, headers=headers)


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/vendor", "/nothing/here", "/static/x"])
def test_an_unknown_address_is_not_found(client, problem, path):
    problem(client.get(path), 404, "NOT_FOUND")


def test_a_wrong_method_is_told_the_right_ones(vendor, problem):
    answer = vendor.call("PUT", "/bookings", {})
    problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]
    both = vendor.call("DELETE", "/services")
    problem(both, 405, "METHOD_NOT_ALLOWED")
    assert {"GET", "POST"} <= set(both.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    "accept, status",
    [
        ("text/html", 406),
        ("application/xml;q=0.9", 406),
        ("application/json", 200),
        ("application/problem+json", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/*", 200),
        ("", 200),
    ],
)
def test_who_cannot_take_json_is_told_so(vendor, problem, accept, status):
    answer = vendor.get("", accept=accept)
    if status == 200:
        assert answer.status_code == 200
    else:
        problem(answer, 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{'slot_id': 1}",
        b'{"slot_id": NaN}',
        b'{"slot_id": Infinity}',
        b'{"metadata": {"x": 1e999}}',
        b"[" * 100_000,
        b'{"notes": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"quantity": ' + b"9" * 5_000 + b"}",
        b'{"quantity": 1, "quantity": 2}',
        b'{"metadata": {"a": ' + b"[" * 40 + b"1" + b"]" * 40 + b"}}",
        b'{"metadata": {"a": ' + b"[" * 976 + b"1" + b"]" * 976 + b"}}",
        b'{"hold": 1}',
        b'"\xff\xfe"',
        b'{"notes": "a\x00b"}',
        b'{"notes": "a\\u0000b"}',
        b'{"notes": "\\ud800"}',
        b'{"notes": "\\udc00\\ud800"}',
        b'{"customer": {"name": "\\u0000"}}',
        b'{"metadata": {"\\ud800": 1}}',
        b'{"metadata": {"x": ["\\u0000"]}}',
        b"[]",
        b"null",
        b"42",
        b'"text"',
        b"",
        b" ",
    ],
    ids=lambda content: repr(content[:24]),
)
def test_what_is_no_proper_json_object_is_a_client_error(vendor, problem, content):
    refused = problem(_send(vendor, content), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"]
    assert refused["errors"][0]["message"]


def test_a_whole_pair_of_surrogates_is_a_character(vendor):
    slot = vendor.slot()
    content = json.dumps({"slot_id": slot["id"], "notes": "\N{GRINNING FACE}", "customer": ADA})
    assert "\\ud83d\\ude00" in content
    answer = _send(vendor, content.encode())
    assert answer.status_code == 201, answer.text
    assert answer.json()["notes"] == "\N{GRINNING FACE}"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "x"])
def test_a_body_that_does_not_call_itself_json_is_refused(vendor, problem, media_type):
    refused = _send(vendor, b'{"slot_id": "x"}', media_type)
    assert "application/json" in problem(refused, 415, "UNSUPPORTED_MEDIA_TYPE")["hint"]


@pytest.mark.parametrize(
    "media_type", ["application/merge-patch+json", "application/json; charset=utf-8"]
)
def test_kinds_of_json_are_json(vendor, media_type):
    answer = vendor.client.patch(
        vendor.base,
        content=b'{"name": "New"}',
        headers={"Content-Type": media_type, "Authorization": f"Bearer {vendor.key}"},
    )
    assert answer.status_code == 200, answer.text


def test_a_body_beyond_a_megabyte_is_too_large_unless_it_publishes_slots(vendor, problem):
    large = b'{"notes": "' + b"x" * 1_100_000 + b'"}'
    refused = problem(_send(vendor, large), 413, "PAYLOAD_TOO_LARGE")
    assert "1048576" in refused["detail"]
    path = f"/providers/{vendor.provider()['id']}/slots"
    key = f"Bearer {vendor.key}"
    problem(_send(vendor, large, path=path, authorization=key), 400, "VALIDATION_ERROR")
    larger = b" " * 9_000_000
    problem(_send(vendor, larger, path=path, authorization=key), 413, "PAYLOAD_TOO_LARGE")
    problem(_send(vendor, large, path=path), 401, "UNAUTHENTICATED")


def test_a_body_that_comes_in_chunks_counts_too(vendor, problem):
    def chunks():
        for _ in range(20):
            yield b" " * 100_000

    problem(_send(vendor, chunks()), 413, "PAYLOAD_TOO_LARGE")


def test_a_refused_body_is_read_to_its_end_so_that_the_connection_can_be_used_again(vendor):
    address = vendor.client.base_url.host, vendor.client.base_url.port
    head = f"POST {vendor.base}/locations HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection(address, timeout=10) as connection:
        for _ in range(3):
            connection.sendall(head.encode())
            # The refusal is clear already, but answering now would leave the body unread.
            assert select.select([connection], [], [], 0.2)[0] == []
            connection.sendall(b"{}")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            # To its end: the server may send head and body apart.
            assert (answer.status, json.loads(answer.read())["status"]) == (401, 401)


@pytest.mark.parametrize(
    "given",
    [
        "01980000-0000-7000-8000-000000000001",
        "01980000-0000-7000-8000-00000000ABCD",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "a" * 64,
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ],
)
def test_a_given_request_id_is_kept_if_it_has_the_form_of_one(vendor, given):
    assert vendor.get("", x_request_id=given).headers["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given",
    [
        "abc-1.2_3",
        "Ada.Lovelace",
        "ada@example.org",
        "442079460001",
        "4111111111111111",
        "AE070331234567890123456",
        "a" * 31,
        "a" * 65,
        "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        'a"b',
        "",
    ],
)
def test_a_given_request_id_that_may_be_somebodys_data_is_not_kept_by_an_event(vendor, given):
    wanted = {"slot_id": vendor.slot()["id"], "customer": {"name": "Ada"}}
    booking = vendor.post("/bookings", wanted, vendor.key, x_request_id=given).json()
    answered = vendor.get("", x_request_id=given).headers["X-Request-Id"]
    (event,) = vendor.get(f"/bookings/{booking['id']}/events", vendor.key).json()["items"]
    for made in (answered, event["request_id"]):
        assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_a_defect_is_an_internal_error_without_its_inner_life(server, problem):
    """On a server of its own: on the shared one, a defect in the log is a finding."""
    key = {"Authorization": f"Bearer {server.api_key}"}
    with psycopg.connect(server.database.owner_url, autocommit=True) as owner:
        owner.execute("ALTER FUNCTION describe_booking RENAME TO mislaid")
    answer = httpx.get(f"{server.vendor_url}/bookings/{uuid.uuid4()}", headers=key, trust_env=False)
    refused = problem(answer, 500, "INTERNAL_ERROR")
    assert not re.search(r"mislaid|describe_|Traceback|psycopg|SELECT|function", answer.text)
    lines = server.log.read_text().splitlines()
    assert any(refused["request_id"] in line and "exception" in line for line in lines)


def test_refusals_are_logged_with_ids_and_without_personal_data(vendor, shared_server, problem):
    slot = vendor.slot()
    mine = {
        "name": "Grace Hopper-Unique",
        "email": "grace.unique@example.org",
        "phone": "5550199123",
    }
    vendor.booked(slot_id=slot["id"], customer=mine, notes="Secret note of Grace")
    answer = vendor.post("/bookings", {"slot_id": slot["id"], "customer": mine})
    refused = problem(answer, 409, "BOOKING_CONFLICT")
    text = shared_server.log.read_text()
    (line,) = [line for line in text.splitlines() if refused["request_id"] in line]
    for expected in ("BOOKING_CONFLICT", vendor.slug, slot["id"]):
        assert expected in line
    for personal in (*mine.values(), "Secret note"):
        assert personal not in text


def test_refusals_are_counted_by_code_over_all_workers(vendor, client, problem):
    def counted() -> float:
        text = client.get("/metrics").text
        found = re.search(
            r'^slotkeeper_refusals_total\{code="BLOCK_NOT_FOUND"\} (\S+)$', text, re.MULTILINE
        )
        return float(found.group(1)) if found else 0.0

    path = "/blocks/01980000-0000-7000-8000-000000000001"
    before = counted()
    for _ in range(20):
        problem(vendor.call("DELETE", path, auth=vendor.key), 404, "BLOCK_NOT_FOUND")
    assert counted() == before + 20


def test_every_code_is_documented_with_its_status(client):
    documented = dict(re.findall(r"^### `([A-Z_]+)` — (\d{3})", DOCS.read_text(), re.MULTILINE))
    assert documented == {name: str(code.status) for name, code in CODES.items()}
    page = client.get("/docs/errors")
    assert page.status_code == 200
    for name in CODES:
        assert f'id="{name.lower()}"' in page.text


def test_every_reason_that_sql_gives_has_its_sentence():
    given = set()
    for file in SQL.rglob("*.sql"):
        text = file.read_text()
        given |= set(re.findall(r"invalid\(\s*(?:'\w+'|CASE.*?END), '(\w+)'", text))
    assert len(given) > 10, "the search has lost its way"
    assert given - set(REASONS) == set()


def test_every_outcome_that_sql_returns_is_a_code():
    returned = set()
    for file in SQL.rglob("*.sql"):
        text = re.sub(r"--.*", "", file.read_text())
        returned |= set(re.findall(r"'([A-Z]+(?:_[A-Z]+)+)'", text))
    outcomes = {one for one in returned if not one.startswith("YYYY")}
    assert {"BOOKING_CONFLICT", "SLOT_IN_USE", "HOLD_EXPIRED"} <= outcomes
    assert outcomes - set(CODES) - {"NO_SHOW"} == set()


@pytest.mark.parametrize("etag", ["", "\xe9", '"\xe9"', "3", '"3", "4"'])
def test_an_if_match_that_is_no_etag_is_refused_and_never_taken_for_none(vendor, problem, etag):
    headers = {"If-Match": etag.encode("latin-1"), "Authorization": f"Bearer {vendor.key}"}
    answer = vendor.client.patch(vendor.base, json={"name": "Lost"}, headers=headers)
    errors = problem(answer, 400, "VALIDATION_ERROR")["errors"]
    assert [error["field"] for error in errors] == ["If-Match"]
    assert vendor.get("").json()["name"] != "Lost"


def test_a_doubled_slash_is_no_address_and_redirects_nobody(client, problem):
    problem(client.get("/api/v1//vendors/x"), 404, "NOT_FOUND")
