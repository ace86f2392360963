"""The loads that are measured side by side, in the order of each round."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import psycopg

from app.devdb import EmbeddedPostgres
from bench.measure import Round
from bench.over_http import Client, run_http
from bench.pgbench import run_pgbench
from bench.stage import Place, make_place, publish_free_slots, run_sql, slot_id, tidy_up

CONNECTIONS = 8
CUSTOMERS = 1000
# More than can be booked in a second here: a round that ran out of slots would fail.
CLAIMS_A_SECOND_MAX = 8_000
POSTS_A_SECOND_MAX = 4_000
DAYS, DAY_SLOTS, SALON_PROVIDERS, BOOKED_PERCENT = 60, 16, 8, 60


@dataclass(frozen=True)
class Load:
    """`run(seconds)` measures one round of it; `prepare(seconds)` makes what that uses up."""

    name: str
    title: str
    run: Callable[[float], Round]
    prepare: Callable[[float], object] = float


@dataclass
class _Slots:
    """Free slots by number; each is handed out once."""

    url: str
    place: Place
    first: int = 0
    count: int = 0

    def publish(self, count: int) -> None:
        """`count` slots more, in place of those handed out before."""
        self.first, self.count = self.first + self.count, count
        publish_free_slots(self.url, self.place, self.first, count)


def set_up(postgres: EmbeddedPostgres, database: str, port: int, client: Client) -> list[Load]:
    """Fill the database and return the loads on it."""
    owner, app = postgres.owner_url(database), postgres.app_url(database)
    run_sql(owner, "plain_bookings.sql")
    arena = make_place(app, "arena", 100)
    salon = make_place(app, "salon", SALON_PROVIDERS)
    monday = _fill_salon(app, salon)
    hot = _book_hot_slot(app, salon, monday)
    slots = _Slots(owner, arena)
    tidy_up(postgres, database)

    sql = partial(run_pgbench, postgres.binary("pgbench"), app, connections=CONNECTIONS)
    web = partial(run_http, client, port, connections=CONNECTIONS)
    names = {
        "vendor": arena.vendor_id,
        "provider": arena.provider_ids[0],
        "location": arena.location_id,
        "customer": _customer(app, arena),
    }

    def numbered(load: str, seconds: float) -> Round:
        share = slots.count // CONNECTIONS
        given = names | {"first": slots.first, "share": share, "i": 0}
        return sql(load, given, script=f"{load}.pgbench", seconds=seconds)

    def posts(seconds: float) -> Round:
        numbers = range(slots.first, slots.first + slots.count)
        wanted = [_post("arena", slot_id(n), n % CUSTOMERS) for n in numbers]
        return web("http_booking", wanted, expect=201, seconds=seconds)

    def publish(a_second: int, seconds: float) -> None:
        slots.publish(int(a_second * (seconds + 1)))

    def get(load: str, path: str, seconds: float) -> Round:
        return web(load, [f"GET {path}"], expect=200, seconds=seconds)

    day = _availability(monday, 1, provider_id=salon.provider_ids[0])
    week = _availability(monday, 7)
    refused = {"vendor": salon.vendor_id, "slot": hot}
    return [
        Load("plain_insert", "plain INSERT, one row, no laws", partial(numbered, "plain_insert")),
        Load("claim", "claim function, distinct free slots", partial(numbered, "claim"),
             partial(publish, CLAIMS_A_SECOND_MAX)),
        Load("http_booking", "POST /bookings, distinct free slots (201)", posts,
             partial(publish, POSTS_A_SECOND_MAX)),
        Load("http_refusal", "POST /bookings, one sold-out slot (409)",
             lambda s: web("http_refusal", [_post("salon", hot, 1)], expect=409, seconds=s)),
        Load("refusal", "claim function, one sold-out slot (refused)",
             lambda s: sql("refusal", refused, script="refusal.pgbench", seconds=s)),
        Load("availability_day", "GET /availability, a provider's day (16 slots)",
             partial(get, "availability_day", day)),
        Load("availability_week", "GET /availability, a salon's week, first page (100 slots)",
             partial(get, "availability_week", week)),
        Load("empty", "GET /healthz, which does nothing", partial(get, "empty", "/healthz")),
    ]  # fmt: skip


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
