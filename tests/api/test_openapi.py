"""The description of the API is complete and true."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest

from app import create_app
from app.config import Settings
from app.errors import CODES

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.fixture(scope="module")
def spec(shared_server) -> dict:
    return httpx.get(f"{shared_server.url}/api/v1/openapi.json", trust_env=False).json()


def _operations(spec):
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_whoever_has_the_description_is_told_so_and_not_sent_it_again(shared_server, encoding):
    url = f"{shared_server.url}/api/v1/openapi.json"
    with httpx.Client(headers={"Accept-Encoding": encoding}, trust_env=False) as client:
        first = client.get(url)
        assert first.headers.get("Content-Encoding", "identity") == encoding
        assert first.headers["Cache-Control"] == "public, no-cache"
        assert "Accept-Encoding" in first.headers["Vary"]
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        other = client.get(url, headers={"If-None-Match": '"another"'})
        assert (other.status_code, other.json()) == (200, first.json())
        head = client.head(url)
        assert (head.headers["ETag"], head.content) == (first.headers["ETag"], b"")


def test_the_description_is_written_once_in_a_process(shared_server, monkeypatch):
    app = create_app(Settings(database_url=shared_server.database.app_url, secret_key="x" * 32))
    client = app.test_client()
    first = client.get("/api/v1/openapi.json")
    monkeypatch.setattr("app.wire.openapi.complete", None)
    assert client.get("/api/v1/openapi.json").data == first.data


def test_every_route_is_described(spec, shared_server):
    settings = Settings(database_url=shared_server.database.app_url, secret_key="x" * 32)
    app = create_app(settings)
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.rule != "/api/v1/openapi.json"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert len(routes) > 30
    assert {(path, method) for path, method, _ in _operations(spec)} == routes


def test_it_is_openapi_3_1_and_every_reference_leads_somewhere(spec):
    assert spec["openapi"].startswith("3.1")
    for reference in re.findall(r"#/components/[\w/-]+", str(spec)):
        found = spec
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_call_has_a_summary_a_success_and_its_problems(spec):
    names = [operation["operationId"] for _, _, operation in _operations(spec)]
    assert len(names) == len(set(names))
    for path, method, operation in _operations(spec):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert any(status.startswith("2") for status in operation["responses"]), where
        assert "503" in operation["responses"], where
        for status, response in operation["responses"].items():
            if status >= "400":
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, where
                for code in re.findall(r"`([A-Z_]+)`", response["description"]):
                    assert str(CODES[code].status) == status, where


def test_every_post_takes_an_idempotency_key_and_every_patch_and_delete_an_if_match(spec):
    for path, method, operation in _operations(spec):
        headers = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method == "post"), path
        if method in {"patch", "delete"}:
            assert "If-Match" in headers, path


def test_what_a_list_can_be_asked_is_described(spec):
    path = next(path for path in spec["paths"] if path.endswith("/availability"))
    described = spec["paths"][path]["get"]["parameters"]
    asked = {one["name"]: one.get("required", False) for one in described if one["in"] == "query"}
    assert asked.keys() >= {
        "from",
        "to",
        "provider_id",
        "location_id",
        "quantity",
        "limit",
        "cursor",
    }
    assert [name for name, required in asked.items() if required] == ["from", "to"]


def test_who_may_call_is_described(spec):
    assert set(spec["components"]["securitySchemes"]) == {
        "api_key",
        "manage_token",
        "operator_key",
    }
    booking = spec["paths"]["/api/v1/vendors/{vendor}/bookings"]["post"]
    assert booking["security"] == [{}, {"api_key": []}]
    slots = spec["paths"]["/api/v1/vendors/{vendor}/slots"]["get"]
    assert slots["security"] == [{"api_key": []}]
    cancel = spec["paths"]["/api/v1/vendors/{vendor}/bookings/{booking_id}/cancel"]["post"]
    assert cancel["security"] == [{"api_key": []}, {"manage_token": []}]
    assert "scope write or admin" in booking["description"]
    assert "scope read, write or admin" in slots["description"]
    assert "manage_token" in cancel["description"]
    for path, method, operation in _operations(spec):
        who = operation["description"]
        assert ("Needs " in who) == bool(operation["security"] and {} not in operation["security"])
        assert ("everybody" in who) == (not operation["security"] or {} in operation["security"]), (
            f"{method} {path}"
        )


def test_the_problem_schema_lists_every_code(spec):
    assert set(spec["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(CODES)


def test_the_booking_call_has_an_example_that_works(spec, vendor):
    operation = spec["paths"]["/api/v1/vendors/{vendor}/bookings"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    body = {**example, "slot_id": vendor.slot(capacity=4)["id"]}
    assert vendor.post("/bookings", body).status_code == 201
    for way in ("slot_ids", "provider_id"):
        assert way in operation["description"]


def test_answers_have_exactly_the_members_that_are_described(spec, vendor):
    slot = vendor.slot(9, 11)
    service = vendor.service(price={"amount": 1, "currency": "EUR"})
    booking = vendor.booked(slot_id=slot["id"], start=slot["start"], end="2040-01-02T10:00:00Z")
    block = {
        "provider_id": slot["provider_id"],
        "start": "2040-01-02T10:00:00Z",
        "end": slot["end"],
    }
    window = "from=2040-01-02T00:00:00Z&to=2040-01-03T00:00:00Z"

    def items(path):
        return vendor.get(path, vendor.key).json()["items"][0]

    answers = {
        "Vendor": vendor.get("").json(),
        "Location": items("/locations"),
        "Provider": items("/providers"),
        "Service": service,
        "Slot": items("/slots"),
        "Availability": items(f"/availability?{window}"),
        "Booking": vendor.get(f"/bookings/{booking['id']}", vendor.key).json(),
        "NewBooking": {
            **booking,
            **dict.fromkeys(("internal_notes", "buffer_before_minutes", "buffer_after_minutes")),
        },
        "Event": items(f"/bookings/{booking['id']}/events"),
        "Block": vendor.made("/blocks", block),
        "Problem": {
            **vendor.post("/bookings", {"slot_id": slot["id"], "customer": ADA}).json(),
            "errors": [],
        },
    }
    for name, answer in answers.items():
        assert set(answer) == set(spec["components"]["schemas"][name]["properties"]), name


PAGES = sorted(file.stem for file in (Path(__file__).parents[2] / "docs" / "api").glob("*.md"))


@pytest.mark.parametrize("path", ["/docs", "/docs/", *(f"/docs/{page}" for page in PAGES)])
def test_the_documentation_loads_nothing_from_elsewhere(client, path):
    page = client.get(path)
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    needed = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert needed
    for address in needed:
        assert address.startswith("/"), address
        assert client.get(address).status_code == 200, address


def test_the_server_shows_what_the_repository_says_of_errors(client, problem):
    page = client.get("/docs/errors").text
    written = (Path(__file__).parents[2] / "docs" / "api" / "errors.md").read_text()
    shown = html.unescape(re.sub(r"<[^>]+>", "", page))
    paragraphs = [one for one in written.split("\n\n") if re.match(r"\w|\*\*", one)]
    assert len(paragraphs) > 60
    for paragraph in paragraphs:
        words = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", paragraph).replace("`", "")
        assert words.replace("**", "") in shown, paragraph
    assert "`" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
    problem(client.get("/docs/nothing"), 404, "NOT_FOUND")
