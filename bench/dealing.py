"""`python -m bench.dealing`: what a claim costs that must deal units again, beside a plain one.

Slots of two places, in which one of the two is booked at every moment. Somebody wants the whole
slot: a place is free throughout, but where the bookings take the units by turns no unit is, and
half of the bookings must change theirs. Beside it the same slots with all bookings on one unit.
Afterwards every slot must be full, and exactly as many claims must have changed as half of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

import psycopg

from app.devdb import EmbeddedPostgres
from bench.loads import CONNECTIONS, Load
from bench.measure import BenchError, Round
from bench.pgbench import run_pgbench
from bench.report import how_quiet, keep_rounds, table
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

DATABASE = "dealing"
PROVIDERS = 40
# So many claims are dealt anew by one; twice as many are in the slot.
DEALT = (1, 4, 16, 64)
# As many a round and client: each fills a slot, and is counted, not timed.
CLAIMS_EACH = 20
CHECK = """
    SELECT count(*) FILTER (WHERE c.claims <> %(claims)s + 1 OR c.taken <> 2), count(*)
    FROM (SELECT count(*) AS claims, units_count(range_agg(units)) AS taken FROM claims
          WHERE vendor_id = %(vendor_id)s GROUP BY slot_id) AS c WHERE c.claims > %(claims)s
"""
MOVED = """
    SELECT count(*) FROM claims
    WHERE vendor_id = %(vendor_id)s AND upper(units) = 2 AND during <> slot_during
"""


@dataclass
class Street:
    """A vendor with zigzag slots, each of which is filled by one more claim."""

    name: str
    title: str
    claims: int
    scattered: bool
    place: Place
    slots: int
    taken: int = field(default=0)

    def load(self, postgres: EmbeddedPostgres) -> Load:
        """Fills slots that nobody has filled, CLAIMS_EACH by each client."""

        def run(_seconds: float) -> Round:
            first, self.taken = self.taken, self.taken + CLAIMS_EACH * CONNECTIONS
            variables = {"vendor": self.place.vendor_id, "first": first, "share": CLAIMS_EACH}
            return run_pgbench(
                postgres.binary("pgbench"),
                postgres.app_url(DATABASE),
                self.name,
                variables | {"i": 0},
                script="claim.pgbench",
                connections=CONNECTIONS,
                transactions=CLAIMS_EACH,
            )

        return Load(self.name, self.title, run)

    def check(self, owner: str) -> None:
        """Every slot that was filled has all its claims and no unit left. Raises BenchError."""
        known = {"vendor_id": self.place.vendor_id, "claims": self.claims}
        with psycopg.connect(owner) as connection:
            found = connection.execute(CHECK, known).fetchone()
            left = connection.execute(MOVED, known).fetchone()
        if found != (0, self.taken):
            raise BenchError(f"{self.name}: not {self.taken} slots were filled once: {found}")
        # Those who had the first unit while somebody filled the slot have the second now.
        still = (self.slots - self.taken) * self.claims // 2 if self.scattered else 0
        if left != (still,):
            raise BenchError(f"{self.name}: {left} claims have the first unit, not {still}")


def main() -> int:
    """Run the command line; 1 when something measured was not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench.dealing", description=__doc__)
    parser.add_argument("--dealt", type=int, nargs="+", default=DEALT)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}-dealing"
    try:
        with open_stage() as postgres:
            make_database(postgres, DATABASE)
            streets = [
                _street(postgres, dealt, chosen.rounds, scattered=scattered)
                for dealt in chosen.dealt
                for scattered in (False, True)
            ]
            tidy_up(postgres, DATABASE)
            loads = [street.load(postgres) for street in streets]
            alone = {"database": postmaster_pid()}
            done = interleave(postgres, loads, lambda _: alone, chosen.rounds, 0)
            for street in streets:
                street.check(postgres.owner_url(DATABASE))
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    parts = [_heading(chosen.rounds), how_quiet(done), table(loads, done)]
    text = "\n\n".join([*parts, _ratios(done, chosen.dealt)])
    kept = keep_rounds(stamp, f"Dealing again, {stamp[:15]}", text, done)
    print(f"\n{text}\n\nKept in {kept}")
    return 0


def _street(postgres: EmbeddedPostgres, dealt: int, rounds: int, *, scattered: bool) -> Street:
    name = _name(dealt, scattered=scattered)
    claims, slots = 2 * dealt, CLAIMS_EACH * CONNECTIONS * (rounds + 1)
    place = make_place(postgres.app_url(DATABASE), name.replace("_", "-"), PROVIDERS)
    run_sql(
        postgres.owner_url(DATABASE),
        "zigzag.sql",
        vendor_id=place.vendor_id,
        location_id=place.location_id,
        provider_ids=place.provider_ids,
        providers=len(place.provider_ids),
        claims=claims,
        scattered=scattered,
        first=0,
        count=slots,
    )
    how = f"deals {dealt} again" if scattered else "deals none again"
    title = f"a slot's second place beside {claims} claims: {how}"
    return Street(name, title, claims, scattered, place, slots)


def _name(dealt: int, *, scattered: bool) -> str:
    return f"{'scattered' if scattered else 'in_order'}_{dealt}"


def _ratios(done: Sequence[Sequence[Round]], sizes: Sequence[int]) -> str:
    """What dealing again costs: within each round, p50 and processor, of many and of none."""
    lines = ["| dealt again | p50 | database processor |", "|---:|---:|---:|"]
    for dealt in sizes:
        taken, spent = [], []
        for loads in done:
            by = {one.load: one for one in loads}
            again, none = (by[_name(dealt, scattered=it)] for it in (True, False))
            taken.append(again.p50_ms / none.p50_ms)
            spent.append(again.cpu["database"] / none.cpu["database"])
        lines.append(f"| {dealt} | {median(taken):.2f} | {median(spent):.2f} |")
    return "\n".join(lines)


def _heading(rounds: int) -> str:
    cores, kind = processors()
    return (
        f"Commit {commit_id()}. {cores} cores ({kind}), shared by client and database; SQL alone,"
        f" no HTTP. {CONNECTIONS} connections, {CLAIMS_EACH} claims each a round, medians of"
        f" {rounds} interleaved rounds, each after a checkpoint; ratios are medians of the ratios"
        " within each round, of slots whose bookings take the two units by turns to such where they"
        " do not."
        " Every claim was confirmed, and as many claims changed their unit as must."
    )


if __name__ == "__main__":
    sys.exit(main())
