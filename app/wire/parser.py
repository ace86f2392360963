"""Reads requests: strict JSON, then marshmallow; what is wrong comes back field by field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from flask import Request, g
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import InvalidRequest, Problem

_SURROGATE = re.compile("[\ud800-\udfff]")

DEPTH_MAX = 32
DIGITS_MAX = 100
_TOO_DEEP = {"body": f"Nested too deeply: {DEPTH_MAX} levels are the most."}


class Parser(FlaskParser):
    """Refuses unknown names, in bodies and in addresses alike, and what JSON does not know."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012  # webargs' own name.
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_json(self, req: Request, schema: Schema) -> Any:
        del schema
        g.json_body = body = read_json(req)
        return body

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        del req, schema, error_status_code, error_headers
        raise invalid(error)


def invalid(error: ValidationError) -> InvalidRequest:
    """What marshmallow found, with each field as a dotted path: slots.3.start."""
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]
    return InvalidRequest(dict(_flat(messages)))


def read_json(request: Request) -> Any:
    """The body, decoded; {} when there is none. Raises Problem on what is no proper JSON."""
    raw = request.get_data()
    if len(raw) < (request.content_length or 0):
        # The caller has gone in mid-sentence, and what arrived may still be JSON by chance.
        raise InvalidRequest({"body": "Ended before its Content-Length."})
    if not raw:
        return {}
    if request.content_length is None and len(raw) == request.max_content_length:
        # Without a length announced, a body is cut where it becomes too long.
        raise RequestEntityTooLarge
    if not request.is_json:
        raise Problem("UNSUPPORTED_MEDIA_TYPE", f"The body is {request.mimetype or 'untyped'}.")
    body = _decode(raw)
    # Only an escape can smuggle in what PostgreSQL cannot store: NUL and half a surrogate pair.
    if b"\\u" in raw:
        _refuse_unstorable(body, "body")
    return body


def _decode(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(
            raw.decode(),
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_each_once,
        )
    except RecursionError:
        raise InvalidRequest(_TOO_DEEP) from None
    except UnicodeDecodeError:
        raise InvalidRequest({"body": "Not UTF-8."}) from None
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        message = f"Not JSON: {what} at line {error.lineno}, column {error.colno}."
        raise InvalidRequest({"body": message}) from None
    except ValueError as error:
        raise InvalidRequest({"body": f"Not what JSON should hold: {error}."}) from None
    if raw.count(b"{") + raw.count(b"[") > DEPTH_MAX and _deeper(body, DEPTH_MAX):
        raise InvalidRequest(_TOO_DEEP)
    if not isinstance(body, dict):
        raise InvalidRequest({"body": "Must be a JSON object."})
    return body


def _flat(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            here = "" if name in {"_schema", "json", "query"} and not path else str(name)
            if name == "_schema":
                here = ""
            yield from _flat(inner, ".".join(part for part in (path, here) if part))
    else:
        yield path or "body", " ".join(str(message) for message in messages)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _whole(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise ValueError("a number has too many digits")
    return int(text)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has two members of one name")
    return members


def _deeper(value: Any, levels: int) -> bool:
    """Whether more than so many levels are nested; never recurses further than that."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and (levels == 0 or any(_deeper(each, levels - 1) for each in inner))


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _refuse_unstorable(value: Any, path: str) -> None:
    if isinstance(value, str):
        if "\0" in value or _SURROGATE.search(value):
            raise InvalidRequest({path: "Holds a character that is no text (NUL or a surrogate)."})
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_unstorable(inner, f"{path}.{index}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unstorable(name, path)
            _refuse_unstorable(inner, name if path == "body" else f"{path}.{name}")
