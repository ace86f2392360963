"""Every metric that a server or a worker can show, with its labels, read from what makes them."""

from __future__ import annotations

import time

from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from app import metrics
from app.ops.look import DatabaseLook, _Look
from app.ops.watch import Watch

SUFFIXES = {
    "counter": {"_total"},
    "gauge": {""},
    "histogram": {"_bucket", "_count", "_sum"},
    "summary": {"_count", "_sum"},
}
# What Prometheus itself adds to each target.
OF_TARGETS = {"job", "instance"}


def families() -> dict[str, tuple[str, set[str]]]:
    """Name -> type and labels, by the names that the documentation uses."""
    registries = [metrics.instruments().registry, Watch(every=1)._registry]  # noqa: SLF001
    found = {
        name: described for registry in registries for name, described in _wrapped(registry).items()
    }
    # These two are made anew at each scrape, and have no labels.
    look = DatabaseLook(Flask("exposed"))
    look._last = _Look(time.monotonic(), oldest_lapsed_hold_seconds=1.0)  # noqa: SLF001
    return found | {metric.name: (metric.type, set()) for metric in look.collect()}


def series() -> dict[str, set[str]]:
    """Name -> labels, by the names that queries use."""
    return {
        name.removesuffix("_total") + suffix: labels | ({"le"} if suffix == "_bucket" else set())
        for name, (kind, labels) in families().items()
        for suffix in SUFFIXES[kind]
    }


def _wrapped(registry: CollectorRegistry) -> dict[str, tuple[str, set[str]]]:
    return {
        collector._name + ("_total" if collector._type == "counter" else ""): (  # noqa: SLF001
            collector._type,  # noqa: SLF001
            set(collector._labelnames),  # noqa: SLF001
        )
        for collector in registry._collector_to_names  # noqa: SLF001
        if isinstance(collector, MetricWrapperBase)
    }
