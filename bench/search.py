"""`python -m bench.search`: the search of a service's times, and bookings by whoever is free.

A salon with 50 providers searches its January of 2040, with ten thousand and with a million
bookings before it (a year of half hours for each provider). A clinic with 50 therapists and 15
rooms is searched for an hour with both, and refuses it, and an hour with a therapist alone, at
times when nobody is free, naming other times. Ten providers are booked by eight
clients who all want the same start; afterwards every provider must have every start once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from statistics import median
from typing import Any

import psycopg

from app.devdb import EmbeddedPostgres
from bench import report
from bench.growth import fill_with_history
from bench.loads import CONNECTIONS, Load
from bench.measure import BenchError, Round
from bench.pgbench import run_pgbench
from bench.rounds import interleave
from bench.stage import (
    Place,
    commit_id,
    make_database,
    make_place,
    open_stage,
    postmaster_pid,
    processors,
    run_sql,
    tidy_up,
)

SIZES = (10_000, 1_000_000)
SALON_PROVIDERS, ANY_PROVIDERS = 50, 10
THERAPISTS, ROOMS = 50, 15
MONTH_DAYS = 31
# By what each is asked for: how many starts a page has, from how many first days of the month.
PAGES = {
    "next": (1, 30, "the next free time"),
    "page": (100, 27, "first page (100 starts, three days)"),
    "month": (5_000, 1, "all of the month in one page"),
}
# As many bookings a round and client; together they fill whole starts.
CLAIMS_EACH = 100
FILLED = """
    SELECT count(*) FILTER (WHERE n <> %s), count(*) FROM (
        SELECT count(DISTINCT c.provider_id) AS n FROM claims c
        WHERE c.vendor_id = %s GROUP BY lower(c.during)) AS starts
"""


def main() -> int:
    """Run the command line; 1 when something measured was not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--bookings", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    chosen = parser.parse_args()
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}-search"
    try:
        with open_stage() as postgres:
            loads, check = _any_provider(postgres, chosen.rounds)
            loads += _clinic(postgres)
            for total in chosen.bookings:
                print(f"Filling a database with {total:,} bookings ...", flush=True)
                loads += _searches(postgres, total)
            alone = {"database": postmaster_pid()}
            done = interleave(postgres, loads, lambda _: alone, chosen.rounds, chosen.seconds)
            check()
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    growth = _growth(done, chosen.bookings)
    text = "\n\n".join(
        [_heading(chosen), report.how_quiet(done), report.table(loads, done), growth]
    )
    kept = report.keep_rounds(stamp, f"Search, {stamp[:15]}", text, done)
    print(f"\n{text}\n\nKept in {kept}")
    return 0


def _searches(postgres: EmbeddedPostgres, total: int) -> list[Load]:
    """Each page of the salon's month, with so many bookings before it."""
    database = f"search_{total}"
    make_database(postgres, database)
    place = make_place(postgres.app_url(database), "salon", SALON_PROVIDERS)
    owner = postgres.owner_url(database)
    fill_with_history(owner, place, total)
    service = _service_of(owner, place, "salon_month.sql")
    tidy_up(postgres, database)

    def load(page: str) -> Load:
        limit, days, title = PAGES[page]
        name = f"{page}_at_{total}"
        variables = {"vendor": place.vendor_id, "service": service, "limit": limit, "days": days}

        def run(seconds: float) -> Round:
            return run_pgbench(
                postgres.binary("pgbench"),
                postgres.app_url(database),
                name,
                variables,
                script="search.pgbench",
                connections=CONNECTIONS,
                seconds=seconds,
            )

        return Load(name, f"search, {total:,} bookings before: {title}", run)

    return [load(page) for page in PAGES]


