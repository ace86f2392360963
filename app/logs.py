"""Structured logs: one JSON object (or one readable line) an event, with the request's id.

Nothing that a customer typed belongs in here: log ids, codes and field names.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Talkative at level info about what our own log says better (a pool's is named after its class).
_QUIET_LOGGERS = ("alembic.runtime.plugins", "app.outages.OpenFirst")


def configure(level: str = "info", log_format: Literal["json", "console"] = "json") -> None:
    """Send everything that is logged in this process, by us or by libraries, to standard error.

    Values bound with `structlog.contextvars.bind_contextvars` (the request's id) join each line.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(["request_id"]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace exc_info by a traceback in which no error quotes a row or a request."""
    given = event.pop("exc_info", None)
    error = _exception_of(given) if given else None
    if error is not None:
        event["exception"] = "\n".join(_lines(error, in_request="request_id" in event))
    return event


def _exception_of(given: object) -> BaseException | None:
    if isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        return given
    return sys.exc_info()[1]


def _lines(error: BaseException, *, in_request: bool) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _lines(cause, in_request=in_request)
        yield "which led to:"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield f"{type(error).__qualname__}: {_message(error, in_request=in_request)}"


def _message(error: BaseException, *, in_request: bool) -> str:
    # PostgreSQL quotes the offending row in its message ("Failing row contains (...)"), and
    # SQLAlchemy the parameters: a customer's name and address.
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    if state:
        constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
        return f"SQLSTATE {state}" + (f", constraint {constraint}" if constraint else "")
    # Any other may quote what it choked on, which during a request is what somebody sent. The lines
    # of the traceback say where to look.
    return "(message withheld)" if in_request else str(original)
