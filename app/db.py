"""The door's way to the database: one engine and pool, and `call`, which runs one SQL function."""

from __future__ import annotations

import random
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import psycopg
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, event, exc
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from app import logins, metrics, outages
from app.config import Settings, sqlalchemy_url
from app.errors import DatabaseProblem
from app.errors.sqlstates import translated

Row = Any
Result = TypeVar("Result")

POOL_TIMEOUT_SECONDS = 5
CONNECT_TIMEOUT_SECONDS = 5
ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 0.01

db = SQLAlchemy(session_options={"expire_on_commit": False})


class CommandContext(Protocol):
    """What a command is handed: settings, and the context in which features reach the database."""

    def settings(self) -> Settings: ...

    def application(self) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class Nested:
    """An argument that is itself the result of a SQL function, in the same statement."""

    function: str
    arguments: tuple[tuple[str, Any], ...]


def init_database(app: Flask, settings: Settings) -> None:
    """Give `app` the one engine of this process: as many connections as threads, and no more."""
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(settings.require_database_url())
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "poolclass": outages.OpenFirst,
        "pool_size": settings.threads,
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        "pool_use_lifo": True,
        "connect_args": {
            "application_name": "slotkeeper",
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "keepalives_idle": 30,
            "tcp_user_timeout": 15_000,
            **_of_the_session(settings),
        },
    }
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "do_connect", _dial)
        event.listen(db.engine, "connect", _commit_each_statement)
        event.listen(db.engine, "begin", _begin)
        event.listen(db.engine, "checkout", _refuse_closed_connection)


def _of_the_session(settings: Settings) -> dict[str, Any]:
    """What belongs to a session, where there is one.

    Behind a pooler of transactions each may run in another: the role's own settings hold there
    (roles.ROLE_SETTINGS), and nothing is prepared that the next session would not know.
    """
    if settings.database_pooler == "transaction":
        return {"prepare_threshold": None}
    lock, statement = settings.lock_seconds, settings.statement_seconds
    return {"options": f"-c timezone=UTC -c lock_timeout={lock}s -c statement_timeout={statement}s"}


def watch_pool(app: Flask, settings: Settings) -> None:
    """Let the metrics say how many connections of this process's pool there are, and in use.

    And let no request wait for a database that is down: see outages.
    """
    metrics.set_pool_size(settings.threads)
    with app.app_context():
        event.listen(db.engine, "checkout", _count_taken)
        event.listen(db.engine, "checkin", _count_returned)
        # The breaker dials itself, and whoever dials first is the only one.
        event.remove(db.engine, "do_connect", _dial)
        outages.guard(db.engine, settings.statement_seconds, CONNECT_TIMEOUT_SECONDS)


def offline_app(settings: Settings) -> Flask:
    """An application without a web side: the context in which commands reach the database."""
    app = Flask("slotkeeper")
    app.config["PUBLISH_DAYS"] = settings.publish_days
    init_database(app, settings)
    return app


def call(function: str, *, within: Session | None = None, **arguments: Any) -> Row:
    """Run one SQL function in one round trip and return its one row, as a named tuple.

    On a connection of its own it commits at once; `within` a session it is part of that
    transaction. Deadlocks and serialization failures are tried again a few times; a lost connection
    once, and only when `p_idempotency_key` makes that safe. Raises DatabaseProblem.
    """
    if within is not None:
        with translated():
            return _execute(_driver_connection(within), function, arguments)[0]
    safe = arguments.get("p_idempotency_key") is not None
    return _persist(lambda: _on_own_connection(function, arguments)[0], repeatable=safe)


def call_rows(function: str, *, within: Session | None = None, **arguments: Any) -> list[Row]:
    """Run one SQL function that only reads, and return all its rows. Raises DatabaseProblem."""
    if within is not None:
        with translated():
            return _execute(_driver_connection(within), function, arguments)
    return _persist(lambda: _on_own_connection(function, arguments), repeatable=True, reads=True)


def read(statement: str, *values: Any, **named: Any) -> list[Row]:
    """Run one SELECT in one round trip, with %s for the values, or %(name)s for each of `named`.

    Raises DatabaseProblem.
    """

    def work() -> list[Row]:
        with _connection() as connection, connection.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(statement, named or values, prepare=True).fetchall()

    return _persist(work, repeatable=True, reads=True)


