"""Does a claim slow down as bookings pile up? Two databases, a few bookings and many, in turn."""

from __future__ import annotations

import psycopg

from app.devdb import EmbeddedPostgres
from bench.loads import CONNECTIONS, Load
from bench.measure import Round
from bench.pgbench import run_pgbench
from bench.stage import Place, make_database, make_place, publish_free_slots, run_sql, tidy_up

SMALL, LARGE = 10_000, 1_000_000
PROVIDERS = 100
BATCH = 50_000
# Counted and not timed, so that the small database stays small.
CLAIMS_EACH = 250


def set_up(postgres: EmbeddedPostgres, rounds: int) -> list[Load]:
    """Fill both databases, lawfully, and return the same load on each."""
    return [_fill(postgres, total, rounds) for total in (SMALL, LARGE)]


def _fill(postgres: EmbeddedPostgres, total: int, rounds: int) -> Load:
    database = f"growth_{total}"
    make_database(postgres, database)
    place = make_place(postgres.app_url(database), "arena", PROVIDERS)
    owner = postgres.owner_url(database)
    fill_with_history(owner, place, total)
    share = CLAIMS_EACH * (rounds + 1)
    publish_free_slots(owner, place, 0, share * CONNECTIONS)
    tidy_up(postgres, database)
    begun = iter(range(0, share, CLAIMS_EACH))

    def run(_seconds: float) -> Round:
        return run_pgbench(
            postgres.binary("pgbench"),
            postgres.app_url(database),
            f"claim_at_{total}",
            {"vendor": place.vendor_id, "first": 0, "share": share, "i": next(begun)},
            script="claim.pgbench",
            connections=CONNECTIONS,
            transactions=CLAIMS_EACH,
        )

    return Load(f"claim_at_{total}", f"claim function, {total:,} bookings before it", run)


def fill_with_history(url: str, place: Place, total: int, file: str = "history.sql") -> None:
    """So many bookings of the past, lawfully made by the owner at `url`, a batch a transaction."""
    customer_ids = _customers(url, place)
    for first in range(0, total, BATCH):
        run_sql(
            url,
            file,
            vendor_id=place.vendor_id,
            location_id=place.location_id,
            provider_ids=place.provider_ids,
            providers=len(place.provider_ids),
            customer_ids=customer_ids,
            first=first,
            count=min(BATCH, total - first),
            total=total,
        )


def _customers(url: str, place: Place) -> list[object]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT id FROM customers WHERE vendor_id = %s ORDER BY id", [place.vendor_id]
        )
        return [row[0] for row in found]
