"""What the tests of bad input share: the walk over the description, and the look at the answer."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from app.wire.examples import example_of
from tests.bad_inputs import Bad
from tests.described import Operation, World, operations

INSIDE = re.compile(r"Traceback|psycopg|sqlalchemy|marshmallow|SQLSTATE|SELECT |File \"")


def check(bad: Bad, answer: httpx.Response, where: Any, field: str | None = None) -> None:
    """The answer is the one that the list promises."""
    field = bad.field if field is None else field
    assert answer.headers["Content-Type"] == "application/problem+json", (where, answer.text[:300])
    problem = answer.json()
    found = (answer.status_code, problem["code"])
    assert found == (bad.status, bad.code), (where, bad.what, answer.text[:600])
    assert not INSIDE.search(answer.text), where
    assert problem["hint"], where
    if "errors" in problem:
        said = {error["field"]: error["message"] for error in problem["errors"]}
        assert field in said, (where, bad.what, problem)
        message = said[field]
    else:
        message = problem["detail"].removeprefix(f"{field}: ")
        assert not field or problem["detail"].startswith(f"{field}: "), (where, problem)
    pattern = re.escape(bad.says).replace("…", ".*")
    assert re.fullmatch(pattern, message), (where, bad.what, message)


def each(rows: list[Bad]) -> Any:
    return pytest.mark.parametrize("bad", rows, ids=lambda bad: bad.what[:40].replace("\0", ""))


def kind_of(name: str, schema: dict[str, Any]) -> str:  # noqa: PLR0911  # One line a kind.
    """Which kind of bad_inputs.MEMBERS a member is."""
    kinds = schema.get("type", "")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    form = schema.get("format", "")
    if "properties" in schema or "object" in kinds:
        return "an object"
    if "array" in kinds:
        return "a list"
    if "boolean" in kinds:
        return "true or false"
    if "integer" in kinds:
        return "a whole number"
    if form in {"date-time", "uuid", "email", "date"}:
        names = {"uuid": "an id", "email": "an e-mail address", "date": "a day"}
        return names.get(form, "a time")
    if "enum" in schema:
        return "one of several words"
    known = {"phone": "a telephone number", "currency": "a currency", "time_zone": "a time zone"}
    if name in known:
        return known[name]
    if "pattern" in schema:
        return ""
    prose = not schema.get("minLength")
    return "notes, an address or a reason" if prose else "a name or another short text"


def members(
    spec: dict[str, Any], schema: dict[str, Any], path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any], bool]]:
    """Each member of a body: its path, its schema, and whether it may be null."""
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    for name, inner in schema.get("properties", {}).items():
        if inner.get("readOnly"):
            continue
        choices = inner.get("anyOf", [inner])
        nullable = {"type": "null"} in choices or "null" in inner.get("type", "")
        target = choices[0]
        if "$ref" in target:
            target = spec["components"]["schemas"][target["$ref"].rsplit("/", 1)[-1]]
        yield (*path, name), target, nullable
        yield from members(spec, target, (*path, name))
        items = target.get("items", {})
        if "$ref" in items:
            yield from members(spec, items, (*path, name, 0))


def spoilt(
    spec: dict[str, Any], operation: Operation, example: Any, path: tuple[Any, ...], value: Any
) -> Any:
    """The example with `value` at `path`; what is missing on the way there is made."""
    whole = example_of(operation.body["schema"], spec["components"])
    body = at = json.loads(json.dumps(example))
    made = whole
    for step in path[:-1]:
        made = made[step]
        if isinstance(at, dict) and at.get(step) is None:
            at[step] = made
        at = at[step]
    at[path[-1]] = value
    return body


def lists(spec: dict[str, Any]) -> list[Operation]:
    found = [one for one in operations(spec) if "cursor" in one.parameters("query")]
    assert len(found) > 8
    return found


def query_of(world: World, operation: Operation, more: str) -> httpx.Response:
    """The call with `more` at the end of its query, as it stands."""
    name = more.partition("=")[0]
    needed = {key: one for key, one in world.query(operation).items() if key != name}
    query = "&".join([*([str(httpx.QueryParams(needed))] if needed else []), more])
    return world.api.client.request(
        operation.method,
        f"{world.address(operation)}?{query}",
        headers=world.headers(operation),
    )


def raw(url: httpx.URL, content: bytes) -> httpx.Response:
    """What is answered to bytes on a connection of their own."""
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        # A server that has seen enough hangs up while we still send.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(content)
        received = b""
        with suppress(ConnectionResetError):
            while b"\r\n\r\n" not in received or len(received) < _length(received):
                piece = connection.recv(65_536)
                if not piece:
                    break
                received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
    return httpx.Response(int(lines[0].split()[1]), headers=headers, content=body)


def _length(received: bytes) -> int:
    head, _, _ = received.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return len(head) + 4 + (int(found[1]) if found else 0)
