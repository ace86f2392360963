"""From what the database raises to a Problem: by SQLSTATE, never by message or constraint name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy.exc

from app import logins
from app.errors import DatabaseProblem

_RAISED = {
    "55P03": ("INVENTORY_LOCKED", "Another request held the same slots for too long."),
    "40P01": ("CONCURRENCY_ABORT", "Changes at the same moment stood in each other's way."),
    "40001": ("CONCURRENCY_ABORT", "Changes at the same moment stood in each other's way."),
    "57014": ("TRANSACTION_TIMEOUT", "The database did not finish in time and undid its work."),
}
# Shutting down, starting up, out of connections or disk, a standby that cannot write.
_UNAVAILABLE = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05", "25006"})
_UNAVAILABLE_CLASSES = frozenset({"08", "53", "58"})
_ABORTED = frozenset({"40P01", "40001"})

NOT_SENT = "The database cannot be reached. Nothing was done."
UNKNOWN = (
    "The connection to the database was lost while the request ran. Whether it took effect is"
    " unknown: look before you repeat it, or repeat it with the same Idempotency-Key."
)


@contextmanager
def translated(*, sent: bool = True) -> Iterator[None]:
    """Turn database errors within into DatabaseProblems; what is our own fault stays as it is.

    `sent`: a statement may already have been on its way, so that a lost connection leaves its
    outcome unknown.
    """
    try:
        yield
    except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as error:
        problem = database_problem(error, sent=sent)
        if problem is None:
            raise
        raise problem from error


def database_problem(error: Exception, *, sent: bool = True) -> DatabaseProblem | None:
    """What `error` means to the caller; None where it is a defect of this program."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return DatabaseProblem("SERVICE_UNAVAILABLE", "All connections are busy. Nothing was done.")
    if not sent and isinstance(error, sqlalchemy.exc.InvalidRequestError):
        # The pool gave up: even a new connection was closed at once.
        return DatabaseProblem("SERVICE_UNAVAILABLE", NOT_SENT)
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    if isinstance(original, logins.NoLoginError):
        return DatabaseProblem("SERVICE_UNAVAILABLE", NOT_SENT, advice=logins.advice(state))
    if state in _RAISED:
        return DatabaseProblem(*_RAISED[state], aborted=state in _ABORTED)
    if _is_unreachable(original, state):
        return DatabaseProblem("SERVICE_UNAVAILABLE", UNKNOWN if sent else NOT_SENT, lost=sent)
    return None


def _is_unreachable(error: BaseException | None, state: str | None) -> bool:
    if state is not None:
        return state in _UNAVAILABLE or state[:2] in _UNAVAILABLE_CLASSES
    # Without a SQLSTATE it was libpq that spoke: no server, or no longer.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def told_to_operators(error: Exception) -> str:
    """What an operator should do, or what an API's caller is told; and what libpq said.

    That names hosts and roles, and never a password.
    """
    known = isinstance(error, DatabaseProblem)
    problem = error if isinstance(error, DatabaseProblem) else database_problem(error)
    if problem is None:
        return str(error)
    cause = error.__cause__ if known else error
    said = str(getattr(cause, "orig", None) or cause or "").strip().splitlines()
    sentence = problem.advice or str(problem)
    return f"{sentence} ({said[0].strip()})" if said else sentence
