"""The loads that are measured side by side, in the order of each round."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from app.devdb import EmbeddedPostgres
from bench.busy_callers import CUSTOMERS, Callers, warm_up_slots
from bench.measure import BenchError, Round
from bench.over_http import Client, run_http
from bench.pgbench import run_pgbench
from bench.stage import Place, make_place, publish_free_slots, run_sql, slot_id, tidy_up

CONNECTIONS = 8
# More than can be booked in a second: a round that runs out of slots fails, and says so.
CLAIMS_A_SECOND_MAX = 6_000
POSTS_A_SECOND_MAX = 3_000
BUSY_CLAIMS_A_SECOND_MAX = 3_000
WARM_UP_SECONDS = 1
DAYS, DAY_SLOTS, SALON_PROVIDERS, BOOKED_PERCENT = 60, 16, 8, 60


@dataclass(frozen=True)
class Load:
    """`run(seconds)` measures one round of it."""

    name: str
    title: str
    run: Callable[[float], Round]


@dataclass
class FreeSlots:
    """Slots by number, published beforehand; each is handed out once."""

    published: int
    taken: int = 0

    def take(self, count: int) -> int:
        """The first of `count` slots that nobody has had."""
        first, self.taken = self.taken, self.taken + count
        if self.taken > self.published:
            raise BenchError("Fewer slots were published than the rounds take.")
        return first


@dataclass(frozen=True)
class Scene:
    """One database, filled: what the loads work on."""

    pgbench: Path
    url: str
    arena: Place
    free: FreeSlots
    customer: str
    salon: Place
    day: datetime
    sold_out: str


def set_up(postgres: EmbeddedPostgres, database: str, seconds: float) -> Scene:
    """Fill the database, for `seconds` of rounds that book and a warm-up."""
    owner, app = postgres.owner_url(database), postgres.app_url(database)
    run_sql(owner, "plain_bookings.sql")
    arena = make_place(app, "arena", 100)
    salon = make_place(app, "salon", SALON_PROVIDERS)
    day = _fill_salon(app, salon)
    sold_out = _book_hot_slot(app, salon, day)
    # All slots now: to publish between the rounds would have autovacuum work during some.
    a_second = CLAIMS_A_SECOND_MAX + POSTS_A_SECOND_MAX + BUSY_CLAIMS_A_SECOND_MAX
    slots = math.ceil(a_second * (seconds + WARM_UP_SECONDS)) + warm_up_slots()
    free = FreeSlots(slots)
    publish_free_slots(owner, arena, 0, free.published)
    tidy_up(postgres, database)
    customer = _customer(app, arena)
    return Scene(postgres.binary("pgbench"), app, arena, free, customer, salon, day, sold_out)


def sql_loads(scene: Scene) -> list[Load]:
    """What goes to the database directly."""
    sql = partial(run_pgbench, scene.pgbench, scene.url, connections=CONNECTIONS)
    names: dict[str, object] = {
        "vendor": scene.arena.vendor_id,
        "provider": scene.arena.provider_ids[0],
        "location": scene.arena.location_id,
        "customer": scene.customer,
    }

    def inserts(seconds: float) -> Round:
        given = names | {"first": 0, "share": 0, "i": 0}
        return sql("plain_insert", given, script="plain_insert.pgbench", seconds=seconds)

    def claims(seconds: float) -> Round:
        share = int(CLAIMS_A_SECOND_MAX * seconds) // CONNECTIONS
        given = names | {"first": scene.free.take(share * CONNECTIONS), "share": share, "i": 0}
        return sql("claim", given, script="claim.pgbench", seconds=seconds)

    def refusals(seconds: float) -> Round:
        given: dict[str, object] = {"vendor": scene.salon.vendor_id, "slot": scene.sold_out}
        return sql("refusal", given, script="refusal.pgbench", seconds=seconds)

    return [
        Load("plain_insert", "plain INSERT, one row, no laws", inserts),
        Load("claim", "claim function, distinct free slots", claims),
        Load("refusal", "claim function, one sold-out slot (refused)", refusals),
    ]


def busy_load(scene: Scene, callers: Callers) -> Load:
    """The claims of `claim`, by callers who work as much for each as the server does."""

    def claims(seconds: float) -> Round:
        count = int(BUSY_CLAIMS_A_SECOND_MAX * seconds)
        return callers.run("busy_claim", scene.free.take(count), count, seconds)

    return Load("busy_claim", "claim function, called by Python as busy as the server", claims)


def http_loads(scene: Scene, port: int, client: Client) -> list[Load]:
    """What goes through the server on `port`."""
    web = partial(run_http, client, port, connections=CONNECTIONS)

    def posts(seconds: float) -> Round:
        count = int(POSTS_A_SECOND_MAX * seconds)
        first = scene.free.take(count)
        wanted = [_post("arena", slot_id(n), n % CUSTOMERS) for n in range(first, first + count)]
        return web("http_booking", wanted, expect=201, seconds=seconds)

    def refusals(seconds: float) -> Round:
        wanted = [_post("salon", scene.sold_out, 1)]
        return web("http_refusal", wanted, expect=409, seconds=seconds)

    def get(load: str, path: str, seconds: float) -> Round:
        return web(load, [f"GET {path}"], expect=200, seconds=seconds)

    day = _availability(scene.day, 1, provider_id=scene.salon.provider_ids[0])
    week = _availability(scene.day, 7)
    return [
        Load("http_booking", "POST /bookings, distinct free slots (201)", posts),
        Load("http_refusal", "POST /bookings, one sold-out slot (409)", refusals),
        Load(
            "availability_day",
            f"GET /availability, a provider's day ({DAY_SLOTS} slots)",
            partial(get, "availability_day", day),
        ),
        Load(
            "availability_week",
            "GET /availability, a salon's week, first page (100 slots)",
            partial(get, "availability_week", week),
        ),
        Load("empty", "GET /healthz, which does nothing", partial(get, "empty", "/healthz")),
    ]


def _fill_salon(url: str, salon: Place) -> datetime:
    """Two months of half-hour slots, published and booked as the door would; a busy day of them."""
    first = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    first += timedelta(days=1)
    halves = [
        first + timedelta(days=day, minutes=30 * half)
        for day in range(DAYS)
        for half in range(DAY_SLOTS)
    ]
    wanted = [
        {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
        for start in halves
    ]
    with psycopg.connect(url, autocommit=True) as connection:
        taken = 0
        for provider_id in salon.provider_ids:
            row = connection.execute(
                "SELECT slot_ids FROM publish_slots(%s, %s, %s)",
                [salon.vendor_id, provider_id, json.dumps(wanted)],
            ).fetchone()
            for slot in row[0] if row else []:
                taken = (taken + BOOKED_PERCENT) % 100
                if taken < BOOKED_PERCENT:
                    _book(connection, salon, slot)
    return first + timedelta(days=7)


def _book_hot_slot(url: str, salon: Place, day: datetime) -> str:
    """A slot in the middle of a day, sold out."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT slot_id FROM list_availability(%s, %s, %s, p_provider_id => %s)"
            " OFFSET 7 LIMIT 1",
            [salon.vendor_id, day, day + timedelta(hours=12), salon.provider_ids[0]],
        ).fetchone()
        slot = row[0] if row else None
        _book(connection, salon, slot)
    return str(slot)


def _book(connection: psycopg.Connection, place: Place, slot: object) -> None:
    connection.execute(
        "SELECT FROM claim_slot_and_create_booking(%s, ARRAY[%s]::uuid[])", [place.vendor_id, slot]
    )


def _customer(url: str, place: Place) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT id FROM customers WHERE vendor_id = %s LIMIT 1", [place.vendor_id]
        ).fetchone()
    return str(row[0]) if row else ""


def _post(vendor: str, slot: str, customer: int) -> str:
    body = {
        "slot_id": slot,
        "customer": {
            "name": f"Customer {customer}",
            "email": f"customer{customer}@example.org",
        },
    }
    return f"POST /api/v1/vendors/{vendor}/bookings {json.dumps(body)}"


def _availability(day: datetime, days: int, **more: str) -> str:
    midnight = day.replace(hour=0)
    window = {"from": midnight.isoformat(), "to": (midnight + timedelta(days=days)).isoformat()}
    return f"/api/v1/vendors/salon/availability?{urlencode(window | more)}"
