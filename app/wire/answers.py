"""Answers as JSON: times in UTC, versions as ETags, and what If-Match asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from flask.json.provider import DefaultJSONProvider

from app.errors import InvalidRequest

_ETAG = re.compile(r'"([0-9]{1,9})"')


class JsonProvider(DefaultJSONProvider):
    """Compact JSON in the order written, with times as RFC 3339 in UTC."""

    sort_keys = False
    ensure_ascii = False
    mimetype = "application/json"

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        kwargs.setdefault("separators", (",", ":"))
        return super().dumps(obj, **kwargs)

    @staticmethod
    def default(value: Any) -> Any:
        if isinstance(value, datetime):
            return utc(value)
        if isinstance(value, UUID):
            return str(value)
        raise TypeError(f"{type(value).__name__} has no place in an answer")


def utc(moment: datetime) -> str:
    """RFC 3339 in UTC with Z; fractions only when there are some. As utc of SQL."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def answer(body: Any, status: int = 200, *, unchanging: bool = True, **headers: str) -> Response:
    """`body` as JSON; a resource's version goes out as its ETag. GETs honour If-None-Match, but for
    those whose answer can change while the version does not: they are not `unchanging`.
    """
    response = current_app.response_class(
        current_app.json.dumps(body), status=status, mimetype="application/json"
    )
    if isinstance(body, dict) and "version" in body:
        response.headers["ETag"] = f'"{body["version"]}"'
        if request.method == "GET":
            # Who asks decides what is shown, so no shared cache may keep it.
            response.headers["Cache-Control"] = "private, no-cache"
            response.headers["Vary"] = "Authorization"
            if unchanging and request.if_none_match.contains_weak(str(body["version"])):
                response.status_code = 304
                response.set_data(b"")
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def answer_written(text: str) -> Response:
    """200 with JSON that is written already."""
    return current_app.response_class(text, mimetype="application/json")


def nothing() -> Response:
    """204: done, and there is nothing to show."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def created(body: Any, location: str, *, replayed: bool) -> Response:
    """201 with where the new thing is; a replay says so and is otherwise the same."""
    response = answer(body, 201, Location=location)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def expected_version() -> int | None:
    """The version that If-Match asks for; None when anything will do."""
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    match = _ETAG.fullmatch(header)
    if match:
        return int(match.group(1))
    if re.fullmatch(r'(W/)?"[^"]*"', header):
        # Somebody else's ETag, or a weak one: it cannot match. No version is 0.
        return 0
    raise InvalidRequest({"If-Match": 'Send one ETag as it was received, such as "3".'})
