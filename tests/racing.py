"""Races with a proof: all racers wait for one lock inside the database, and then it is let go.

Whether transactions really overlapped is not inferred from times. The test itself locks the slots,
lets the racers run into that lock, and goes on only when pg_stat_activity shows as many of the
application's transactions waiting for a lock as there can be: one a racer over SQL, and over HTTP
one a racer up to the number of threads of each worker.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psutil
import psycopg

from app.config import Settings
from tests.clients import Answer, Client, HttpClient, OwnerClient, SqlClient
from tests.patience import wait_until
from tests.shop import Shop
from tests.sweep import assert_clean

Racer = Callable[[], list[Answer]]
THREADS = Settings.threads
SQL_RACER, OWNER_RACER, SERVER = "sql racer", "owner racer", "slotkeeper"
IN_FLIGHT = """
    SELECT application_name, count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'
      AND xact_start IS NOT NULL AND pid <> ALL (%s)
    GROUP BY application_name
"""


@dataclass
class Arena:
    """A vendor of the test's own on a real server, clients to it, and a view of the database."""

    server: Any
    shop: Shop
    api_key: str
    slug: str
    # Only a superuser sees what the sessions of other roles wait for.
    monitor: psycopg.Connection
    clients: list[Client] = field(default_factory=list)
    raw_bookings: list[uuid.UUID] = field(default_factory=list)
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def workers(self) -> dict[int, set[int]]:
        """The server's worker processes, by pid, and the far ports of the connections each has."""
        port = int(self.server.url.rsplit(":", 1)[1])
        found = {}
        for process in psutil.Process(self.server.process.pid).children(recursive=True):
            sockets = process.net_connections(kind="tcp")
            if any(s.status == psutil.CONN_LISTEN and s.laddr.port == port for s in sockets):
                found[process.pid] = {s.raddr.port for s in sockets if s.raddr}
        return found

    def worker_of(self, client: HttpClient) -> int:
        """The pid of the worker that has this client's connection."""
        (pid,) = (pid for pid, ports in self.workers().items() if client.port in ports)
        return pid

    def worker_that_waits(self) -> int:
        """The pid of the worker whose session of the database waits for a lock."""
        (port,) = self.monitor.execute(
            "SELECT client_port FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND wait_event_type = 'Lock'",
            [SERVER],
        ).fetchone()
        (pid,) = (
            pid
            for pid in self.workers()
            for found in psutil.Process(pid).net_connections(kind="tcp")
            if found.laddr.port == port
        )
        return pid

    def end_waiting_sessions(self) -> None:
        """End the server's sessions that wait for a lock, as when its machine has died."""
        self.monitor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s"
            " AND wait_event_type = 'Lock'",
            [SERVER],
        )

    def http(self, number: int = 1) -> list[HttpClient]:
        """Connections over HTTP, dealt out evenly among the workers."""
        # Ready means that one worker answers; the race wants all of them.
        wait_until(lambda: len(self.workers()) == Settings.workers, "a worker is missing")
        workers = sorted(self.workers())
        fair = {pid: len(range(i, number, len(workers))) for i, pid in enumerate(workers)}
        chosen: list[HttpClient] = []
        while any(fair.values()):
            clients = [self._http() for _ in range(sum(fair.values()))]
            owners = {port: pid for pid, ports in self.workers().items() for port in ports}
            for client in clients:
                pid = owners[client.port]
                if fair[pid]:
                    fair[pid] -= 1
                    chosen.append(client)
                else:
                    client.close()
        self.clients += chosen
        return chosen

    def sql(self, number: int = 1) -> list[SqlClient]:
        """Connections as the application's role."""
        url, vendor_id = self.server.database.app_url, self.shop.vendor_id
        made = [SqlClient(url, vendor_id, SQL_RACER) for _ in range(number)]
        self.clients += made
        return made

    def owners(self, number: int = 1) -> list[OwnerClient]:
        """Connections as the tables' owner."""
        url = self.server.database.owner_url
        made = [OwnerClient(url, self.shop, OWNER_RACER) for _ in range(number)]
        self.clients += made
        return made

    def crowd(self, way: str, number: int) -> list[Client]:
        """So many clients: all over HTTP or through SQL, or every other one ("mixed")."""
        if way != "mixed":
            return [*(self.http(number) if way == "http" else self.sql(number))]
        over_http = [*self.http((number + 1) // 2)]
        through_sql = [*self.sql(number // 2)]
        return [
            (through_sql if i % 2 else over_http)[i // 2]  # type: ignore[index]
            for i in range(number)
        ]

    def race(
        self, racers: Sequence[tuple[Client, Callable[[], Answer]]], *slot_ids: uuid.UUID
    ) -> list[Answer]:
        """What each racer was answered; all of them ran into a lock on these slots first."""
        answers = self.race_all(
            [(client, lambda racer=racer: [racer()]) for client, racer in racers], *slot_ids
        )
        return [answer for (answer,) in answers]

    def race_all(
        self,
        racers: Sequence[tuple[Client, Racer]],
        *slot_ids: uuid.UUID,
        refusals: Collection[int] = (409,),
    ) -> list[list[Answer]]:
        """As race, for racers who do several things, of which the first waits for these slots.

        `refusals`: the statuses over HTTP that a refusal may have.
        """
        started = threading.Barrier(len(racers) + 1)

        def run(racer: Racer) -> list[Answer]:
            started.wait()
            return racer()

        expected = self._in_flight_at_most([client for client, _ in racers])
        with ThreadPoolExecutor(len(racers)) as threads:
            with self.held(*slot_ids) as holder:
                running = [threads.submit(run, racer) for _, racer in racers]
                started.wait()
                self.wait_for_waiters(expected, holder, running)
                print(f"waiting for one lock at one moment: {dict(expected)}")
            answers = [future.result() for future in running]
        flat = [answer for found in answers for answer in found]
        print(f"answers: {dict(codes(flat))}")
        check_answers(flat, refusals)
        return answers

    @contextmanager
    def held(self, *slot_ids: uuid.UUID) -> Iterator[psycopg.Connection]:
        """These slots are locked by the test, and let go at the end of the block."""
        with psycopg.connect(self.server.database.owner_url) as holder:
            # FOR UPDATE stops raw writers, too: their foreign key asks for KEY SHARE.
            holder.execute(
                "SELECT FROM slots WHERE vendor_id = %s AND id = ANY (%s) ORDER BY id FOR UPDATE",
                [self.shop.vendor_id, list(slot_ids)],
            )
            yield holder
            holder.rollback()

    def wait_for_waiters(
        self,
        expected: Counter[str],
        holder: psycopg.Connection,
        running: Sequence[Future[Any]] = (),
    ) -> None:
        """Return when exactly so many transactions, by application name, wait for a lock."""
        seen: Counter[str] = Counter()

        def queued() -> bool:
            nonlocal seen
            seen = Counter(
                dict(self.monitor.execute(IN_FLIGHT, [[holder.info.backend_pid]]).fetchall())
            )
            for future in running:
                assert not future.done(), f"somebody did not wait: {future.result()}"
            return seen == expected

        try:
            wait_until(queued, "")
        except AssertionError as late:
            if running and any(future.done() for future in running):
                raise
            raise AssertionError(f"expected {expected} to wait, saw {seen}") from late

    def settle(self) -> None:
        """Return when no transaction of anybody else is in flight in the database."""
        wait_until(
            lambda: (
                not self.monitor.execute(
                    "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction')"
                ).rowcount
            ),
            "a transaction is left over",
        )

    def bookings(self) -> dict[uuid.UUID, str]:
        """Every booking of the vendor as the database has it, and its status."""
        rows = self.shop.rows("SELECT id, status FROM bookings WHERE vendor_id = %s")
        return {row["id"]: row["status"] for row in rows}

    def deadlocks(self) -> int:
        """How many deadlocks the database has had to break."""
        found: int = self.monitor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()[0]
        return found

    def sweep(self) -> None:
        """Every promise of the vendor holds, once nobody is at work any more."""
        self.settle()
        assert_clean(self.shop.owner, self.shop.vendor_id, self.raw_bookings)

    def _http(self) -> HttpClient:
        name = f"Customer {next(self._names)}"
        return HttpClient(self.server.url, self.slug, self.api_key, name)

    def _in_flight_at_most(self, clients: Sequence[Client]) -> Counter[str]:
        ports = {client.port for client in clients if isinstance(client, HttpClient)}
        over_http = sum(min(THREADS, len(ports & theirs)) for theirs in self.workers().values())
        return +Counter(
            {
                SERVER: over_http,
                SQL_RACER: sum(isinstance(client, SqlClient) for client in clients),
                OWNER_RACER: sum(isinstance(client, OwnerClient) for client in clients),
            }
        )


def check_answers(answers: Sequence[Answer], refusals: Collection[int] = (409,)) -> None:
    """Over HTTP a success is a 2xx and a refusal a 409 (or as said), and there is nothing else."""
    for answer in answers:
        if answer.status is not None:
            refused = "title" in answer.body
            assert answer.status in (refusals if refused else {200, 201, 204}), answer


def codes(answers: Sequence[Answer]) -> Counter[str]:
    """How many answers there were of each code."""
    return Counter(answer.code for answer in answers)
