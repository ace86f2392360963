"""How a worker is watched: what its rounds did, for Prometheus, and whether they still go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Imported by commands only when they run: see metrics.instruments.
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from app import metrics
from app.ops.worker import Tidied
from app.schedules.keeping import KeptPublished

# Rounds are late after so many of their intervals, and a minute for the round itself.
INTERVALS_LATE = 3
ROUND_SECONDS_MAX = 60
CHANGES = ("published", "removed", "resized")


class Watch:
    """The worker's instruments, and the page that shows them."""

    def __init__(self, every: float) -> None:
        self._late_seconds = INTERVALS_LATE * every + ROUND_SECONDS_MAX
        self._ended = time.monotonic()
        self._registry = CollectorRegistry()
        self._rounds = Counter(
            "slotkeeper_worker_rounds",
            "Rounds of the worker, by result: ok or failed.",
            ["result"],
            registry=self._registry,
        )
        self._keys = Counter(
            "slotkeeper_worker_keys_forgotten",
            "Idempotency keys that were old enough to be forgotten.",
            registry=self._registry,
        )
        self._expired = Counter(
            "slotkeeper_holds_expired",
            "Holds that have expired, whoever ended them; each worker counts them all.",
            registry=self._registry,
        )
        self._slots = Counter(
            "slotkeeper_worker_scheduled_slots",
            "Slots of schedules that the worker has changed, by change.",
            ["change"],
            registry=self._registry,
        )
        self._unpublished = Counter(
            "slotkeeper_worker_schedule_failures",
            "Providers whose schedules could not be published in their turn.",
            registry=self._registry,
        )
        for change in CHANGES:
            self._slots.labels(change)
        self._success = self._gauge(
            "worker_last_success_timestamp_seconds", "When the last round without a failure ended."
        )
        self._violations = self._gauge(
            "consistency_violations", "What the last check of the data found, by check.", "check"
        )
        self._checked = self._gauge(
            "consistency_run_timestamp_seconds", "When the last check of the data ended."
        )

    def round_ended(self, tidied: Tidied | None, kept: KeptPublished | None = None) -> None:
        """Note a round: what it did, or None when it could not even begin."""
        self._ended = time.monotonic()
        failed = tidied is None or tidied.failures > 0 or (kept is not None and kept.failures > 0)
        self._rounds.labels("failed" if failed else "ok").inc()
        if tidied is not None:
            self._keys.inc(tidied.keys_forgotten)
        if kept is not None:
            self._unpublished.inc(kept.failures)
            for change in CHANGES:
                self._slots.labels(change).inc(getattr(kept, change))
        if not failed:
            self._success.set_to_current_time()

    def holds_expired(self, number: int) -> None:
        """So many more holds have expired, by whomever."""
        self._expired.inc(number)

    def checked(self, violations: Mapping[str, int]) -> None:
        """Note what a check of all data found, by check."""
        for name, number in violations.items():
            self._violations.labels(name).set(number)
        self._checked.set_to_current_time()

    @property
    def goes_on(self) -> bool:
        """Whether the last round ended when one should have, successful or not."""
        return time.monotonic() - self._ended < self._late_seconds

    def exposition(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return metrics.exposition() + generate_latest(self._registry)

    def serve(self, host: str, port: int) -> None:
        """Answer /metrics and /healthz there from now on, in the background. Raises OSError."""
        watch = self

        class Page(_Page):
            def do_GET(self) -> None:
                self.show(watch)

        server = ThreadingHTTPServer((host, port), Page)
        threading.Thread(target=server.serve_forever, name="watch", daemon=True).start()

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"slotkeeper_{name}", meaning, labels, registry=self._registry)


class _Page(BaseHTTPRequestHandler):
    server_version = "Slotkeeper"
    sys_version = ""
    # A caller that says nothing does not keep its thread.
    timeout = 10

    def show(self, watch: Watch) -> None:
        status, kind, body = HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.\n"
        if self.path == "/metrics":
            status, kind, body = HTTPStatus.OK, metrics.CONTENT_TYPE, watch.exposition()
        elif self.path == "/healthz":
            well = watch.goes_on
            status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
            kind = "application/json"
            body = b'{"status":"ok"}' if well else b'{"status":"no round has ended for too long"}'
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Being watched is no event."""
