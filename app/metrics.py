"""Counters and timings for Prometheus, added up over the worker processes of one server.

Workers share a directory named by PROMETHEUS_MULTIPROC_DIR, which `slotkeeper serve` makes; without
it each process counts for itself. Label values come from short lists of our own, never from a
caller: the number of series stays bounded, and nobody's data gets in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.config import shared_metrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# A free connection is there in microseconds.
WAIT_SECONDS_MIN = 0.001
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

Reason = Literal["aborted", "lost"]


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is counted."""

    registry: CollectorRegistry
    refusals: Counter
    requests: Counter
    seconds: Histogram
    bookings: Counter
    replays: Counter
    retries: Counter
    pool_size: Gauge
    pool_in_use: Gauge
    pool_waits: Summary
    breaker_open: Gauge
    outages: Counter


def count_refusal(code: str) -> None:
    """One more answer with this code, which is one of CODES."""
    _refused(code).inc()


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """One more answer. `route` is the rule, not the address."""
    method = method if method in _METHODS else "other"
    _answered(method, route, status).inc()
    _timed(method, route).observe(seconds)


def count_bookings(outcome: str) -> None:
    """One more booking came to this: confirmed, held, cancelled, blocked, ...; lower case."""
    _became(outcome).inc()


def count_replay() -> None:
    """One more repeated request was answered as the first time, and did nothing."""
    instruments().replays.inc()


def count_retry(reason: Reason) -> None:
    """One more statement was sent again: the database undid it, or the connection was lost."""
    _retried(reason).inc()


def count_pool_wait(seconds: float) -> None:
    """A statement has waited so long for a connection; what is no wait is not counted."""
    if seconds >= WAIT_SECONDS_MIN:
        instruments().pool_waits.observe(seconds)


def set_pool_size(connections: int) -> None:
    """This process may open so many connections to the database."""
    instruments().pool_size.set(connections)


def count_connection(change: Literal[1, -1]) -> None:
    """One connection of the pool more, or one less, is in use."""
    instruments().pool_in_use.inc(change)


def set_breaker(*, is_open: bool) -> None:
    """This process has found the database down, or back again."""
    instruments().breaker_open.set(int(is_open))
    if is_open:
        instruments().outages.inc()


def exposition() -> bytes:
    """Everything counted so far by all workers, in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    folder = _shared_folder()
    if folder is None:
        return generate_latest(instruments().registry)
    _forget_dead_workers(folder)
    together = CollectorRegistry()
    MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(together)


def _shared_folder() -> Path | None:
    """Where workers add up, if they do; the library has decided when it was imported."""
    from prometheus_client import values

    instruments()
    if values.ValueClass.__name__ != "MmapedValue":
        return None
    return Path(shared_metrics())


def _forget_dead_workers(folder: Path) -> None:
    """A killed worker holds no connection, though its file still says so. Its counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:
            continue


@cache
def _refused(code: str) -> Counter:
    return instruments().refusals.labels(code)


@cache
def _answered(method: str, route: str, status: int) -> Counter:
    # Finding a label's counter takes as long as counting: it is found once.
    return instruments().requests.labels(method, route, str(status))


@cache
def _timed(method: str, route: str) -> Histogram:
    return instruments().seconds.labels(method, route)


@cache
def _became(outcome: str) -> Counter:
    return instruments().bookings.labels(outcome)


@cache
def _retried(reason: Reason) -> Counter:
    return instruments().retries.labels(reason)


@cache
def instruments() -> Instruments:
    """The instruments of this process, made when it first counts."""
    # Imported in the worker: the library decides when it is imported whether workers add up, and
    # every process would otherwise write to the files of the one that imported it first.
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

    registry = CollectorRegistry()

    def counter(name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"slotkeeper_{name}", meaning, labels, registry=registry)

    def gauge(name: str, meaning: str) -> Gauge:
        return Gauge(f"slotkeeper_{name}", meaning, registry=registry, multiprocess_mode="livesum")

    return Instruments(
        registry,
        refusals=counter("refusals", "Answers that were no success, by code.", "code"),
        requests=counter(
            "http_requests",
            "Requests answered, by method, route and status.",
            *("method", "route", "status"),
        ),
        seconds=Histogram(
            "slotkeeper_http_request_seconds",
            "Time from a request's arrival in the worker to its answer, by method and route.",
            ["method", "route"],
            registry=registry,
            buckets=SECONDS,
        ),
        bookings=counter(
            "bookings",
            "What requests made of bookings, by outcome.",
            "outcome",
        ),
        replays=counter(
            "idempotent_replays", "Repeated requests that were answered as the first time."
        ),
        retries=counter(
            "database_retries",
            "Statements sent again: aborted by a deadlock or serialization failure, or lost with"
            " their connection.",
            "reason",
        ),
        pool_size=gauge("pool_size", "Database connections that the workers may open together."),
        pool_in_use=gauge("pool_in_use", "Database connections in use at this moment."),
        pool_waits=Summary(
            "slotkeeper_pool_wait_seconds",
            "Waits for a database connection of a millisecond or more, opening one included.",
            registry=registry,
        ),
        breaker_open=gauge(
            "breaker_open", "Workers that have found the database down and refuse at once."
        ),
        outages=counter("outages", "Times that a worker has found the database down."),
    )
