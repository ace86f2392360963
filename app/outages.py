"""While the database is down, nobody waits for it: the breaker of this process, and a time limit.

Without them each request would wait for a connection that nobody answers, and every thread with it.
"""

from __future__ import annotations

import contextlib
import select
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
import structlog
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event, exc
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.util.queue import Queue

from app import logins, metrics
from app.deadlines import Deadlines, hang_up

Dialled = TypeVar("Dialled")
# So long after a failure nobody tries to connect; then one does.
REST_SECONDS = 0.5
# A statement ends within statement_timeout if the server is alive to end it.
ANSWER_MARGIN_SECONDS = 5
# What a connection of the pool knows: when it was made, by a clock that nobody sets, and who minds
# its time.
_MADE_AT, _DEADLINES = "made_at", "deadlines"

log = structlog.get_logger(__name__)


class NotDialledError(logins.NoLoginError):
    """The database was down a moment ago, and it is another's turn to see whether it still is.

    `sqlstate`: why whoever tried last got no connection.
    """


class _OpenOnTop(Queue[ConnectionPoolEntry]):
    """A stack at whose bottom lies what has no connection."""

    def _put(self, item: ConnectionPoolEntry) -> None:
        if item.dbapi_connection is None:
            self.queue.appendleft(item)
        else:
            super()._put(item)


class OpenFirst(QueuePool):
    """Hands out a connection that is open, if there is one, before it has another made.

    Whoever could not connect gives back an empty place. On top of the stack it would be the next
    that is tried, and refused, time and again, while open connections lie beneath it.
    """

    _queue_class = _OpenOnTop


class Breaker:
    """Lets everybody connect; after a failure nobody, but one at a time to see whether it is over.

    Connections that are open and answer are not its business.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_since: float | None = None
        self._next_dial = 0.0
        self._reason: str | None = None
        # By the monotonic clock: connections from before are not to be trusted.
        self.broken_at = 0.0

    def dial(self, connect: Callable[[], Dialled], patience_seconds: float) -> Dialled:
        """What `connect` makes within `patience_seconds`; raises its error, or NotDialledError."""
        with self._lock:
            if self._open_since is not None:
                now = time.monotonic()
                if now < self._next_dial:
                    raise NotDialledError("The database was down a moment ago.", self._reason)
                self._next_dial = now + patience_seconds + REST_SECONDS
        try:
            connection = connect()
        except psycopg.OperationalError as error:
            self._failed(error.sqlstate, error.sqlstate or "no answer")
            raise
        self._succeeded()
        return connection

    def distrust(self) -> None:
        """A connection has fallen silent: drop the others when they are next used, and dial."""
        self.broken_at = time.monotonic()
        self._failed(None, "silent", rest_seconds=0)

    def _failed(
        self, sqlstate: str | None, reason: str, rest_seconds: float = REST_SECONDS
    ) -> None:
        with self._lock:
            self._next_dial = time.monotonic() + rest_seconds
            known, self._reason = self._reason, sqlstate
            begins = self._open_since is None
            if begins:
                self._open_since = time.monotonic()
        advice = logins.advice(sqlstate)
        if begins:
            metrics.set_breaker(is_open=True)
        # A server that was starting up may turn out to have another password for us.
        if begins or (advice and sqlstate != known):
            log.warning("database down", reason=reason, **({"advice": advice} if advice else {}))

    def _succeeded(self) -> None:
        with self._lock:
            if self._open_since is None:
                return
            seconds = time.monotonic() - self._open_since
            self._open_since = None
        metrics.set_breaker(is_open=False)
        log.warning("database back", seconds=round(seconds, 1))


def guard(engine: Engine, statement_seconds: int, connect_seconds: int) -> Breaker:
    """Give `engine` a breaker, and its connections a time within which each statement must end."""
    breaker = Breaker()

    def hang_up_silent(connection: psycopg.Connection[object]) -> None:
        breaker.distrust()
        # Whoever waits may have got its answer, or an error, in this very moment.
        with contextlib.suppress(psycopg.Error):
            hang_up(connection.pgconn.socket)

    deadlines: Deadlines[psycopg.Connection[object]] = Deadlines(
        "silent-database", statement_seconds + ANSWER_MARGIN_SECONDS, hang_up_silent, _is_silent
    )

    def dial(
        dialect: object, _record: object, words: list[object], named: dict[str, object]
    ) -> object:
        return breaker.dial(lambda: logins.dial(dialect, words, named), connect_seconds)

    def made(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_MADE_AT] = time.monotonic()
        record.info[_DEADLINES] = deadlines

    def taken(
        connection: psycopg.Connection[object], record: ConnectionPoolEntry, *_: object
    ) -> None:
        if record.info.get(_MADE_AT, 0.0) < breaker.broken_at:
            raise exc.DisconnectionError("The database has fallen silent since.")
        deadlines.begin(id(record.record_info), connection)

    def renewed(connection: Connection, *_: object) -> None:
        # Rolled back when it was lost, there is none any more.
        if not connection.invalidated:
            renew(connection.connection)

    def returned(_connection: object, record: ConnectionPoolEntry) -> None:
        deadlines.done(id(record.record_info))

    event.listen(engine, "do_connect", dial)
    event.listen(engine, "connect", made)
    event.listen(engine, "checkout", taken)
    for statement in ("before_cursor_execute", "commit", "rollback"):
        event.listen(engine, statement, renewed)
    event.listen(engine, "checkin", returned)
    event.listen(engine, "handle_error", _keep_others)
    return breaker


def renew(pooled: PoolProxiedConnection) -> None:
    """Give a connection its time again, for the next statement of its transaction.

    A statement that comes alone needs none of it: it begins with the checkout.
    """
    deadlines = pooled.info.get(_DEADLINES)
    if deadlines is not None:
        deadlines.renew(id(pooled.record_info))


def _keep_others(context: ExceptionContext) -> None:
    """A lost connection leaves the others alone, which the pool would drop by the clock of the day.

    Those that were closed are noticed at the checkout, and silence is the breaker's business.
    """
    context.invalidate_pool_on_disconnect = False


def _is_silent(connection: psycopg.Connection[object]) -> bool:
    """Whether it is in a statement and nothing of an answer has come that we have not read.

    A session that is between two statements, or a process that was stopped itself, says nothing
    about the database. Both are known here, without asking the database.
    """
    if connection.closed or connection.info.transaction_status != TransactionStatus.ACTIVE:
        return False
    poll = select.poll()
    try:
        poll.register(connection.pgconn.socket, select.POLLIN)
    except psycopg.Error:
        # Closed in this very moment.
        return False
    return not poll.poll(0)
