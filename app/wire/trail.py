"""Gives each request an id, and leaves one line in the log and one count in the metrics for it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request

from app import metrics
from app.errors import Problem
from app.errors.problems import ids_in_address

# What the server puts into the environ: when all of the request was there, by time.perf_counter();
# and that its turn did not come, or that there was no room for it.
ARRIVED, CROWDED = "slotkeeper.arrived", "slotkeeper.crowded"
DROPPED_BYTES_MAX = 32 * 1024 * 1024
PIECE_BYTES = 65_536
# A UUID, 32 to 64 hexadecimal digits (trace ids), a ULID. Events keep it for good, so it must not
# be a name, an address or a number of somebody's: none has these forms.
_ACCEPTABLE_ID = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,64}|[0-7][0-9a-hjkmnp-tv-z]{25}",
    re.ASCII | re.IGNORECASE,
)

log = structlog.get_logger(__name__)
# Asked whether anybody listens: dropping a line in structlog takes thirty times as long.
_logger = logging.getLogger(__name__)


def leave_trail(app: Flask) -> None:
    """Register the id, the log line and the count with `app`."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = request.environ.get(ARRIVED) or time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if CROWDED in request.environ:
        raise Problem(
            "SERVICE_UNAVAILABLE", "The server is too busy to take this request. Nothing was done."
        )
    _refuse_other_languages()


def _refuse_other_languages() -> None:
    """406 where a caller of the API cannot take JSON; a quick look settles nearly all requests."""
    accept = request.headers.get("Accept", "")
    if not accept or "*/*" in accept or "json" in accept or not request.path.startswith("/api/"):
        return
    if not request.accept_mimetypes.accept_json:
        raise Problem("NOT_ACCEPTABLE", "Answers come as application/json.")


def _read_to_the_end() -> None:
    """Take in, and drop, a body that nobody read: the caller was refused, or it is too large.

    The server closes a connection on which something unread is left; the client would lose the
    answer while it still sends, or its next request. Beyond a bound we let it.
    """
    if "json_body" in g or not (request.content_length or "Transfer-Encoding" in request.headers):
        return
    drop(request.environ["wsgi.input"])


def drop(stream: Any) -> None:
    """Take in what is left of a body, within bounds."""
    left = DROPPED_BYTES_MAX
    while left > 0 and (piece := stream.read(min(left, PIECE_BYTES))):
        left -= len(piece)


def _end(response: Response) -> Response:
    _read_to_the_end()
    seconds = time.perf_counter() - g.began
    route = str(request.url_rule or "")
    response.headers["X-Request-Id"] = g.request_id
    metrics.count_request(request.method, route, response.status_code, seconds)
    if "Idempotency-Replayed" in response.headers:
        metrics.count_replay()
    # Refusals have a line of their own; successes are many, and the metrics count them.
    if _logger.isEnabledFor(logging.DEBUG):
        _log_answer(response, route, seconds)
    return response


def _log_answer(response: Response, route: str, seconds: float) -> None:
    """What was answered to whom, by ids: those of the address, and the address of what was made."""
    ids = ids_in_address()
    if "vendor_slug" in g:
        ids["vendor"] = g.vendor_slug
    if response.status_code == HTTPStatus.CREATED:
        ids["made"] = response.headers.get("Location", "")
    log.debug(
        "answered",
        method=request.method,
        route=route,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 2),
        **ids,
    )
