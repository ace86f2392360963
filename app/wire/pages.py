"""Lists come in pages: `limit`, an opaque `cursor`, and `next_cursor` until there is no more."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from marshmallow import Schema, fields, validate

from app.errors import InvalidRequest

LIMIT_DEFAULT, LIMIT_MAX = 100, 500

Item = TypeVar("Item")
Parsed = TypeVar("Parsed")


class PageQuery(Schema):
    """Where in a list to go on, and how much of it to send."""

    limit = fields.Integer(
        load_default=LIMIT_DEFAULT,
        validate=validate.Range(1, LIMIT_MAX),
        metadata={"description": f"How many items at most; {LIMIT_DEFAULT} if not said."},
    )
    cursor = fields.String(
        load_default=None,
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
        "next_cursor": _encode(position(kept[-1])) if more else None,
    }


def position_after(cursor: str | None, *parsers: Callable[[str], Parsed]) -> list[Parsed] | None:
    """Where the cursor points, its parts parsed; None at the start. Raises InvalidRequest."""
    if cursor is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        return [parse(str(part)) for parse, part in zip(parsers, parts, strict=True)]
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise InvalidRequest({"cursor": "Not a cursor of this list."}) from None


def _encode(parts: tuple[Any, ...]) -> str:
    text = json.dumps([str(part) for part in parts], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
