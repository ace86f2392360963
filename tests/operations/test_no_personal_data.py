"""What customers typed stays with the customer and the booking: marked data, and where they are."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from app import create_app
from app.config import Settings
from tests.api.conftest import Api

# Found in any spelling: as typed, in capitals, percent-encoded (it needs none).
MARK = "qzmark"
PERSON = {
    "name": f"{MARK}-name Lovelace",
    "email": f"{MARK}-mail@example.org",
    "phone": "+49 30 7654321",
}
MARKS = re.compile(rf"{MARK}|7654321", re.IGNORECASE)
NOTES = {
    "notes": f"{MARK}-notes: allergic to nuts",
    "internal_notes": f"{MARK}-internal: pays late",
    "metadata": {f"{MARK}-key": f"{MARK}-value"},
}
# Where a person's data are kept on purpose, and erased from.
KEPT = {
    "customers": {"name", "email", "phone", "note"},
    "bookings": {"notes", "internal_notes", "metadata", "cancellation_reason"},
}


@pytest.fixture
def outside(database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection


def _routes() -> list[tuple[str, str]]:
    app = create_app(
        Settings(database_url="postgresql://nobody@127.0.0.1:1/x", secret_key="s" * 40)
    )
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def _address(rule: str, slug: str, ids: dict[str, str]) -> str:
    """An address of the rule: what exists where there is such a thing, otherwise marked."""

    def part(found: re.Match[str]) -> str:
        kind, name = found["kind"], found["name"]
        if name == "vendor":
            return slug
        return ids.get(name, str(uuid.uuid4()) if kind == "uuid:" else f"{MARK}-part")

    return re.sub(r"<(?P<kind>\w+:)?(?P<name>\w+)>", part, rule)


def _marked_bodies() -> list[object]:
    everything = {**PERSON, **NOTES, "customer": PERSON, "note": NOTES["notes"]}
    return [
        everything,
        {"customer": {**PERSON, "name": [PERSON["name"]]}, "slot_id": PERSON["name"]},
        {"start": PERSON["name"], "end": PERSON["email"], "provider_id": PERSON["phone"]},
        [PERSON],
        PERSON["name"],
    ]


def _walk(vendor: Api, ids: dict[str, str]) -> None:
    """Every route, as anybody and with a key, with marked data in every place that takes some."""
    query = {**PERSON, "q": PERSON["name"], "cursor": PERSON["name"], "status": PERSON["name"]}
    for method, rule in _routes():
        address = _address(rule, vendor.slug, ids)
        for key in (vendor.key, f"{MARK}-key", None):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            vendor.client.request(method, address, params=query, headers=headers)
            if method in {"POST", "PUT", "PATCH"}:
                for body in _marked_bodies():
                    vendor.client.request(method, address, json=body, headers=headers)
                vendor.client.request(method, address, content=b'{"name": "' + MARK.encode())
    vendor.client.get(f"/{MARK}/nowhere", headers={"X-Request-Id": PERSON["email"]})
    vendor.client.get("/healthz", headers={"User-Agent": MARK, "Referer": PERSON["email"]})


def _booking_life(vendor: Api) -> dict[str, str]:
    """Bookings made, refused, repeated, changed and cancelled by somebody who is marked."""
    slot, other = vendor.slots((9, 10), (10, 11))
    body = {"slot_id": slot["id"], "customer": PERSON, "notes": NOTES["notes"]}
    key = uuid.uuid4().hex
    made = [vendor.post("/bookings", body, idempotency_key=key) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert vendor.post("/bookings", body).status_code == 409
    changed = vendor.post("/bookings", {**body, **NOTES}, vendor.key, idempotency_key=key)
    assert changed.json()["code"] == "IDEMPOTENCY_CONFLICT"
    second = vendor.booked(vendor.key, **{**body, **NOTES, "slot_id": other["id"]})
    booking = f"/bookings/{second['id']}"
    vendor.call("PATCH", booking, {"customer": PERSON, **NOTES}, vendor.key)
    for move in ("cancel", "confirm"):
        assert vendor.post(f"{booking}/{move}", auth=vendor.key).status_code == 200
    again = vendor.post(f"{booking}/cancel", {"reason": f"{MARK}-reason: has a cold"}, vendor.key)
    assert again.status_code == 200, again.text
    closed = {"provider_id": slot["provider_id"], "start": slot["start"], "end": slot["end"]}
    assert vendor.post("/blocks", {**closed, "reason": MARK}, vendor.key).status_code == 409
    return {"booking_id": made[0].json()["id"], "slot_id": slot["id"], "made": second["id"]}


def _crash(vendor: Api, outside: psycopg.Connection) -> None:
    """A database that quotes the customer in its error, and one that lacks a function."""
    slot = vendor.slot(12, 13)
    body = {"slot_id": slot["id"], "customer": {**PERSON, "email": f"other-{PERSON['email']}"}}
    outside.execute(
        "ALTER TABLE customers ADD CONSTRAINT nobody_of_this_name"
        f" CHECK (name NOT LIKE '{MARK}%') NOT VALID"
    )
    answers = [vendor.post("/bookings", body)]
    outside.execute("ALTER TABLE customers DROP CONSTRAINT nobody_of_this_name")
    outside.execute(
        "ALTER FUNCTION find_or_create_customer RENAME TO find_or_create_customer_elsewhere"
    )
    answers.append(vendor.post("/bookings", body))
    outside.execute(
        "ALTER FUNCTION find_or_create_customer_elsewhere RENAME TO find_or_create_customer"
    )
    for answer in answers:
        assert answer.status_code == 500, answer.text
        assert answer.json()["code"] == "INTERNAL_ERROR"
        assert not MARKS.search(answer.text)


def _marked_columns(outside: psycopg.Connection) -> dict[str, set[str]]:
    """The columns of the database in which something marked is found, by table."""
    found: dict[str, set[str]] = {}
    for (table,) in outside.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    ).fetchall():
        query = sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table))
        for (row,) in outside.execute(query):
            for column, value in row.items():
                if MARKS.search(json.dumps(value)):
                    found.setdefault(table, set()).add(column)
    return found


def test_marked_data_are_found_nowhere_but_where_they_are_kept(
    serve, api, counts, outside, postgres
):
    server = serve(SLOTKEEPER_LOG_LEVEL="debug")
    vendor = api(server)
    ids = _booking_life(vendor)
    _walk(vendor, ids)
    _crash(vendor, outside)
    columns = _marked_columns(outside)
    for table, where in columns.items():
        assert where <= KEPT.get(table, set()), (table, where)
    # Otherwise the search would prove nothing.
    assert {"name", "email"} <= columns["customers"]
    assert columns["bookings"] >= {"notes", "cancellation_reason"}
    for name, text in {
        "log": server.log.read_text(),
        "metrics": counts(server.url).text,
        "PostgreSQL's log": (postgres._directory / "postgres.log").read_text(),  # noqa: SLF001
    }.items():
        marked = [line for line in text.splitlines() if MARKS.search(line)]
        assert not marked, (name, marked[:5])
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    _names_what_it_is_about(lines, vendor, ids)


def _names_what_it_is_about(lines: list[dict], vendor: Api, ids: dict[str, str]) -> None:
    """Each line of a request has its id; each refusal and answer its vendor, slots and booking."""
    refused = [line for line in lines if line["event"] == "refused"]
    answered = [line for line in lines if line["event"] == "answered"]
    assert all(line["request_id"] for line in refused + answered)
    assert any(
        line["vendor"] == vendor.slug and line.get("slot_ids") == [ids["slot_id"]]
        for line in refused
        if line["code"] == "BOOKING_CONFLICT"
    )
    assert any(
        line.get("vendor") == vendor.slug and line.get("made", "").endswith(ids["made"])
        for line in answered
    )
    assert any(line.get("booking_id") == ids["made"] for line in answered)
    crashed = [line for line in lines if line["event"] == "unexpected"]
    assert len(crashed) >= 2
    assert "SQLSTATE 23514, constraint nobody_of_this_name" in crashed[-2]["exception"]
    assert "SQLSTATE 42883" in crashed[-1]["exception"]
