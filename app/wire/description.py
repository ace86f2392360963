"""Completes the OpenAPI description with what is the same for every call: examples, headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.errors import CODES
from app.errors.problems import MEDIA_TYPE
from app.wire.examples import BY_NAME, REQUESTS, example_of, problem_example

Json = dict[str, Any]

_PARAMETERS = {
    "vendor": "The vendor's slug.",
    "from": "What ends after this moment.",
    "to": "What begins before this moment.",
    "provider_id": "Of this provider only.",
    "location_id": "At this location only.",
    "service_id": "For this service.",
    "customer_id": "Of this customer only.",
    "date": "The day, by the calendar of each place.",
    "quantity": "So many places are wanted.",
}
_OF_PATH = "Which one, by its id."
_CODES_NAMED = re.compile(r"`([A-Z_]+)`")


def _header(description: str, **schema: Any) -> Json:
    return {"description": description, "schema": {"type": "string", **schema}}


HEADERS: Json = {
    "X-Request-Id": _header(
        "Names this request in the log; yours, if you sent a UUID, a ULID or a hex trace id."
    ),
    "ETag": _header(
        "The version, in quotes; for If-Match and If-None-Match.", pattern='^"[0-9]+"$'
    ),
    "Location": _header("The address of what was made."),
    "Idempotency-Replayed": _header(
        "Only on a repetition: this was done before, with this Idempotency-Key.", enum=["true"]
    ),
    "Retry-After": {
        "description": "Seconds to wait; sent where the same request can succeed later.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": _header("Bearer"),
    "RateLimit": _header("What is left of the quota, where the operator limits rates."),
    "RateLimit-Policy": _header("The quota and its window, where the operator limits rates."),
}


def complete(description: Json, public_url: str) -> Json:
    """The description with examples, response headers, and a sentence for each parameter."""
    components = description["components"]
    # What the library puts in for its own way of paging, which is not ours.
    components["schemas"].pop("PaginationMetadata", None)
    components["headers"] = HEADERS
    components["examples"] = {code: {"value": problem_example(code, public_url)} for code in CODES}
    for path in description["paths"].values():
        for parameter in path.get("parameters", ()):
            _complete_parameter(parameter, components)
    for operation in operations(description):
        for parameter in operation.get("parameters", ()):
            _complete_parameter(parameter, components)
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body and "example" not in body and operation["operationId"] in REQUESTS:
            body["example"] = REQUESTS[operation["operationId"]]
        for status, response in operation["responses"].items():
            _complete_response(operation, status, response, components)
    return description


def operations(description: Json) -> Iterator[Json]:
    """Every call of the description."""
    for path in description["paths"].values():
        yield from (each for name, each in path.items() if name != "parameters")


def _complete_parameter(parameter: Json, components: Json) -> None:
    name, schema = parameter["name"], parameter["schema"]
    if "null" in schema.get("type", ""):
        # An address has no null: what is not wanted is left out.
        schema["type"] = next(kind for kind in schema["type"] if kind != "null")
        schema.pop("default", None)
    own = _OF_PATH if parameter["in"] == "path" else ""
    said = parameter.get("description") or _PARAMETERS.get(name, own)
    parameter["description"] = _PARAMETERS["vendor"] if name == "vendor" else own or said
    # A cursor is opaque, and a header's value depends on what was answered before.
    if "example" not in parameter and (name in BY_NAME or "enum" in schema):
        parameter["example"] = example_of(schema, components, name)


def _complete_response(operation: Json, status: str, response: Json, components: Json) -> None:
    names = ["X-Request-Id", "RateLimit", "RateLimit-Policy"]
    if status >= "400":
        codes = _CODES_NAMED.findall(response["description"])
        response["content"][MEDIA_TYPE]["examples"] = {
            code: {"$ref": f"#/components/examples/{code}"} for code in codes
        }
        if any(CODES[code].retry_after_seconds for code in codes):
            names.append("Retry-After")
        if status == "401":
            names.append("WWW-Authenticate")
    else:
        names += _of_success(operation, status, response, components)
    response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _of_success(operation: Json, status: str, response: Json, components: Json) -> list[str]:
    """The names of the headers of a success, which is given its example."""
    names = []
    content = response.get("content", {}).get("application/json")
    if content:
        content["example"] = example_of(content["schema"], components)
        if isinstance(content["example"], dict) and "version" in content["example"]:
            names.append("ETag")
    if status == "201":
        names.append("Location")
    if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ())):
        names.append("Idempotency-Replayed")
    return names
