"""`python -m bench.schedules`: publishing what schedules give, beside publishing by hand.

In each round a salon with 50 providers is made, each with half hours from nine to five for 180
days. They are published for the first time, and again, when nothing has changed; the worker goes
round when all is due and nothing is to be done; and another salon has the same slots published by
hand, in one call a provider. Afterwards both must have the same slots. Then every fourth slot is
booked and the afternoons are given up: what is free of them goes, and what is booked stays and is
closed. That is published again, too; and when the afternoons are back, both salons must have the
same slots once more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from app.config import Settings
from app.db import db, offline_app
from app.devdb import EmbeddedPostgres
from app.schedules.keeping import Keeper
from app.schedules.publishing import publish_provider
from bench.loads import Load
from bench.measure import BenchError, Round, percentile, with_cpu
from bench.report import how_quiet, keep_rounds, table
from bench.stage import (
    Place,
    checkpoint,
    commit_id,
    make_database,
    make_place,
    open_stage,
    postmaster_pid,
    processors,
    run_sql,
    tidy_up,
)

DATABASE = "schedules"
# Of the place that make_place makes.
ZONE = ZoneInfo("Europe/Berlin")
# As many days as slots are kept published ahead, as shipped.
PROVIDERS, DAYS, DAY_SLOTS = 50, Settings.publish_days, 16
# What is done to the same providers, in this order; each against the first.
TITLES = {
    "by_hand": "published by hand, in one call",
    "first": "published from schedules for the first time",
    "second": "published again, nothing has changed",
    "worker": "the worker's turn, nothing is to be done",
    "closed": "afternoons given up, a quarter of the slots booked",
    "closed_again": "published again, with closed slots",
    "opened": "afternoons again: closed slots opened, others made",
}
SLOTS = """
    SELECT p.name, lower(s.during), upper(s.during) FROM slots s
    JOIN providers p ON p.vendor_id = s.vendor_id AND p.id = s.provider_id
    WHERE s.vendor_id = %s ORDER BY 1, 2
"""
HOURS = """
    UPDATE schedules SET weekly = (SELECT jsonb_object_agg(day, %s::jsonb)
                                   FROM jsonb_object_keys(weekly) AS day) WHERE vendor_id = %s
"""
# Of the afternoons: slots that are closed, that are booked, and all.
AFTERNOONS = """
    SELECT count(*) FILTER (WHERE s.closed = tstzmultirange(s.during)),
           count(*) FILTER (WHERE EXISTS (SELECT FROM claims c
                                          WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id)),
           count(*)
    FROM slots s WHERE s.vendor_id = %s AND lower(s.during) AT TIME ZONE %s
        >= date_trunc('day', lower(s.during) AT TIME ZONE %s) + interval '13 hours'
"""
DUE = "UPDATE schedule_publishings SET looked_at = looked_at - interval '1 day'"
Deed = Callable[[UUID], None]


def main() -> int:
    """Run the command line; 1 when something measured was not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench.schedules", description=__doc__)
    parser.add_argument("--providers", type=int, default=PROVIDERS)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}-schedules"
    try:
        with open_stage() as postgres:
            make_database(postgres, DATABASE)
            settings = Settings.from_environment({"DATABASE_URL": postgres.app_url(DATABASE)})
            with offline_app(settings).app_context():
                done = [_round(postgres, n, chosen.providers) for n in range(chosen.rounds)]
                db.session.remove()
                db.engine.dispose()
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    loads = [Load(name, title, _only_named) for name, title in TITLES.items()]
    parts = [_heading(chosen), how_quiet(done), table(loads, done), _ratios(done)]
    text = "\n\n".join(parts)
    kept = keep_rounds(stamp, f"Schedules, {stamp[:15]}", text, done)
    print(f"\n{text}\n\nKept in {kept}")
    return 0


def _only_named(_seconds: float) -> Round:
    raise AssertionError("measured in _round")


