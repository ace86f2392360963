"""Interleavings forced by lock waits: who waits is seen in pg_stat_activity, never slept for."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.patience import PATIENT, wait_until
from tests.shop import Row, call


class Session:
    """One connection that can be made to wait while the test goes on."""

    def __init__(
        self, url: str, vendor_id: uuid.UUID, monitor: psycopg.Connection, options: str
    ) -> None:
        self.connection = psycopg.connect(url, autocommit=True, options=options)
        self.pid = self.connection.info.backend_pid
        self._vendor_id = vendor_id
        self._monitor = monitor
        self._thread = ThreadPoolExecutor(1)

    def close(self) -> None:
        """Give up whatever the session still does."""
        self.connection.cancel_safe()
        self._thread.shutdown()
        self.connection.close()

    def call(self, function: str, **arguments: Any) -> Row:
        """The first row that the function answers, in this thread."""
        return call(self.connection, function, vendor_id=self._vendor_id, **arguments)[0]

    def claim(self, *slot_ids: uuid.UUID, **more: Any) -> Row:
        """What claim_slot_and_create_booking answers, in this thread."""
        return self.call("claim_slot_and_create_booking", slot_ids=list(slot_ids), **more)

    def begin(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
        """Start work on this session in the background."""
        return self._thread.submit(work, *arguments, **named)

    def begin_and_wait_for_lock(
        self, work: Callable[..., Any], *arguments: Any, **named: Any
    ) -> Future[Any]:
        """Start work that must come to wait for a lock, and return once it does."""
        doing = self.begin(work, *arguments, **named)
        wait_until(lambda: self.waits_for_lock() or doing.done(), "nobody waits for a lock")
        assert not doing.done(), f"it did not wait: {doing.result()}"
        return doing

    def waits_for_lock(self) -> bool:
        """Whether the database says that this session waits for a lock."""
        return waiting(self._monitor, [self.pid]) == 1


def waiting(monitor: psycopg.Connection, pids: list[int]) -> int:
    """How many of these sessions wait for a lock at this moment."""
    found: int = monitor.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s) AND wait_event_type = 'Lock'",
        [pids],
    ).fetchone()[0]
    return found


@dataclass
class Sessions:
    """Opens sessions of a database, for the application or the owner, and watches them all.

    They wait for as long as a busy machine may need, unless they are to have the role's own limits.
    """

    app_url: str
    owner_url: str
    monitor: psycopg.Connection
    vendor_id: uuid.UUID
    opened: list[Session]

    def app(self, *, as_shipped: bool = False) -> Session:
        """A session of the application's role; `as_shipped`: with the patience that it has."""
        return self._open(self.app_url, "" if as_shipped else PATIENT)

    def owner(self) -> Session:
        """A session of the tables' owner."""
        return self._open(self.owner_url, PATIENT)

    def _open(self, url: str, options: str) -> Session:
        self.opened.append(Session(url, self.vendor_id, self.monitor, options))
        return self.opened[-1]

    def waiting(self) -> int:
        """How many of the sessions wait for a lock at this moment."""
        return waiting(self.monitor, [session.pid for session in self.opened])


@contextmanager
def sessions(database: Any, vendor_id: uuid.UUID) -> Iterator[Sessions]:
    """Sessions on a database for one test; all are closed at its end."""
    with psycopg.connect(database.superuser_url, autocommit=True) as monitor:
        opened = Sessions(database.app_url, database.owner_url, monitor, vendor_id, [])
        try:
            yield opened
        finally:
            for session in opened.opened:
                session.close()
