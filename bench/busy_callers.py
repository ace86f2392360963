"""Claims by processes as busy as the server, without HTTP: what the database pays for its company.

Two processes with four threads each, as wrk's eight connections find them in the server. Each
thread works in Python for as long as the server does for a booking, and then makes the door's own
call. The processes stay for all rounds, as the server does, so that their sessions are warm.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from typing import IO, Any
from uuid import UUID

from app import db
from app.config import Settings
from app.db import offline_app
from bench.measure import BenchError, Round, percentile
from bench.stage import CHECKOUT, slot_id

PROCESSES, THREADS = 2, 4
# About what the server's own work for a booking takes.
WORK_MICROSECONDS = 1000
# After so many calls a session has compiled the functions and made its plans.
WARM_UP_CALLS = 8
CUSTOMERS = 1000
_TEXT = json.dumps([{"at": n, "of": [n] * 3, "called": f"number {n}"} for n in range(6)])


class Callers:
    """The processes, waiting; `run` has them call for a while."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def run(self, load: str, first: int, count: int, seconds: float) -> Round:
        """One round, in which they book `count` slots at most, from number `first` on."""
        share = count // PROCESSES
        for number, process in enumerate(self._processes):
            _tell(process.stdin, {"first": first + number * share, "count": share, "for": seconds})
        reports = [_hear(process.stdout) for process in self._processes]
        latencies = sorted(latency for report in reports for latency in report["latencies"])
        if any(report["exhausted"] for report in reports):
            raise BenchError(f"{load}: there were not slots enough for the whole round.")
        return Round(
            load=load,
            seconds=max(report["seconds"] for report in reports),
            completed=len(latencies),
            p50_ms=percentile(latencies, 50) / 1e6,
            p99_ms=percentile(latencies, 99) / 1e6,
            outcomes={"CONFIRMED": len(latencies)},
            cpu={"client": sum(report["cpu"] for report in reports)},
        )


@contextmanager
def busy_callers(url: str, vendor_id: str, first: int) -> Iterator[Callers]:
    """Start them, and let them book `warm_up_slots()` from number `first` on."""
    with ExitStack() as stack:
        processes = []
        for number in range(PROCESSES):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.busy_callers"],
                    cwd=CHECKOUT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            begins = first + number * THREADS * WARM_UP_CALLS
            _tell(process.stdin, {"url": url, "vendor_id": vendor_id, "first": begins})
            processes.append(process)
        for process in processes:
            _hear(process.stdout)
        yield Callers(processes)


def warm_up_slots() -> int:
    """How many slots they book before the first round."""
    return PROCESSES * THREADS * WARM_UP_CALLS


def main() -> None:
    """Call as standard input says, a round a line."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    settings = Settings.from_environment({"DATABASE_URL": job["url"]})
    app = offline_app(settings)
    vendor_id = UUID(job["vendor_id"])

    def calls(numbers: Iterator[int], until: float) -> list[int]:
        """Nanoseconds that each call took, of one thread."""
        taken = []
        with app.app_context():
            while time.monotonic() < until and (number := next(numbers, None)) is not None:
                _work()
                began = time.perf_counter_ns()
                _book(vendor_id, number)
                taken.append(time.perf_counter_ns() - began)
        return taken

    with ThreadPoolExecutor(THREADS) as threads:
        warm_up = [
            iter(range(job["first"] + n * WARM_UP_CALLS, job["first"] + (n + 1) * WARM_UP_CALLS))
            for n in range(THREADS)
        ]
        list(threads.map(calls, warm_up, repeat(time.monotonic() + 600)))
        _tell(sys.stdout, {})
        for line in sys.stdin:
            wanted = json.loads(line)
            # One for all threads: to take the next of a range is one step, which none divides.
            numbers = iter(range(wanted["first"], wanted["first"] + wanted["count"]))
            cpu, began = time.process_time(), time.monotonic()
            until = began + wanted["for"]
            taken = threads.map(calls, repeat(numbers, THREADS), repeat(until))
            latencies = list(chain.from_iterable(taken))
            report = {
                "latencies": latencies,
                "seconds": time.monotonic() - began,
                "cpu": time.process_time() - cpu,
                "exhausted": next(numbers, None) is None,
            }
            _tell(sys.stdout, report)


def _work() -> None:
    """As long as the server works for a booking, in processor time of this thread."""
    until = time.thread_time_ns() + WORK_MICROSECONDS * 1000
    while time.thread_time_ns() < until:
        json.dumps(json.loads(_TEXT))


def _book(vendor_id: UUID, number: int) -> None:
    """What the door calls for a public booking of this slot. Raises BenchError on a refusal."""
    customer = number % CUSTOMERS
    row = db.call(
        "claim_slot_and_create_booking",
        p_vendor_id=vendor_id,
        p_slot_ids=[UUID(slot_id(number))],
        p_end=None,
        p_start=None,
        p_quantity=1,
        p_customer_id=None,
        p_service_id=None,
        p_hold_for=None,
        p_idempotency_key=None,
        p_fingerprint=None,
        p_details={
            "customer": {
                "name": f"Customer {customer}",
                "email": f"customer{customer}@example.org",
            }
        },
        p_actor={"type": "customer", "id": None, "request_id": f"{number:032x}"},
        p_alternatives=3,
    )
    if row.outcome != "CONFIRMED":
        raise BenchError(f"Slot {number} was refused: {row.outcome}")


def _tell(stream: IO[str] | None, what: dict[str, Any]) -> None:
    if stream is not None:
        stream.write(json.dumps(what) + "\n")
        stream.flush()


def _hear(stream: IO[str] | None) -> dict[str, Any]:
    line = stream.readline() if stream is not None else ""
    if not line:
        raise BenchError("A busy caller ended before its work was done; see its error above.")
    heard: dict[str, Any] = json.loads(line)
    return heard


if __name__ == "__main__":
    main()
