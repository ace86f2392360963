"""Reads requests: strict JSON, then marshmallow; what is wrong comes back field by field."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any, NoReturn

from flask import Request, g
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import InvalidRequest, Problem
from app.wire.heads import require_sound_query
from app.wire.sentences import BY_SCHEMA, UNKNOWN_FIELD

_SURROGATE = re.compile("[\ud800-\udfff]")

DEPTH_MAX = 32
DIGITS_MAX = 100
ERRORS_MAX = 100
NAME_SHOWN_MAX = 100
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

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        many = {
            field.data_key or name
            for name, field in schema.fields.items()
            if isinstance(field, fields.List) and getattr(field, "is_multiple", True)
        }
        require_sound_query(req, many)
        return super().load_querystring(req, schema)

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        del req, error_status_code, error_headers
        raise invalid(error, schema)


def invalid(error: ValidationError, schema: Schema | None = None) -> InvalidRequest:
    """What marshmallow found, with each field as a dotted path: slots.3.start.

    Given the schema, unknown names are told apart from misspelt ones. At most ERRORS_MAX are named.
    """
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]
    names = [field.data_key or name for name, field in schema.load_fields.items()] if schema else []
    return InvalidRequest(
        {
            field[:NAME_SHOWN_MAX]: unknown(field, names)
            if message == UNKNOWN_FIELD
            else BY_SCHEMA.get(message, message)
            for field, message in islice(_flat(messages), ERRORS_MAX)
        }
    )


def unknown(field: str, names: Sequence[str]) -> str:
    """What to do about a name that is not known, where `names` are."""
    alike = get_close_matches(field, names, 1, 0.75) if len(field) <= NAME_SHOWN_MAX else []
    return f"Unknown: did you mean {alike[0]}?" if alike else "Unknown: leave it out."


def nothing_of(given: Any) -> Any:
    """`given`, which must be empty: of a call that takes nothing. Raises InvalidRequest."""
    if given:
        names = [str(name)[:NAME_SHOWN_MAX] or "body" for name in islice(given, ERRORS_MAX)]
        raise InvalidRequest(dict.fromkeys(names, "Unknown: this call takes none; leave it out."))
    return given


def read_json(request: Request) -> Any:
    """The body, decoded; {} when there is none. Raises Problem on what is no proper JSON."""
    raw = _whole_body(request)
    if not raw:
        return {}
    if not request.is_json or ";" in request.content_type or request.content_encoding:
        _require_plain(request, request.is_json, "JSON")
    body = _decode(raw)
    # Only an escape can smuggle in what PostgreSQL cannot store: NUL and half a surrogate pair.
    if b"\\u" in raw:
        _refuse_unstorable(body, "body")
    return body


def read_bytes(request: Request, media_type: str) -> bytes:
    """The body, which must be there and call itself of the media type, in UTF-8. Raises Problem.

    It is kept in `g` as what an idempotency key stands for, with the query.
    """
    raw = _whole_body(request)
    if not raw:
        raise InvalidRequest({"body": "Is required."})
    _require_plain(request, request.mimetype == media_type, media_type)
    g.json_body = {**request.args, "": hashlib.sha256(raw).hexdigest()}
    return raw


def _whole_body(request: Request) -> bytes:
    """The body as it came; empty when there is none. Raises Problem when it is cut short."""
    raw = request.get_data()
    if len(raw) < (request.content_length or 0):
        # The caller has gone in mid-sentence, and what arrived may still be JSON by chance.
        raise InvalidRequest({"body": "Ended before its Content-Length."})
    if not raw:
        _require_no_chunks(request)
    elif request.content_length is None and len(raw) == request.max_content_length:
        # Without a length announced, a body is cut where it becomes too long.
        raise RequestEntityTooLarge
    return raw


def _require_no_chunks(request: Request) -> None:
    """A body whose chunks are malformed arrives as an empty one: nothing must be made of that."""
    if "Transfer-Encoding" in request.headers:
        raise InvalidRequest({"body": "Came in chunks that hold nothing, or cannot be read."})


def _require_plain(request: Request, right: bool, wanted: str) -> None:  # noqa: FBT001
    """Of the right media type, in UTF-8 and not compressed. Raises Problem."""
    if request.content_encoding not in {None, "", "identity"}:
        raise Problem(
            "UNSUPPORTED_MEDIA_TYPE",
            f"Content-Encoding: bodies are not taken compressed ({request.content_encoding[:40]}).",
        )
    if not right:
        kind = request.mimetype[:NAME_SHOWN_MAX]
        raise Problem(
            "UNSUPPORTED_MEDIA_TYPE",
            f"Content-Type: the body calls itself {kind}, not {wanted}."
            if kind
            else f"Content-Type: the body does not say that it is {wanted}.",
            hint=None if wanted == "JSON" else f"Send it with Content-Type: {wanted}.",
        )
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise Problem(
            "UNSUPPORTED_MEDIA_TYPE", f"Content-Type: {wanted} is in UTF-8, not {charset[:40]}."
        )


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
        what = error.msg.removesuffix(" at").replace(" (decode using utf-8-sig)", "")
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
