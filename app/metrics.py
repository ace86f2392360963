"""Counters and timings for Prometheus, added up over the worker processes of one server.

Workers share a directory named by PROMETHEUS_MULTIPROC_DIR, which `slotkeeper serve` makes; without
it each process counts for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is counted."""

    registry: CollectorRegistry
    refusals: Counter
    requests: Counter
    seconds: Histogram


def count_refusal(code: str) -> None:
    """One more answer with this code, which is one of CODES."""
    instruments().refusals.labels(code).inc()


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """One more answer. `route` is the rule, not the address: the number of series stays bounded."""
    counting = instruments()
    counting.requests.labels(method, route, str(status)).inc()
    counting.seconds.labels(method, route).observe(seconds)


def exposition() -> bytes:
    """Everything counted so far by all workers, in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, generate_latest, values
    from prometheus_client.multiprocess import MultiProcessCollector

    if values.ValueClass.__name__ != "MmapedValue":
        return generate_latest(instruments().registry)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


@cache
def instruments() -> Instruments:
    """The instruments of this process, made when it first counts."""
    # Imported in the worker: the library decides when it is imported whether workers add up, and
    # every process would otherwise write to the files of the one that imported it first.
    from prometheus_client import CollectorRegistry, Counter, Histogram

    registry = CollectorRegistry()
    return Instruments(
        registry,
        Counter(
            "slotkeeper_refusals",
            "Answers that were no success, by code.",
            ["code"],
            registry=registry,
        ),
        Counter(
            "slotkeeper_http_requests",
            "Requests answered, by method, route and status.",
            ["method", "route", "status"],
            registry=registry,
        ),
        Histogram(
            "slotkeeper_http_request_seconds",
            "Time from a request's arrival in the worker to its answer, by method and route.",
            ["method", "route"],
            registry=registry,
            buckets=SECONDS,
        ),
    )
