"""Bad addresses, queries, headers and bytes get a problem that names them, on every call alike."""

from __future__ import annotations

import httpx
import pytest

from tests import bad_inputs, bad_requests
from tests.bad_answers import check, each, kind_of, lists, members, query_of, raw, spoilt
from tests.bad_inputs import Bad
from tests.described import operations


@each(bad_requests.QUERIES)
def test_a_bad_query_is_refused_by_every_list(spec, world, bad):
    for operation in lists(spec):
        check(bad, query_of(world, operation, bad.sent), operation.name)


@each(bad_requests.NO_QUERY)
def test_a_query_is_refused_where_none_is_taken(spec, world, bad):
    tried = 0
    for operation in operations(spec):
        if not operation.parameters("query"):
            check(bad, query_of(world, operation, bad.sent), operation.name)
            tried += 1
    assert tried > 20


@pytest.mark.parametrize("kind", bad_inputs.PARAMETERS)
def test_a_bad_parameter_is_refused_by_its_name(spec, world, kind):
    tried = 0
    for operation in operations(spec):
        for name, one in operation.parameters("query").items():
            schema = one["schema"].get("items", one["schema"])
            found = {"cursor": "a cursor", "date": "a day"}.get(name) or kind_of(name, schema)
            if found != kind:
                continue
            for bad in bad_inputs.PARAMETERS[kind]:
                answer = query_of(world, operation, str(httpx.QueryParams({name: bad.sent})))
                check(bad, answer, (operation.name, name), name)
                tried += 1
    assert tried >= len(bad_inputs.PARAMETERS[kind])


@each(bad_requests.ADDRESSES)
def test_a_bad_address_leads_nowhere(world, bad):
    client = world.api.client
    base = world.api.base if bad.sent.startswith("/") else "/api/v1/vendors/"
    if bad.sent.startswith("//"):
        base = "/api/v1"
    # As it stands: httpx would tidy the path up before it sends it.
    sent = f"GET {base}{bad.sent} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    check(bad, raw(client.base_url, sent.encode()), bad.sent)


@each(bad_requests.IDEMPOTENCY_KEYS)
def test_a_bad_idempotency_key_is_refused_on_every_post(spec, world, bad):
    for operation in operations(spec):
        if "Idempotency-Key" in operation.parameters("header"):
            sent = {"Idempotency-Key": bad.sent.encode()}
            check(bad, world.call(operation, headers=sent), operation.name)


@each(bad_requests.IF_MATCHES)
def test_a_bad_if_match_is_refused_wherever_one_is_taken(spec, world, bad):
    tried = 0
    for operation in operations(spec):
        if "If-Match" in operation.parameters("header"):
            sent = {"If-Match": bad.sent.encode()}
            check(bad, world.call(operation, headers=sent), operation.name)
            tried += 1
    assert tried > 10


@each(bad_requests.ANY_HEADERS)
def test_a_bad_header_is_refused_on_every_call(spec, world, bad):
    for operation in operations(spec):
        name, value = bad.sent
        check(bad, world.call(operation, headers={name: value}), operation.name)


def test_a_method_that_an_address_does_not_have_is_told_those_it_has(spec, world, problem):
    allowed: dict[str, set[str]] = {}
    for operation in operations(spec):
        allowed.setdefault(operation.path, set()).add(operation.method)
    for operation in operations(spec):
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "BREW"} - allowed[operation.path]:
            answer = world.call(operation, method=method, json=None, params={})
            problem(answer, 405, "METHOD_NOT_ALLOWED")
            told = set(answer.headers["Allow"].split(", "))
            assert told - {"HEAD", "OPTIONS"} == allowed[operation.path], operation.path


# Between members, and between calls.


def test_an_end_before_its_start_is_refused_by_name_wherever_both_are_asked_for(spec, world):
    early, late = "2031-03-03T09:00:00Z", "2031-03-03T10:00:00Z"
    tried = 0
    for operation in operations(spec):
        if {"from", "to"} <= set(operation.parameters("query")):
            for end in (early, "2031-03-03T08:00:00Z"):
                params = {**world.query(operation), "from": early, "to": end}
                answer = world.call(operation, params=params)
                bad = Bad("", None, "…", "to", code="INVALID_DATE_RANGE")
                check(bad, answer, operation.name)
                tried += 1
        if operation.body is None:
            continue
        for path, _, _ in members(spec, operation.body["schema"]):
            if path[-1] != "end":
                continue
            example = world.real(operation.body["example"])
            for end in (late, early):
                body = spoilt(spec, operation, example, path, end)
                body = spoilt(spec, operation, body, (*path[:-1], "start"), late)
                answer = world.call(operation, json=body)
                bad = Bad("", None, "…", ".".join(map(str, path)), code="INVALID_DATE_RANGE")
                if len(path) > 2:
                    assert answer.json()["errors"][0]["field"].startswith("slots.0")
                check(bad, answer, operation.name)
                tried += 1
    assert tried >= 14


def test_a_cursor_is_good_for_its_own_list_and_filters_alone(spec, world, new_vendor, problem):
    other = new_vendor()
    for name in ("One", "Two", "Three"):
        for one in (world.api, other):
            one.location(name=name)
    first = world.api.get("/locations?limit=1").json()["next_cursor"]
    assert world.api.get(f"/locations?limit=2&cursor={first}").status_code == 200
    for answer in (
        other.get(f"/locations?cursor={first}"),
        world.api.get(f"/services?cursor={first}"),
        world.api.get(f"/providers?cursor={first}&location_id={world.ids['location']}"),
        world.api.get(f"/locations?cursor={first[:-4]}AAAA"),
        world.api.get(f"/locations?cursor={first}A"),
    ):
        errors = problem(answer, 400, "VALIDATION_ERROR")["errors"]
        assert [error["field"] for error in errors] == ["cursor"]
    for operation in lists(spec):
        answer = query_of(world, operation, f"cursor={first}")
        if operation.path.endswith("/locations"):
            assert answer.status_code == 200
        else:
            assert problem(answer, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "cursor"


@each(bad_requests.RAW)
def test_what_is_no_http_is_refused_at_the_door(world, bad):
    sent = bad.sent.replace("{{", "{").replace("}}", "}").replace("{path}", world.api.base)
    sent = sent.replace("{credentials}", f"Authorization: Bearer {world.api.key}\r\n")
    answer = raw(world.api.client.base_url, sent.encode("latin-1"))
    if bad.code:
        check(bad, answer, bad.what)
    else:
        assert (answer.status_code, answer.content) == (bad.status, b""), bad.what
        assert answer.headers["Connection"] == "close"


def test_nothing_is_smuggled_behind_a_body_with_two_lengths(world):
    path, key = world.api.base, world.api.key
    smuggled = f"DELETE {path}/locations/{world.ids['location']} HTTP/1.1\r\nHost: here\r\n"
    smuggled += f"Authorization: Bearer {key}\r\n\r\n"
    for lengths in (
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ):
        head = f"POST {path}/locations HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {key}\r\n"
        content = f"{head}Content-Type: application/json\r\n{lengths}\r\n2\r\n{{}}\r\n0\r\n\r\n"
        answer = raw(world.api.client.base_url, (content + smuggled).encode())
        assert answer.status_code == 400
        assert answer.headers["Connection"] == "close"
    assert world.api.get(f"/locations/{world.ids['location']}").status_code == 200
