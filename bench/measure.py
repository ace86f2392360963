"""One measured round of one load: how many, how fast, with which outcomes, at whose expense."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import psutil


class BenchError(Exception):
    """The run cannot go on, or what it measured is not what it says; the message tells why."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one load did. `cpu`: seconds of processor time used meanwhile, by whom."""

    load: str
    seconds: float
    completed: int
    p50_ms: float
    p99_ms: float
    outcomes: dict[str, int]
    cpu: dict[str, float]

    @property
    def per_second(self) -> float:
        """Completed operations a second."""
        return self.completed / self.seconds

    def as_json(self) -> dict[str, Any]:
        """All of it, rounded to what can be told apart."""
        return asdict(self) | {
            "seconds": round(self.seconds, 3),
            "per_second": round(self.per_second, 1),
            "p50_ms": round(self.p50_ms, 3),
            "p99_ms": round(self.p99_ms, 3),
            "cpu": {name: round(seconds, 3) for name, seconds in self.cpu.items()},
        }


def with_cpu(families: dict[str, int], work: Callable[[], Round]) -> Round:
    """Do `work`, and note the processor time of each family (by the process that leads it).

    `work` itself notes that of the client. `others`: whoever else was busy on this machine.
    """
    ours_before = {name: _family_seconds(pid) for name, pid in families.items()}
    busy_before, bench_before = _busy_seconds(), time.process_time()
    done = work()
    used = {name: _family_seconds(pid) - ours_before[name] for name, pid in families.items()}
    bench = time.process_time() - bench_before
    busy = _busy_seconds() - busy_before
    cpu = done.cpu | used
    others = max(0.0, busy - bench - sum(cpu.values()))
    return replace(done, cpu=cpu | {"others": others})


def percentile(ordered: list[int] | list[float], percent: float) -> float:
    """The value that `percent` of the ordered values do not exceed."""
    if not ordered:
        raise BenchError("Nothing was completed, so nothing can be said of how long it took.")
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))])


def children_seconds() -> float:
    """Processor time of all child processes that have ended so far."""
    times = os.times()
    return times.children_user + times.children_system


def _family_seconds(pid: int) -> float:
    """Processor time of a process and its descendants, those included that it has buried."""
    total = 0.0
    leader = psutil.Process(pid)
    for process in [leader, *leader.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
