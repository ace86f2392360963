"""Load over HTTP: by wrk where it is installed, otherwise by a small client of our own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal

from bench.measure import BenchError, Round, children_seconds, percentile

CHECKOUT = Path(__file__).parents[1]
PROCESSES = 2

Client = Literal["wrk", "own"]


def choose_client() -> Client:
    """wrk, unless this machine has none."""
    return "wrk" if shutil.which("wrk") else "own"


def describe_client(client: Client) -> str:
    """Which client it is, in words."""
    if client == "own":
        return f"own client (bench/own_client.py), {PROCESSES} processes"
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)  # noqa: S607
    return " ".join((said.stdout + said.stderr).split()[:2])


def run_http(
    client: Client,
    port: int,
    load: str,
    requests: Sequence[str],
    *,
    expect: int,
    connections: int,
    seconds: float,
) -> Round:
    """One round of `requests` ("GET path" or "POST path body"): each once, or a single one again
    and again. Raises BenchError unless every answer has the status `expect`.
    """
    work = _with_wrk if client == "wrk" else _with_own_client
    done = work(port, load, requests, connections, seconds)
    if set(done.outcomes) != {str(expect)}:
        raise BenchError(f"{load}: every answer should be {expect}, but there are {done.outcomes}.")
    return done


def _with_wrk(
    port: int, load: str, requests: Sequence[str], connections: int, seconds: float
) -> Round:
    cpu = children_seconds()
    with tempfile.NamedTemporaryFile("w", suffix=".requests") as file:
        file.write("\n".join(requests) + "\n")
        file.flush()
        done = subprocess.run(
            [
                *(
                    "wrk",
                    "--threads=1",
                    f"--connections={connections}",
                    f"--duration={round(seconds)}s",
                ),
                *("--timeout=30s", "--script", str(CHECKOUT / "bench" / "wrk.lua")),
                *(f"http://127.0.0.1:{port}", "--", file.name),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    cpu = children_seconds() - cpu
    try:
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise BenchError(f"wrk failed:\n{done.stdout}{done.stderr}") from None
    if said["broken"]:
        raise BenchError(f"{load}: {said['broken']} requests had no answer.")
    _refuse_exhausted(load, exhausted=said["exhausted"])
    return Round(
        load=load,
        seconds=said["microseconds"] / 1e6,
        completed=sum(said["statuses"].values()),
        p50_ms=said["p50"] / 1000,
        p99_ms=said["p99"] / 1000,
        outcomes=said["statuses"],
        cpu={"client": cpu},
    )


def _with_own_client(
    port: int, load: str, requests: Sequence[str], connections: int, seconds: float
) -> Round:
    job = {"host": "127.0.0.1", "port": port, "connections": connections // PROCESSES}
    with ExitStack() as stack:
        clients = []
        for number in range(PROCESSES):
            share = requests if len(requests) == 1 else requests[number::PROCESSES]
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.own_client"],
                    cwd=CHECKOUT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            _tell(process.stdin, json.dumps(job | {"requests": share, "seconds": seconds}))
            clients.append(process)
        for process in clients:
            _hear(process.stdout)
        for process in clients:
            _tell(process.stdin, "go")
        reports = [json.loads(_hear(process.stdout)) for process in clients]
    _refuse_exhausted(load, exhausted=any(report["exhausted"] for report in reports))
    latencies = sorted(latency for report in reports for latency in report["latencies"])
    statuses: Counter[str] = Counter()
    for report in reports:
        statuses.update(report["statuses"])
    return Round(
        load=load,
        seconds=max(report["seconds"] for report in reports),
        completed=len(latencies),
        p50_ms=percentile(latencies, 50) / 1000,
        p99_ms=percentile(latencies, 99) / 1000,
        outcomes=dict(statuses),
        cpu={"client": sum(report["cpu"] for report in reports)},
    )


def _refuse_exhausted(load: str, *, exhausted: bool) -> None:
    if exhausted:
        raise BenchError(f"{load}: there were not requests enough for the whole round.")


def _tell(stream: IO[str] | None, line: str) -> None:
    if stream is not None:
        stream.write(line + "\n")
        stream.flush()


def _hear(stream: IO[str] | None) -> str:
    line = stream.readline() if stream is not None else ""
    if not line:
        raise BenchError("The load client ended before its work was done; see its error above.")
    return line
