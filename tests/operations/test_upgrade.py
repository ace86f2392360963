"""An upgrade under which people go on booking: nothing is lost, nothing double, and it is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app import create_app, migrate
from app.config import Settings, inherited_environment
from app.db import db
from migrations import frozen
from tests.operations import everyday
from tests.shop import Shop
from tests.sweep import assert_clean
from tests.throwaway import Database

FIRST, NEWEST = frozen.revisions()[0], frozen.revisions()[-1]
NAME = "slotkeeper_upgraded"
# What a request hears while its tables change: try again. 42883: the function it was in wanted to
# call another in the way that was right when it began.
PASSING = {"55P03", "40P01", "57014", "42883"}


@pytest.fixture
def old_database(postgres) -> Iterator[Database]:
    """A database as the first release made it."""
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {NAME} OWNER slotkeeper_owner")
        try:
            migrate.upgrade(postgres.owner_url(NAME), FIRST)
            yield Database(
                NAME, postgres.owner_url(NAME), postgres.app_url(NAME), postgres.superuser_url(NAME)
            )
        finally:
            superuser.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


@pytest.fixture
def shop(old_database) -> Iterator[Shop]:
    """A vendor in it."""
    with (
        psycopg.connect(old_database.app_url, autocommit=True) as app,
        psycopg.connect(old_database.owner_url, autocommit=True) as owner,
    ):
        yield Shop(app, owner)


def _readiness(database: Database) -> tuple[int, dict[str, str]]:
    app = create_app(Settings(database_url=database.app_url, secret_key="s" * 40))
    answer = app.test_client().get("/readyz")
    with app.app_context():
        db.engine.dispose()
    return answer.status_code, answer.get_json()


def _command(database: Database, *words: str) -> str:
    done = _ended(database, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _migrated(database: Database) -> bool:
    """Whether it came to its end; where tables stay in use, it says so and changes nothing."""
    done = _ended(database, "migrate")
    if done.returncode:
        assert "in use by others. Nothing has been changed; try again" in done.stderr
        assert _readiness(database)[1]["migrations"].startswith(f"at {FIRST};")
    return done.returncode == 0


def _ended(database: Database, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        env=inherited_environment(
            DATABASE_URL=database.app_url, DATABASE_OWNER_URL=database.owner_url
        ),
        check=False,
        capture_output=True,
        text=True,
    )


def _is_kept(old: object, new: object) -> bool:
    """Whether a row still says all that it said; it may say more."""
    return isinstance(old, dict) and isinstance(new, dict) and old.items() <= new.items()


def test_everything_is_still_there_after_an_upgrade_and_the_next_booking_works(shop, old_database):
    lived = everyday.live(shop)
    before = everyday.rows(shop.owner, shop.vendor_id)
    assert _readiness(old_database)[1]["migrations"] == (
        f"at {FIRST}; this server needs {NEWEST}: run slotkeeper migrate"
    )
    said = _command(old_database, "migrate")
    assert f"The schema was at {FIRST} and is now at {NEWEST}" in said
    after = everyday.rows(shop.owner, shop.vendor_id)
    for table, rows in before.items():
        assert len(after[table]) == len(rows), table
        for old in rows:
            assert any(_is_kept(old, new) for new in after[table]), (table, old)
    assert_clean(shop.owner, shop.vendor_id)
    assert "FAIL" not in _command(old_database, "consistency", "check")
    assert _readiness(old_database)[0] == 200
    assert shop.claim(lived.keyed_slot)["outcome"] == "BOOKING_CONFLICT"
    again = shop.claim(lived.keyed_slot, idempotency_key=lived.key, fingerprint=b"f" * 32)
    assert (again["booking_id"], again["replayed"]) == (lived.bookings["keyed"], True)
    for move, booking, outcome in (
        ("confirm_booking", "held", "CONFIRMED"),
        ("cancel_booking", "nights", "CANCELLED"),
        ("unblock_time", "block", "CANCELLED"),
        ("confirm_booking", "cancelled", "CONFIRMED"),
    ):
        assert shop.move(move, lived.bookings[booking])["outcome"] == outcome
    assert shop.call("expire_holds")[0]["expire_holds"] == 1
    shop.book(shop.slot(22, 23))
    assert_clean(shop.owner, shop.vendor_id)


@pytest.mark.parametrize("says_so", [True, False])
def test_servers_of_the_release_before_stay_ready_where_the_next_revision_says_so(
    database, tmp_path, monkeypatch, says_so
):
    """This release is the one before, of a revision that does not exist yet."""
    shutil.copytree(migrate.MIGRATIONS, tmp_path / "migrations")
    says = f'compatible_with = ("{NEWEST}",)' if says_so else ""
    (tmp_path / "migrations" / "versions" / "9999_next.py").write_text(
        f'revision = "9999_next"\ndown_revision = "{NEWEST}"\n{says}\n'
        "def upgrade():\n    pass\n\ndef downgrade():\n    pass\n"
    )
    assert _readiness(database)[0] == 200
    neighbours = _neighbours(database)
    with monkeypatch.context() as next_release:
        next_release.setattr(migrate, "MIGRATIONS", tmp_path / "migrations")
        assert migrate.upgrade(database.owner_url) == (NEWEST, "9999_next")
    status, checks = _readiness(database)
    if says_so:
        assert (status, checks["migrations"]) == (200, "ok")
    else:
        assert status == 503
        assert checks["migrations"].startswith("at 9999_next; this server needs")
    with monkeypatch.context() as next_release:
        next_release.setattr(migrate, "MIGRATIONS", tmp_path / "migrations")
        migrate.downgrade(database.owner_url, NEWEST)
    assert _readiness(database)[0] == 200
    assert _neighbours(database) == neighbours


def _neighbours(database) -> str | None:
    """What the database says of whom its revision is compatible with."""
    with psycopg.connect(database.owner_url) as owner:
        comment = "SELECT obj_description('alembic_version'::regclass, 'pg_class')"
        return owner.execute(comment).fetchone()[0]


def test_servers_of_the_release_before_go_on_booking_through_the_upgrade(shop, old_database):
    """They call the functions with the arguments that they know, before, during and after."""
    slots = iter([shop.slot(number / 4, (number + 1) / 4, day=10) for number in range(4_000)])
    stop, taking, booked, refused = threading.Event(), threading.Lock(), [], []

    def old_server() -> None:
        with psycopg.connect(old_database.app_url, autocommit=True) as connection:
            client = Shop.__new__(Shop)
            client.app, client.vendor_id = connection, shop.vendor_id
            while not stop.is_set():
                with taking:
                    slot = next(slots)
                try:
                    booked.append(client.book(slot))
                except psycopg.Error as error:
                    refused.append(error.sqlstate)

    with ThreadPoolExecutor(4) as servers:
        running = [servers.submit(old_server) for _ in range(4)]
        try:
            while len(booked) < 50:
                assert not any(server.done() for server in running)
                time.sleep(0.01)
            # As its operator does who is told to.
            tries = next((tried for tried in range(1, 6) if _migrated(old_database)), None)
            assert tries is not None
            before = len(booked)
            while len(booked) < before + 50:
                assert not any(server.done() for server in running)
                time.sleep(0.01)
        finally:
            stop.set()
        for server in running:
            server.result()
    print(f"{len(booked)} booked; told to try again: {Counter(refused)}; migrated by {tries}")
    assert set(refused) <= PASSING
    found = shop.rows("SELECT id FROM bookings WHERE vendor_id = %s AND status = 'confirmed'")
    assert {row["id"] for row in found} >= set(booked)
    assert_clean(shop.owner, shop.vendor_id)
    assert _readiness(old_database)[0] == 200
