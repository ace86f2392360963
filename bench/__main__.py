"""`make bench`: measure everything, print a table, keep it under bench/results/."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psycopg

from app.devdb import EmbeddedPostgres
from bench import growth, loads, report
from bench.busy_callers import busy_callers, warm_up_slots
from bench.loads import CONNECTIONS
from bench.measure import BenchError
from bench.over_http import choose_client, describe_client
from bench.rounds import interleave
from bench.stage import (
    DIRECTORY,
    commit_id,
    make_database,
    open_stage,
    postmaster_pid,
    processors,
    serving,
    shipped_settings,
)

DATABASE = "slotkeeper"
GROWTH_ROUNDS = 5


def main() -> int:
    """Run the command line; 1 when something measured was not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds, and no growth")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", choices=["wrk", "own"], default=choose_client())
    chosen = parser.parse_args()
    try:
        _measure(chosen.client, chosen.rounds, 2 if chosen.quick else 5, grown=not chosen.quick)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _measure(client: Any, rounds: int, seconds: float, *, grown: bool) -> None:
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}"
    with open_stage() as postgres:
        make_database(postgres, DATABASE)
        about = _about(postgres, client, rounds, seconds)
        with serving(postgres.app_url(DATABASE), DIRECTORY / "server.log") as (port, server):
            scene = loads.set_up(postgres, DATABASE, rounds * seconds)
            with busy_callers(
                scene.url, scene.arena.vendor_id, scene.free.take(warm_up_slots())
            ) as callers:
                todo = [
                    *loads.sql_loads(scene),
                    loads.busy_load(scene, callers),
                    *loads.http_loads(scene, port, client),
                ]
                families = {"server": server.pid, "database": postmaster_pid()}
                done = interleave(postgres, todo, lambda _: families, rounds, seconds)
        if grown:
            print(f"Filling a database with {growth.LARGE:,} bookings, minutes ...", flush=True)
            more = growth.set_up(postgres, GROWTH_ROUNDS)
            alone = {"database": postmaster_pid()}
            done += interleave(postgres, more, lambda _: alone, GROWTH_ROUNDS, seconds)
            todo += more
    quiet = report.how_quiet(done)
    text = "\n\n".join([_heading(about), quiet, report.table(todo, done), report.verdicts(done)])
    print(f"\n{text}\n\nKept in {report.keep(stamp, about, text, done)}")


def _about(postgres: EmbeddedPostgres, client: Any, rounds: int, seconds: float) -> dict[str, Any]:
    cores, kind = processors()
    with psycopg.connect(postgres.app_url(DATABASE)) as connection:
        server_version = connection.info.server_version
    packages = ("granian", "flask", "psycopg", "sqlalchemy")
    return {
        "commit": commit_id(),
        "cores": cores,
        "processor": kind,
        "postgresql": f"{server_version // 10_000}.{server_version % 10_000}",
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in packages},
        "settings": shipped_settings(),
        "client": describe_client(client),
        "rounds_each": rounds,
        "seconds_each": seconds,
    }


def _heading(about: dict[str, Any]) -> str:
    settings = about["settings"]
    return (
        f"Commit {about['commit']}. {about['cores']} cores ({about['processor']}), shared by"
        f" client, server and database. PostgreSQL {about['postgresql']}, commits durable; Python"
        f" {about['python']}; granian {about['packages']['granian']} with {settings['workers']}"
        f" workers of {settings['threads']} threads. HTTP client: {about['client']}."
        f" {CONNECTIONS} connections, medians of {about['rounds_each']} interleaved rounds of"
        f" {about['seconds_each']} s, each after a checkpoint; ratios are medians of the ratios"
        " within each round."
    )


if __name__ == "__main__":
    sys.exit(main())
