"""A lock that somebody holds too long: refused as documented, on every call that may wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from psycopg import sql

from app.auth.keys import create_key
from app.auth.operator_keys import create_operator_key
from app.config import Settings
from app.db import db, offline_app
from app.vendors.actions import create_vendor
from tests.api.conftest import Api
from tests.described import World, operations

WAITED = {"INVENTORY_LOCKED", "CONCURRENCY_ABORT"}
# The example's events are years ahead, and so write nothing: it would wait for others of these
# calls, or not, by who comes first.
TOMORROW = datetime.now(UTC) + timedelta(days=1)
CALENDAR = f"""BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1@example.org
DTSTART:{TOMORROW:%Y%m%dT%H%M%SZ}
DURATION:PT1H
END:VEVENT
END:VCALENDAR
"""
TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""


@pytest.fixture
def locked_world(serve, database):
    """A vendor with one of everything, in a database of which somebody holds every table."""
    server = serve(SLOTKEEPER_LOCK_SECONDS="1")
    settings = Settings.from_environment({"DATABASE_URL": database.app_url})
    offline = offline_app(settings)
    with offline.app_context():
        vendor = create_vendor("world", "A vendor", "Europe/Berlin")
        key = create_key(vendor.id, "tests", "admin")[1]
        operator = create_operator_key("tests")[1]
        db.engine.dispose()
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        world = World(Api(client, "world", key), operator)
        # That a key was used is written once a while: not now.
        used = client.get("/api/v1/vendors", headers={"Authorization": f"Bearer {operator}"})
        assert used.status_code == 200
        with psycopg.connect(database.owner_url) as holder:
            tables = [sql.Identifier(name) for (name,) in holder.execute(TABLES).fetchall()]
            # Readers go on; whoever writes, or locks a row, waits.
            holder.execute(
                sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.SQL(", ").join(tables))
            )
            yield world
            holder.rollback()


def test_every_call_that_waits_for_a_lock_says_so_in_the_description(locked_world):
    spec = locked_world.api.client.get("/api/v1/openapi.json").json()
    described = {one.name: one for one in operations(spec)}

    def call(one):
        other = {"content": CALENDAR} if one.name == "import_calendar" else {}
        return locked_world.call(one, **other)

    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(described, pool.map(call, described.values()), strict=True))
    waited = {name for name, answer in answers.items() if answer.status_code == 409}
    for name in waited:
        assert answers[name].json()["code"] == "INVENTORY_LOCKED", answers[name].text
    declared = {
        name: {code for code in WAITED if f"`{code}`" in str(one.described["responses"].get("409"))}
        for name, one in described.items()
    }
    assert declared == {name: WAITED if name in waited else set() for name in described}
