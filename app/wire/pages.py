"""Lists come in pages: `limit`, an opaque `cursor`, and `next_cursor` until there is no more."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import current_app, request
from marshmallow import Schema, fields, validate

from app.errors import InvalidRequest
from app.wire.fields import Count, Pattern

LIMIT_DEFAULT, LIMIT_MAX = 100, 500
SEAL_BYTES = 12
NO_CURSOR = (
    "Not a cursor of this list with these filters: send `next_cursor` of the page before,"
    " with the rest of the query unchanged; or leave it out to begin anew."
)

Item = TypeVar("Item")
Parsed = TypeVar("Parsed")


class PageQuery(Schema):
    """Where in a list to go on, and how much of it to send."""

    limit = Count(
        load_default=LIMIT_DEFAULT,
        validate=validate.Range(1, LIMIT_MAX),
        metadata={"description": f"How many items at most; {LIMIT_DEFAULT} if not said."},
    )
    cursor = fields.String(
        load_default=None,
        # What it is made of only helps those who send something else by mistake.
        validate=Pattern("^[A-Za-z0-9_-]{16,1000}$", error=NO_CURSOR),
        metadata={"description": "`next_cursor` of the page before, unchanged."},
    )


def page_of(item: type[Schema]) -> Schema:
    """The schema of a page of `item`s."""
    name = item.__name__.removesuffix("Schema")
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=f"{name}PageSchema",
    )()


def page(
    rows: Sequence[Item],
    limit: int,
    show: Callable[[Item], Any],
    position: Callable[[Item], tuple[Any, ...]],
) -> dict[str, Any]:
    """A page of `rows`, of which there is one more than `limit` if another page follows."""
    kept = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [show(row) for row in kept],
        "next_cursor": cursor_at(*position(kept[-1])) if more else None,
    }


def position_after(cursor: str | None, *parsers: Callable[[str], Parsed]) -> list[Parsed] | None:
    """Where the cursor points, its parts parsed; None at the start. Raises InvalidRequest.

    A cursor is good for the list that gave it, at the same vendor with the same filters: elsewhere
    its place would mean nothing.
    """
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
        seal, parts = text[:SEAL_BYTES], json.loads(text[SEAL_BYTES:])
        if not hmac.compare_digest(seal, _seal(text[SEAL_BYTES:])):
            raise InvalidRequest({"cursor": NO_CURSOR})
        return [parse(str(part)) for parse, part in zip(parsers, parts, strict=True)]
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise InvalidRequest({"cursor": NO_CURSOR}) from None


def cursor_at(*parts: Any) -> str:
    """The cursor that goes on after this position, in the list at hand."""
    text = json.dumps([str(part) for part in parts], separators=(",", ":"))
    sealed = _seal(text.encode()) + text.encode()
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _seal(position: bytes) -> bytes:
    """What binds a position to the list at hand: its address, its filters, and this server."""
    query = sorted(
        pair for pair in request.args.items(multi=True) if pair[0] not in {"limit", "cursor"}
    )
    bound = json.dumps([request.path, query]).encode() + position
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, bound, hashlib.sha256).digest()[:SEAL_BYTES]
