"""What the database tells operators at a scrape: whether it answers, and how old a lapsed hold is.

Many may scrape, often, and while the database is down: it is asked at most every few seconds, in
the background, and nobody waits for it longer than a moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app import db
from app.errors import Problem

AGAIN_SECONDS = 10.0
AGAIN_SECONDS_WHEN_DOWN = 2.0
WAIT_SECONDS_MAX = 1.0
# Reads one partial index, of held bookings alone.
_OLDEST_LAPSED_HOLD = """
    SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(hold_expires_at)), 0)::float8 AS age
    FROM bookings WHERE status = 'held' AND hold_expires_at <= clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen; `oldest_lapsed_hold_seconds` is None when the database gave no answer."""

    at: float
    oldest_lapsed_hold_seconds: float | None

    @property
    def is_recent(self) -> bool:
        up = self.oldest_lapsed_hold_seconds is not None
        return time.monotonic() - self.at < (AGAIN_SECONDS if up else AGAIN_SECONDS_WHEN_DOWN)


class DatabaseLook(Collector):
    """The gauges of one process about the one database."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._looking: threading.Thread | None = None
        self._last: _Look | None = None

    def exposition(self) -> bytes:
        """The gauges in the text format of Prometheus, within WAIT_SECONDS_MAX."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client asks its collectors."""
        last = self._look()
        seconds = last.oldest_lapsed_hold_seconds if last else None
        yield GaugeMetricFamily(
            "slotkeeper_database_up",
            "Whether the database answered when this server last looked, seconds ago.",
            value=float(seconds is not None),
        )
        if seconds is not None:
            yield GaugeMetricFamily(
                "slotkeeper_oldest_lapsed_hold_seconds",
                "How long ago the oldest hold lapsed that is still to be expired; 0 without one.",
                value=seconds,
            )

    def _look(self) -> _Look | None:
        """The last look if it is recent, otherwise a new one if it comes soon."""
        with self._lock:
            if self._last and self._last.is_recent:
                return self._last
            if self._looking is None or not self._looking.is_alive():
                self._looking = threading.Thread(
                    target=self._ask, name="look-at-the-database", daemon=True
                )
                self._looking.start()
            looking = self._looking
        looking.join(WAIT_SECONDS_MAX)
        # Still looking: whatever was true earlier, the database does not answer now.
        return None if looking.is_alive() else self._last

    def _ask(self) -> None:
        seconds: float | None = None
        try:
            with self._app.app_context():
                seconds = db.read(_OLDEST_LAPSED_HOLD)[0].age
        except Problem:
            pass
        finally:
            self._last = _Look(time.monotonic(), seconds)
