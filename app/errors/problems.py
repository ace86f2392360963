"""Answers problems as application/problem+json (RFC 9457), counts them and logs them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from app import metrics
from app.errors import Problem, Refusal
from app.errors.sqlstates import database_problem

PATH_SHOWN_MAX = 200
MEDIA_TYPE = "application/problem+json"
_BY_STATUS = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    414: "VALIDATION_ERROR",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    431: "VALIDATION_ERROR",
    503: "SERVICE_UNAVAILABLE",
}

log = structlog.get_logger(__name__)


def register_handlers(app: Flask) -> None:
    """Make every answer of `app` that is no success a problem document."""
    app.register_error_handler(Problem, answer_problem)
    app.register_error_handler(psycopg.Error, _answer_database_error)
    app.register_error_handler(sqlalchemy.exc.SQLAlchemyError, _answer_database_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unexpected)


def problem_type(code: str) -> str:
    """The URI that names a code and leads to its documentation."""
    return f"{current_app.config['PUBLIC_URL']}/docs/errors#{code.lower()}"


def answer_problem(problem: Problem) -> Response:
    """The problem document, counted and logged."""
    _record(problem)
    body = {
        "type": problem_type(problem.code),
        "title": problem.meaning.title,
        "status": problem.meaning.status,
        "detail": problem.detail,
        "code": problem.code,
        "hint": problem.hint,
        "retryable": problem.meaning.retryable,
        "request_id": g.get("request_id"),
        **problem.members,
    }
    response = Response(current_app.json.dumps(body), problem.meaning.status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if problem.meaning.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(problem.meaning.retry_after_seconds)
    if problem.code == "UNAUTHENTICATED":
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.update(problem.headers)
    return response


def ids_in_address() -> dict[str, str]:
    """The ids that the request's address names; what else stands in it may be anything."""
    given = (request.view_args or {}).items()
    return {name: str(value) for name, value in given if isinstance(value, UUID)}


def _record(problem: Problem) -> None:
    """Count it, and log what was refused to whom by ids: never a name, an address or a note."""
    metrics.count_refusal(problem.code)
    facts: dict[str, Any] = {"code": problem.code, "status": problem.meaning.status}
    if has_request_context():
        facts |= {"method": request.method, "route": str(request.url_rule or "")}
        facts |= ids_in_address()
    if "vendor_slug" in g:
        facts["vendor"] = g.vendor_slug
    if isinstance(problem, Refusal):
        facts |= {name: value for name, value in problem.ids.items() if value is not None}
    if problem.meaning.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("refused", **facts)
    else:
        log.info("refused", **facts)


def _answer_database_error(error: psycopg.Error | sqlalchemy.exc.SQLAlchemyError) -> Response:
    problem = database_problem(error, sent=request.method not in {"GET", "HEAD", "OPTIONS"})
    return answer_problem(problem) if problem else _answer_unexpected(error)


def _answer_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return Response(response=error.get_response().response, status=status)
    code = _BY_STATUS.get(status, "INTERNAL_ERROR" if status >= 500 else "VALIDATION_ERROR")
    headers = {}
    valid_methods = getattr(error, "valid_methods", None)
    if valid_methods:
        headers["Allow"] = ", ".join(sorted(valid_methods))
    return answer_problem(Problem(code, _http_detail(code), headers=headers))


def _http_detail(code: str) -> str | None:
    match code:
        case "NOT_FOUND":
            return f"There is nothing at {request.path[:PATH_SHOWN_MAX]}."
        case "METHOD_NOT_ALLOWED":
            return f"{request.method} is not allowed at {request.path[:PATH_SHOWN_MAX]}."
        case "PAYLOAD_TOO_LARGE":
            return f"The body may have at most {request.max_content_length} bytes here."
        case _:
            return None


def _answer_unexpected(error: Exception) -> Response:
    log.error("unexpected", exc_info=error, route=str(request.url_rule or ""))
    return answer_problem(Problem("INTERNAL_ERROR"))