def _round(postgres: EmbeddedPostgres, number: int, providers: int) -> list[Round]:
    """Each deed once on two salons of this round's own."""
    app, owner = postgres.app_url(DATABASE), postgres.owner_url(DATABASE)
    salon = make_place(app, f"salon-{number}", providers)
    other = make_place(app, f"by-hand-{number}", providers)
    days = {"first": datetime.now(ZONE).date() + timedelta(days=1), "days": DAYS}
    run_sql(owner, "weeks.sql", vendor_id=salon.vendor_id, provider_ids=salon.provider_ids, **days)
    tidy_up(postgres, DATABASE)
    by_schedule = partial(_publish, UUID(salon.vendor_id))
    done = [_measured(postgres, "first", salon, by_schedule)]
    wanted = _half_hours(owner, salon)
    with psycopg.connect(app, autocommit=True) as connection:
        by_hand = partial(_publish_by_hand, connection, UUID(other.vendor_id), wanted)
        done.insert(0, _measured(postgres, "by_hand", other, by_hand))
    _require_same(owner, salon, other, providers * DAYS * DAY_SLOTS)
    done.append(_measured(postgres, "second", salon, by_schedule))
    done.append(_worker(postgres))
    _require_same(owner, salon, other, providers * DAYS * DAY_SLOTS)
    run_sql(owner, "booked_quarter.sql", vendor_id=salon.vendor_id)
    tidy_up(postgres, DATABASE)
    _set_hours(owner, salon, "09:00", "13:00")
    done.append(_measured(postgres, "closed", salon, by_schedule))
    done.append(_measured(postgres, "closed_again", salon, by_schedule))
    _require_closed(owner, salon, providers * DAYS * DAY_SLOTS // 2 // 4)
    _set_hours(owner, salon, "09:00", "17:00")
    done.append(_measured(postgres, "opened", salon, by_schedule))
    _require_same(owner, salon, other, providers * DAYS * DAY_SLOTS)
    _require_closed(owner, salon, 0)
    return done


def _measured(postgres: EmbeddedPostgres, name: str, place: Place, deed: Deed) -> Round:
    """The deed done for one provider after the other."""

    def work() -> Round:
        taken = []
        began = time.perf_counter()
        for provider_id in map(UUID, place.provider_ids):
            one = time.perf_counter()
            deed(provider_id)
            taken.append((time.perf_counter() - one) * 1000)
        seconds = time.perf_counter() - began
        return _as_round(name, seconds, sorted(taken))

    return _alone(postgres, name, work)


def _worker(postgres: EmbeddedPostgres) -> Round:
    """A round of the worker, in which every provider is due."""
    due = _make_all_due(postgres.owner_url(DATABASE))

    def work() -> Round:
        keeper = Keeper()
        began = time.perf_counter()
        kept = keeper.round()
        seconds = time.perf_counter() - began
        if (kept.providers, kept.published, kept.removed, kept.failures) != (due, 0, 0, 0):
            raise BenchError(f"The worker had something to do: {kept}")
        return _as_round("worker", seconds, [seconds * 1000 / due] * due)

    return _alone(postgres, "worker", work)


def _alone(postgres: EmbeddedPostgres, name: str, work: Callable[[], Round]) -> Round:
    checkpoint(postgres)
    used = time.process_time()
    measured = with_cpu({"database": postmaster_pid()}, work)
    measured.cpu["client"] = time.process_time() - used
    each = measured.seconds / measured.completed * 1000
    print(f"{TITLES[name]:50} {each:9,.1f} ms a provider", flush=True)
    return measured


def _as_round(name: str, seconds: float, taken: list[float]) -> Round:
    return Round(
        load=name,
        seconds=seconds,
        completed=len(taken),
        p50_ms=percentile(taken, 50),
        p99_ms=percentile(taken, 99),
        outcomes={"as the deed demands": len(taken)},
        cpu={},
    )


def _publish(vendor_id: UUID, provider_id: UUID) -> None:
    publish_provider(vendor_id, provider_id)


def _publish_by_hand(
    connection: psycopg.Connection, vendor_id: UUID, wanted: str, provider_id: UUID
) -> None:
    row = connection.execute(
        "SELECT outcome FROM publish_slots(%s, %s, %s)", [vendor_id, provider_id, wanted]
    ).fetchone()
    if row != ("PUBLISHED",):
        raise BenchError(f"Publishing by hand: {row}")


def _half_hours(owner: str, place: Place) -> str:
    """What the first provider has published, as publish_slots takes it."""
    with psycopg.connect(owner) as connection:
        found = connection.execute(
            "SELECT lower(during), upper(during) FROM slots WHERE vendor_id = %s"
            " AND provider_id = %s ORDER BY 1",
            [place.vendor_id, place.provider_ids[0]],
        ).fetchall()
    return json.dumps([{"start": row[0].isoformat(), "end": row[1].isoformat()} for row in found])


def _require_same(owner: str, one: Place, other: Place, slots: int) -> None:
    """Both have these many slots, at the same times. Raises BenchError."""
    with psycopg.connect(owner) as connection:
        told = [connection.execute(SLOTS, [it.vendor_id]).fetchall() for it in (one, other)]
    if told[0] != told[1] or len(told[0]) != slots:
        raise BenchError(f"Not {slots} slots each, and the same: {[len(rows) for rows in told]}")


def _set_hours(owner: str, salon: Place, start: str, end: str) -> None:
    with psycopg.connect(owner) as connection:
        connection.execute(HOURS, [json.dumps([[start, end]]), salon.vendor_id])


def _require_closed(owner: str, salon: Place, slots: int) -> None:
    """So many slots of afternoons are closed: those that are booked, or none. Raises BenchError."""
    with psycopg.connect(owner) as connection:
        zone = str(ZONE)
        row = connection.execute(AFTERNOONS, [salon.vendor_id, zone, zone]).fetchone()
    closed, booked, every = row or (0, 0, 0)
    if closed != slots or (slots and not closed == booked == every):
        raise BenchError(f"{slots} slots should be closed: {closed} of {every}, {booked} booked")


def _make_all_due(owner: str) -> int:
    """Every provider is looked after again by the worker's next turn; how many there are."""
    with psycopg.connect(owner) as connection:
        return connection.execute(DUE).rowcount


def _ratios(done: Sequence[Sequence[Round]]) -> str:
    """Each deed against the first publishing, within each round: time, and the database's."""
    lines = ["| against the first publishing | time | database processor |", "|---|---:|---:|"]
    for name, title in TITLES.items():
        taken, spent = [], []
        for rounds in done:
            by = {one.load: one for one in rounds}
            this, first = by[name], by["first"]
            taken.append(this.seconds / this.completed / (first.seconds / first.completed))
            spent.append(
                this.cpu["database"] / this.completed / (first.cpu["database"] / first.completed)
            )
        lines.append(f"| {title} | {median(taken):.3f} | {median(spent):.3f} |")
    return "\n".join(lines)


def _heading(chosen: argparse.Namespace) -> str:
    cores, kind = processors()
    return (
        f"Commit {commit_id()}. {cores} cores ({kind}), shared by client and database; no HTTP."
        f" {chosen.providers} providers, {DAYS} days of {DAY_SLOTS} slots each, one provider after"
        f" the other on one connection; medians of {chosen.rounds} rounds on vendors of their own,"
        " each deed after a checkpoint. `client` is the process that expands local time. The table"
        " counts providers; by schedule and by hand the slots were the same."
    )


if __name__ == "__main__":
    sys.exit(main())
