"""A dump taken while people book, restored into another server: whole, lawful, and open again."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from app import migrate
from app.config import inherited_environment
from app.devdb import EmbeddedPostgres
from tests import raw
from tests.operations import everyday
from tests.shop import TRUTH, Shop
from tests.sweep import assert_clean
from tests.throwaway import Database, own_server

RESTORED = "slotkeeper_restored"


@pytest.fixture(scope="module")
def other_server() -> Iterator[EmbeddedPostgres]:
    """Another PostgreSQL, as after a fire: it knows the roles and nothing else."""
    with own_server() as server:
        yield server


def _run(*words: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        env=inherited_environment(**environment),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def _customers(database: Database, shop: Shop) -> Iterator[list[uuid.UUID]]:
    """People who book one slot after the other, each a place of its own; what they got."""
    slots = iter([shop.slot(number, number + 1, day=10) for number in range(2_000)])
    booked, stop = [], threading.Event()

    def book() -> None:
        with psycopg.connect(database.app_url, autocommit=True) as connection:
            visitor = Shop.__new__(Shop)
            visitor.app, visitor.vendor_id = connection, shop.vendor_id
            for slot in slots:
                booked.append(visitor.book(slot))
                if stop.is_set():
                    return

    threads = [threading.Thread(target=book) for _ in range(1)]
    for thread in threads:
        thread.start()
    try:
        yield booked
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def shops(app_connection, owner) -> tuple[Shop, Shop]:
    """A quiet vendor, and one where people book while the dump is made."""
    return Shop(app_connection, owner), Shop(app_connection, owner)


@pytest.fixture
def restored(database, postgres, other_server, shops, tmp_path):
    """What was there before the dump, and the database that it was restored into."""
    quiet, busy = shops
    lived = everyday.live(quiet)
    dump = tmp_path / "slotkeeper.dump"
    with _customers(database, busy) as booked:
        while len(booked) < 20:
            assert threading.active_count() > 1
            time.sleep(0.01)
        early = list(booked)
        words = ("--format=custom", f"--file={dump}", f"--dbname={database.owner_url}")
        _run(postgres.binary("pg_dump"), *words)
        assert len(booked) > len(early), "nobody booked while the dump was made"
    with psycopg.connect(other_server.superuser_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {RESTORED} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {RESTORED} OWNER slotkeeper_owner")
    target = f"--dbname={other_server.owner_url(RESTORED)}"
    _run(other_server.binary("pg_restore"), "--exit-on-error", target, dump)
    clone = Database(
        RESTORED,
        other_server.owner_url(RESTORED),
        other_server.app_url(RESTORED),
        other_server.superuser_url(RESTORED),
    )
    before, after = migrate.upgrade(clone.owner_url)
    assert before == after
    return lived, early, clone


def test_a_backup_taken_while_people_book_is_whole_lawful_and_open_again(
    restored, shops, picture, database, serve_on
):
    lived, early, clone = restored
    quiet, busy = shops
    before = everyday.rows(quiet.owner, quiet.vendor_id)
    # Every table, constraint, index, trigger, function and right is there again.
    assert picture(clone.owner_url) == picture(database.owner_url)
    with (
        psycopg.connect(clone.owner_url, autocommit=True) as new_owner,
        psycopg.connect(clone.app_url, autocommit=True) as new_app,
    ):
        rows = everyday.rows(new_owner, quiet.vendor_id)
        assert rows == before
        assert all(rows[table] for table in TRUTH)
        found = new_owner.execute(
            "SELECT count(*) FROM bookings WHERE id = ANY (%s)", [early]
        ).fetchone()
        assert found == (len(early),)
        for shop in (quiet, busy):
            assert_clean(new_owner, shop.vendor_id)
        said = _run(
            *(sys.executable, "-m", "app.cli", "consistency", "check"), DATABASE_URL=clone.app_url
        )
        assert "PASS" in said
        assert "FAIL" not in said
        quiet.owner, quiet.app = new_owner, new_app
        _laws_hold(quiet, lived)
        _booking_goes_on(quiet, lived)
        assert_clean(new_owner, quiet.vendor_id)
    with serve_on(clone) as server:
        assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200


def _laws_hold(shop: Shop, lived: everyday.Everyday) -> None:
    slot, booking_id = lived.keyed_slot, lived.bookings["keyed"]
    with pytest.raises(psycopg.errors.ExclusionViolation):
        raw.book(shop.owner, shop, slot)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        shop.owner.execute("UPDATE bookings SET status = 'cancelled' WHERE id = %s", [booking_id])
    with pytest.raises(psycopg.Error) as refused:
        shop.owner.execute("DELETE FROM events WHERE booking_id = %s", [booking_id])
    assert refused.value.sqlstate == "SK006"
    for table in TRUTH:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.app.execute(f"DELETE FROM {table}")
    limits = shop.app.execute(
        "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    ).fetchone()
    assert limits == ("3s", "10s")


def _booking_goes_on(shop: Shop, lived: everyday.Everyday) -> None:
    assert shop.claim(lived.keyed_slot)["outcome"] == "BOOKING_CONFLICT"
    again = shop.claim(lived.keyed_slot, idempotency_key=lived.key, fingerprint=b"f" * 32)
    assert (again["booking_id"], again["replayed"]) == (lived.bookings["keyed"], True)
    for move, booking in (("confirm_booking", "held"), ("cancel_booking", "nights")):
        assert shop.move(move, lived.bookings[booking])["outcome"] in {"CONFIRMED", "CANCELLED"}
    assert shop.call("expire_holds")[0]["expire_holds"] == 1
    shop.book(shop.slot(22, 23))