def _clinic(postgres: EmbeddedPostgres) -> list[Load]:
    """A joint service's times, and refusals of it and of one that is not joint."""
    make_database(postgres, "clinic")
    place = make_place(postgres.app_url("clinic"), "clinic", THERAPISTS + ROOMS)
    where = {"vendor_id": place.vendor_id, "location_id": place.location_id}
    row = run_sql(
        postgres.owner_url("clinic"),
        "clinic_month.sql",
        **where,
        provider_ids=place.provider_ids,
        rooms=ROOMS,
    )[0]
    tidy_up(postgres, "clinic")

    def load(name: str, title: str, script: str, **more: Any) -> Load:
        def run(seconds: float) -> Round:
            return run_pgbench(
                postgres.binary("pgbench"),
                postgres.app_url("clinic"),
                name,
                {"vendor": place.vendor_id, **more},
                script=script,
                connections=CONNECTIONS,
                seconds=seconds,
            )

        return Load(name, title, run)

    both, alone = {"service": row.together_id}, {"service": row.alone_id}
    who = f"{THERAPISTS} therapists, {ROOMS} rooms"
    return [
        load(
            "joint_page",
            f"search of a joint service ({who}): first page (100 starts)",
            "search.pgbench",
            **both,
            limit=100,
            days=10,
        ),
        load(
            "joint_refused",
            f"refusal of a joint service by start ({who}), with three other times",
            "refuse_service.pgbench",
            **both,
            hour=10,
        ),
        load(
            "refused",
            f"refusal by service and start ({THERAPISTS} providers), with three other times",
            "refuse_service.pgbench",
            **alone,
            hour=9,
        ),
    ]


def _any_provider(postgres: EmbeddedPostgres, rounds: int) -> tuple[list[Load], Any]:
    """Bookings by whoever is free, and the check that everybody was filled once."""
    database = "any_provider"
    make_database(postgres, database)
    place = make_place(postgres.app_url(database), "chairs", ANY_PROVIDERS)
    owner = postgres.owner_url(database)
    service = _service_of(owner, place, "open_weeks.sql", days=_days(rounds))
    tidy_up(postgres, database)
    begun = count(0, CLAIMS_EACH * CONNECTIONS)

    def run(_seconds: float) -> Round:
        return run_pgbench(
            postgres.binary("pgbench"),
            postgres.app_url(database),
            "any_provider",
            {
                "vendor": place.vendor_id,
                "service": service,
                "providers": ANY_PROVIDERS,
                "clients": CONNECTIONS,
                "first": next(begun),
                "i": 0,
            },
            script="any_provider.pgbench",
            connections=CONNECTIONS,
            transactions=CLAIMS_EACH,
        )

    def check() -> None:
        with psycopg.connect(owner) as connection:
            row = connection.execute(FILLED, [ANY_PROVIDERS, place.vendor_id]).fetchone()
        starts = CLAIMS_EACH * CONNECTIONS * (rounds + 1) // ANY_PROVIDERS
        if row != (0, starts):
            raise BenchError(f"Not every provider has each of {starts} starts once: {row}")

    title = f"booking by service and start: {ANY_PROVIDERS} providers, {CONNECTIONS} clients"
    return [Load("any_provider", f"{title}, one start", run)], check


def _days(rounds: int) -> int:
    """The days that hold as many hours as are booked, the warm-up included."""
    return CLAIMS_EACH * CONNECTIONS * (rounds + 1) // ANY_PROVIDERS // 24 + 1


def _service_of(owner: str, place: Place, file: str, **more: Any) -> str:
    row = run_sql(
        owner,
        file,
        vendor_id=place.vendor_id,
        location_id=place.location_id,
        provider_ids=place.provider_ids,
        **more,
    )[0]
    return str(row.id)


def _growth(done: Sequence[Sequence[Round]], sizes: Sequence[int]) -> str:
    """How much longer each page takes with the most bookings than with the fewest."""
    lines = [
        f"| p50 at {max(sizes):,} / at {min(sizes):,} bookings | ratio |",
        "|---|---:|",
    ]
    for page, (_, _, title) in PAGES.items():
        ratios = []
        for loads in done:
            took = {one.load: one.p50_ms for one in loads}
            ratios.append(took[f"{page}_at_{max(sizes)}"] / took[f"{page}_at_{min(sizes)}"])
        lines.append(f"| {title} | {median(ratios):.2f} |")
    return "\n".join(lines)


def _heading(chosen: argparse.Namespace) -> str:
    cores, kind = processors()
    return (
        f"Commit {commit_id()}. {cores} cores ({kind}), shared by client and database; SQL alone,"
        f" no HTTP. {SALON_PROVIDERS} providers, each from nine to five, {MONTH_DAYS} days, six"
        f" hours of ten booked, an hour's service every quarter. {CONNECTIONS} connections, medians"
        f" of {chosen.rounds} interleaved rounds of {chosen.seconds:g} s, each after a checkpoint."
        " Every booking was confirmed, and every provider had every start exactly once; every"
        " refusal named three other times."
    )


if __name__ == "__main__":
    sys.exit(main())
