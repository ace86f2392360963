"""Customers who book one after the other while a test breaks something, and an account of it.

Every wish has an Idempotency-Key and comes to one of four ends: acknowledged (201), refused (a
problem that says so), unknown (a problem that says nobody knows) or lost (no answer at all). What
nobody knows is settled afterwards with its key.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from types import TracebackType
from typing import Any, Self

import psycopg

from tests.clients import HttpClient
from tests.patience import wait_until
from tests.racing import Arena


@dataclass
class Wish:
    """One request for a booking, and what came of it after so many seconds."""

    key: str
    customer: dict[str, str]
    end: str
    code: str
    began: float
    seconds: float
    booking_id: uuid.UUID | None = None


@dataclass
class Load:
    """So many customers at once on one slot with room for all; a context manager."""

    arena: Arena
    slot: uuid.UUID
    customers: int
    wishes: list[Wish] = field(default_factory=list)
    in_flight: dict[int, float] = field(default_factory=dict)
    nobody_there: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: list[Future[None]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self.customers)
        self._running = [self._threads.submit(self._book, n) for n in range(self.customers)]
        self.wait_for_each(3)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._threads.shutdown()
        if error is None:
            for customer in self._running:
                customer.result()

    def wait_for_each(self, more: int = 1) -> float:
        """Return when every customer has got so many more bookings; how many seconds it took."""
        began = time.monotonic()

        def served() -> bool:
            since = Counter(
                wish.customer["name"]
                for wish in self.wishes.copy()
                if wish.end == "acknowledged" and wish.began >= began
            )
            return len(since) == self.customers and min(since.values()) >= more

        self._wait_until(served, "not everybody is served")
        return time.monotonic() - began

    def wait_for(self, end: str, number: int, since: float = 0.0) -> None:
        """Return when so many wishes begun since then have come to this end."""
        self._wait_until(
            lambda: sum(w.end == end and w.began >= since for w in self.wishes.copy()) >= number,
            f"too few are {end}",
        )

    def _wait_until(self, happened: Callable[[], bool], complaint: str) -> None:
        """Return once it has happened; fail with what ended a customer, if something did."""

        def happened_or_ended() -> bool:
            for customer in self._running:
                if customer.done():
                    customer.result()
            return happened()

        try:
            wait_until(happened_or_ended, complaint)
        except AssertionError as error:
            now = time.monotonic()
            waiting = {n: round(now - began, 1) for n, began in self.in_flight.copy().items()}
            error.add_note(f"{self.counts()} {self._refusals()}, in flight for seconds: {waiting}")
            raise

    def counts(self) -> Counter[str]:
        """How many wishes came to which end."""
        return Counter(wish.end for wish in self.wishes.copy())

    def of(self, end: str) -> list[Wish]:
        """The wishes that came to this end."""
        return [wish for wish in self.wishes if wish.end == end]

    def slowest(self, since: float = 0.0) -> float:
        """The longest time that anybody waited for an answer, of those begun since then."""
        return max((wish.seconds for wish in self.wishes if wish.began >= since), default=0.0)

    def settle_accounts(self, url: str | None = None) -> dict[str, int]:
        """Ask again, with its key, for all that is unknown or lost; assert that the account holds.

        Every acknowledged booking is there, once; nothing is there that no wish explains; the
        sweep is clean. Returns and prints the counts.
        """
        arena = self.arena
        arena.sweep()
        before = set(arena.bookings())
        told = {wish.booking_id for wish in self.of("acknowledged")}
        open_wishes = self.of("unknown") + self.of("lost")
        client = HttpClient(url or arena.server.url, arena.slug, arena.api_key)
        found = set()
        for wish in open_wishes:
            client.customer = wish.customer
            answer = client.book(self.slot, key=wish.key)
            assert answer.status == 201, answer
            assert answer.replayed == (answer.booking_id in before), "booked twice with one key"
            if answer.replayed:
                found.add(answer.booking_id)
        client.close()
        arena.sweep()
        account = {
            "requests": len(self.wishes),
            **{end: len(self.of(end)) for end in ("acknowledged", "refused", "unknown", "lost")},
            "made though unknown or lost": len(found),
            "acknowledged and gone": len(told - before),
            "made and unexplained": len(before - told - found),
        }
        print(account, f"slowest answer {self.slowest():.2f} s", dict(self._refusals()))
        assert account["acknowledged and gone"] == 0
        assert account["made and unexplained"] == 0
        assert len(told) == account["acknowledged"], "two wishes were given one booking"
        assert len(arena.bookings()) == len(told) + len(open_wishes)
        return account

    def _refusals(self) -> Counter[str]:
        return Counter(wish.code for wish in self.wishes if wish.end in {"refused", "unknown"})

    def _book(self, number: int) -> None:
        client: HttpClient | None = None
        for count in range(1_000_000):
            if self._stop.is_set():
                break
            if client is None:
                client = self._connect(number)
                continue
            key = f"customer-{number:03}-wish-{count:07}"
            began = self.in_flight[number] = time.monotonic()
            try:
                answer = client.book(self.slot, key=key)
            except (OSError, HTTPException) as error:
                self._note(client, key, "lost", type(error).__name__, began=began)
                client.close()
                client = None
                continue
            finally:
                del self.in_flight[number]
            made = answer.booking_id if answer.status == 201 else None
            self._note(client, key, _end(answer), answer.code, began=began, booking_id=made)
        if client is not None:
            client.close()

    def _connect(self, number: int) -> HttpClient | None:
        arena = self.arena
        try:
            return HttpClient(arena.server.url, arena.slug, arena.api_key, f"Customer {number}")
        except (OSError, HTTPException):
            self.nobody_there += 1
            time.sleep(0.02)
            return None

    def _note(
        self,
        client: HttpClient,
        key: str,
        end: str,
        code: str,
        *,
        began: float,
        booking_id: uuid.UUID | None = None,
    ) -> None:
        seconds = time.monotonic() - began
        self.wishes.append(Wish(key, client.customer, end, code, began, seconds, booking_id))


def _end(answer: Any) -> str:
    if answer.status == 201:
        return "acknowledged"
    assert answer.status in {409, 429, 503, 504}, answer
    assert answer.status == 504 or int(answer.headers["retry-after"]) >= 1, answer
    return "unknown" if "unknown" in answer.body["detail"] else "refused"


def reconnect(arena: Arena, stack: Callable[..., Any]) -> None:
    """Give the arena's onlookers new connections, after the database was gone."""
    database = arena.server.database
    urls = (database.app_url, database.owner_url, database.superuser_url)
    app, owner, monitor = (stack(psycopg.connect(url, autocommit=True)) for url in urls)
    arena.shop.app, arena.shop.owner, arena.monitor = app, owner, monitor