def call_each(
    calls: Sequence[tuple[str, dict[str, Any]]],
    *,
    within: Session,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Run SQL functions with their arguments, one after another in the transaction, and return the
    one row of each; none is waited for before the next is sent, and all of them only after
    `meanwhile`. Raises DatabaseProblem.
    """
    connection = _driver_connection(within)
    with translated(), ExitStack() as cursors, connection.pipeline():
        begun = [
            _begun(cursors.enter_context(connection.cursor(row_factory=namedtuple_row)), *one)
            for one in calls
        ]
        meanwhile()
        return [cursor.fetchall()[0] for cursor in begun]


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction on the request's session: committed at the end, undone by any error."""
    session: Session = db.session()
    try:
        began = time.perf_counter()
        with translated(sent=False):
            session.connection()
        metrics.count_pool_wait(time.perf_counter() - began)
        with translated():
            yield session
            session.commit()
    except BaseException:
        # With its connection the transaction was lost, too: what is told is why it ended.
        with suppress(exc.DBAPIError):
            session.rollback()
        raise


def persist(work: Callable[[], Result], *, repeatable: bool = False) -> Result:
    """Run a transaction again, a few times, when a deadlock or serialization failure undid it.

    What is `repeatable`, because it remembers an idempotency key in that same transaction, is run
    once more when its connection was lost. Raises what `work` raises.
    """
    return _persist(work, repeatable=repeatable)


def _persist(work: Callable[[], Result], *, repeatable: bool, reads: bool = False) -> Result:
    unknown: DatabaseProblem | None = None
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            return work()
        except DatabaseProblem as problem:
            if problem.lost and not reads:
                # Whatever the next attempt is told, this one may have taken effect.
                unknown = problem
            again = problem.aborted or (problem.lost and repeatable and attempt == 1)
            if not again or attempt == ATTEMPTS_MAX:
                raise (unknown or problem) from problem.__cause__
            metrics.count_retry("aborted" if problem.aborted else "lost")
            if problem.aborted:
                # Jitter, so that those who met do not meet again.
                time.sleep(random.uniform(0, BACKOFF_SECONDS * 2**attempt))  # noqa: S311
        except psycopg.errors.UndefinedFunction:
            # A migration has changed what the function was about to call: all it did is undone, and
            # the next finds the new one. Where that is missing, too, it is a defect.
            if attempt > 1:
                raise
            metrics.count_retry("aborted")
    raise AssertionError("unreachable")


def _on_own_connection(function: str, arguments: dict[str, Any]) -> list[Row]:
    with _connection() as connection:
        return _execute(connection, function, arguments)


def _execute(
    connection: psycopg.Connection[Any], function: str, arguments: dict[str, Any]
) -> list[Row]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return _begun(cursor, function, arguments).fetchall()


def _begun(
    cursor: psycopg.Cursor[Any], function: str, arguments: dict[str, Any]
) -> psycopg.Cursor[Any]:
    shape = tuple((name, _shape(value)) for name, value in arguments.items())
    values = [part for value in arguments.values() for part in _parts(value)]
    return cursor.execute(_statement(function, shape), values, prepare=True)


def _parts(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Nested):
        return tuple(inner for _, inner in value.arguments)
    return (Jsonb(value),) if isinstance(value, dict) else (value,)


def _shape(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, Nested):
        return (value.function, *(name for name, _ in value.arguments))
    return None


@lru_cache(maxsize=256)
def _statement(function: str, shape: tuple[tuple[str, tuple[str, ...] | None], ...]) -> bytes:
    return f"SELECT * FROM {_call_text(function, shape)}".encode()  # noqa: S608  # Names are ours.


def _call_text(function: str, shape: Sequence[tuple[str, tuple[str, ...] | None]]) -> str:
    given = []
    for name, nested in shape:
        value = "%s"
        if nested is not None:
            value = _call_text(nested[0], [(inner, None) for inner in nested[1:]])
        given.append(f"{name} => {value}")
    return f"{function}({', '.join(given)})"


@contextmanager
def _connection() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the pool in autocommit mode: one statement, one transaction, no BEGIN."""
    began = time.perf_counter()
    try:
        with translated(sent=False):
            pooled = db.engine.raw_connection()
    finally:
        metrics.count_pool_wait(time.perf_counter() - began)
    connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
    try:
        with translated():
            yield connection
    finally:
        # Also when an exception came between a statement and its result.
        if connection.info.transaction_status != TransactionStatus.IDLE:
            pooled.invalidate()
        pooled.close()


def _driver_connection(session: Session) -> psycopg.Connection[Any]:
    """The session's connection, with all its time for the statement that is about to be sent."""
    pooled = session.connection().connection
    outages.renew(pooled)
    return pooled.driver_connection  # type: ignore[return-value]


def _dial(dialect: object, _record: object, words: object, named: object) -> object:
    """As the pool does it, with the SQLSTATE of what refuses us."""
    return logins.dial(dialect, words, named)


def _commit_each_statement(connection: psycopg.Connection[Any], _record: object) -> None:
    """Every connection is in autocommit mode for good: switching it to and fro costs each call."""
    connection.autocommit = True


def _begin(connection: Connection) -> None:
    """A session's transaction begins in words, since the mode does not begin it."""
    connection.exec_driver_sql("BEGIN")


def _refuse_closed_connection(connection: psycopg.Connection[Any], *_: object) -> None:
    """Notice at checkout, without a round trip, that the server has closed an idle connection.

    An idle connection has nothing to read unless the server said goodbye; then the pool opens
    another.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    if poll.poll(0):
        raise exc.DisconnectionError("The server has closed this connection.")


def _count_taken(_connection: object, record: ConnectionPoolEntry, *_: object) -> None:
    # Noted with the record: a connection that was refused at checkout comes back uncounted, or is
    # replaced and taken a second time.
    if record.record_info is not None and "counted" not in record.record_info:
        record.record_info["counted"] = True
        metrics.count_connection(1)


def _count_returned(_connection: object, record: ConnectionPoolEntry) -> None:
    if record.record_info and record.record_info.pop("counted", False):
        metrics.count_connection(-1)
