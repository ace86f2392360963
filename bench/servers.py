"""`python -m bench.servers`: granian against the threads of gunicorn, behind both the same app."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from app.devdb import EmbeddedPostgres
from bench import loads, report
from bench.loads import Load
from bench.measure import BenchError, Round
from bench.over_http import choose_client
from bench.rounds import interleave
from bench.stage import (
    DIRECTORY,
    make_database,
    open_stage,
    postmaster_pid,
    serving,
    shipped_server,
    shipped_settings,
)

DATABASE = "slotkeeper"
ROUNDS, SECONDS = 5, 4
LOADS = ("http_booking", "http_refusal", "availability_day", "empty")


def main() -> int:
    """Measure and print; 1 when something measured was not what it should be."""
    try:
        with open_stage() as postgres:
            print(_measure(postgres))
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _measure(postgres: EmbeddedPostgres) -> str:
    make_database(postgres, DATABASE)
    # Both book from the same slots, each in turn; so do their warm-ups.
    scene = loads.set_up(postgres, DATABASE, 2 * (ROUNDS * SECONDS + loads.WARM_UP_SECONDS))
    todo: list[Load] = []
    pids: dict[str, int] = {}
    with ExitStack() as stack:
        for server, command in (("granian", shipped_server), ("gunicorn", gunicorn)):
            port, process = stack.enter_context(
                serving(scene.url, DIRECTORY / f"{server}.log", command)
            )
            for load in _of(server, loads.http_loads(scene, port, choose_client())):
                todo.append(load)
                pids[load.name] = process.pid
        todo.sort(key=lambda load: load.title)
        database = postmaster_pid()
        done = interleave(
            postgres,
            todo,
            lambda load: {"server": pids[load.name], "database": database},
            ROUNDS,
            SECONDS,
        )
    return f"\n{report.table(todo, done)}\n\n{report.how_quiet(done)}"


def gunicorn(port: int, environment: dict[str, str]) -> list[str]:
    """As many workers and threads as `slotkeeper serve` has, and metrics added up as there."""
    settings = shipped_settings()
    metrics = DIRECTORY / "gunicorn-metrics"
    metrics.mkdir(exist_ok=True)
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    return [
        *(sys.executable, "-m", "gunicorn", "--worker-class=gthread", "--backlog=2048"),
        *(f"--workers={settings['workers']}", f"--threads={settings['threads']}"),
        *(f"--bind=127.0.0.1:{port}", "wsgi:app"),
    ]


def _of(server: str, every: list[Load]) -> Iterator[Load]:
    """The loads to compare, each under a name that says which server answers."""
    for load in every:
        if load.name in LOADS:
            name = f"{load.name}_{server}"
            yield Load(name, f"{load.title}, {server}", partial(_run_as, name, load))


def _run_as(name: str, load: Load, seconds: float) -> Round:
    return replace(load.run(seconds), load=name)


if __name__ == "__main__":
    sys.exit(main())
