"""The worker says that it began, does its rounds, checks the data, and can be watched at it."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from app.config import Settings, inherited_environment
from app.db import db, offline_app
from app.ops.worker import Expiries, tidy
from tests import damage
from tests.operations.conftest import Counts
from tests.patience import wait_until
from tests.shop import Shop


@dataclass
class Worker:
    """A running `slotkeeper worker`."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str

    def lines(self, event: str) -> list[dict]:
        """What it has logged of this kind."""
        written = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in written if line["event"] == event]

    def counts(self) -> Counts | None:
        """What it has counted; None while it does not answer."""
        with contextlib.suppress(httpx.TransportError):
            return Counts(httpx.get(f"{self.url}/metrics", trust_env=False).text)
        return None


def _environment(database, **settings: str) -> dict[str, str]:
    return inherited_environment(DATABASE_URL=database.app_url, **settings)


@pytest.fixture
def start(database, tmp_path) -> Iterator[Callable[..., Worker]]:
    """Start workers on this test's database."""
    running = []

    def begin(*options: str) -> Worker:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = tmp_path / f"worker-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "worker", *options],
                env=_environment(database, SLOTKEEPER_WORKER_PORT=str(port)),
                stdout=output,
                stderr=output,
            )
        running.append(process)
        return Worker(process, log, f"http://127.0.0.1:{port}")

    yield begin
    for process in running:
        process.terminate()
        process.wait(30)


@pytest.fixture
def shop(app_connection, owner) -> Shop:
    """A vendor in this test's database."""
    return Shop(app_connection, owner)


def test_it_says_that_it_works_and_where_it_is_watched(start):
    worker = start("--every", "5", "--check-every", "0")
    line = wait_until(lambda: worker.lines("working"), "no line")[0]
    assert (line["every"], line["check_every"], line["watched_at"]) == (5, 0, worker.url)

    def first_round() -> bool:
        found = worker.counts()
        return found is not None and found.of("worker_rounds_total", result="ok") == 1

    # It can be watched before its first round has ended.
    wait_until(first_round, "no round")
    healthy = httpx.get(f"{worker.url}/healthz", trust_env=False)
    assert (healthy.status_code, healthy.json()) == (200, {"status": "ok"})
    assert httpx.get(f"{worker.url}/elsewhere", trust_env=False).status_code == 404
    worker.process.terminate()
    assert worker.process.wait(30) == 0


def test_what_its_rounds_expire_is_counted(start, shop):
    lapsed = [shop.lapsed_hold(shop.slot(hour, hour + 1)) for hour in range(3)]
    worker = start("--every", "0.1", "--check-every", "0")

    def expired() -> bool:
        found = worker.counts()
        return found is not None and found.of("holds_expired_total") == 3

    wait_until(expired, "the holds are not counted as expired")
    assert {shop.booking(booking_id)["status"] for booking_id in lapsed} == {"expired"}
    assert worker.counts().of("worker_rounds_total", result="ok") >= 1
    assert abs(worker.counts().of("worker_last_success_timestamp_seconds") - time.time()) < 30


def test_each_hold_that_expires_is_counted_once_whoever_ends_it(shop, database):
    before = shop.lapsed_hold(shop.slot(8, 9))
    with offline_app(Settings(database_url=database.app_url)).app_context():
        shop.call("expire_holds")
        expiries = Expiries()
        assert expiries.count() == 0, f"{before} had expired before"
        in_the_way = [shop.lapsed_hold(slot) for slot in (shop.slot(9, 10), shop.slot(10, 11))]
        for booking_id in in_the_way:
            # A claim finds the hold in its way, and nobody tells the worker.
            shop.book(*shop.booking(booking_id)["slot_ids"])
        assert expiries.count() == 2
        shop.lapsed_hold(shop.slot(11, 12))
        assert tidy().holds_expired == 1
        assert expiries.count() == 1
        shop.owner.execute(
            "UPDATE bookings SET internal_notes = 'x', updated_at = clock_timestamp()"
            " WHERE id = ANY (%s)",
            [in_the_way],
        )
        assert expiries.count() == 0, "a note is no second end"
        db.engine.dispose()


def test_a_hold_that_expires_in_a_long_transaction_is_counted_when_that_commits(shop, database):
    booking_id = shop.lapsed_hold(shop.slot())
    with (
        offline_app(Settings(database_url=database.app_url)).app_context(),
        psycopg.connect(database.app_url) as slow,
    ):
        expiries = Expiries()
        slow.execute("SELECT expire_holds(%s)", [shop.vendor_id])
        assert expiries.count() == 0
        slow.commit()
        assert expiries.count() == 1
        assert shop.booking(booking_id)["status"] == "expired"
        db.engine.dispose()


def test_a_vendor_whose_holds_are_stuck_does_not_keep_the_others_waiting(
    start, shop, database, app_connection, owner
):
    # Vendors take turns by their ids, which grow: the first one's round fails.
    second = Shop(app_connection, owner)
    stuck, other = shop.lapsed_hold(shop.slot()), second.lapsed_hold(second.slot())
    with psycopg.connect(database.owner_url) as rival:
        rival.execute("SELECT FROM bookings WHERE id = %s FOR UPDATE", [stuck])
        worker = start("--every", "0.1", "--check-every", "0")
        wait_until(lambda: second.booking(other)["status"] == "expired", "the second vendor waits")
        line = wait_until(lambda: worker.lines("vendor not tidied"), "no line")[0]
        assert (line["vendor_id"], line["code"]) == (str(shop.vendor_id), "INVENTORY_LOCKED")
        wait_until(
            lambda: worker.counts().of("worker_rounds_total", result="failed"), "not counted"
        )
        rival.rollback()
    wait_until(lambda: shop.booking(stuck)["status"] == "expired", "the first vendor is forgotten")


def test_sound_data_are_found_sound_and_damage_is_shown_by_its_check(start, shop, database):
    shop.book(shop.slot())
    sound = start("--every", "5")
    wait_until(lambda: sound.lines("consistency checked"), "no check")
    found = sound.counts()
    assert found.of("consistency_violations") == 0
    assert abs(found.of("consistency_run_timestamp_seconds") - time.time()) < 30
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        damage.loosen(superuser)
        superuser.execute("DELETE FROM claims")
    damaged = start("--every", "5")
    line = wait_until(lambda: damaged.lines("consistency violated"), "no complaint")[0]
    assert line["occupying_bookings_have_their_claims"] == 1
    found = damaged.counts()
    check = "occupying_bookings_have_their_claims"
    assert found.of("consistency_violations", check=check) == 1


def test_rounds_go_on_when_the_database_comes_back(start, database, shop):
    worker = start("--every", "0.1", "--check-every", "0")
    wait_until(lambda: worker.counts() and worker.counts().of("worker_rounds_total"), "no round")
    shop.owner.close()
    shop.app.close()
    with psycopg.connect(database.superuser_url, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [database.name],
        )
        try:
            failed = wait_until(lambda: worker.lines("round failed"), "no failure")[0]
            assert failed["code"] == "SERVICE_UNAVAILABLE"
        finally:
            admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    before = worker.counts().of("worker_rounds_total", result="ok")
    wait_until(lambda: worker.counts().of("worker_rounds_total", result="ok") > before, "no round")
    assert worker.process.poll() is None


def test_a_port_in_use_is_named_with_what_to_do(database):
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        port = str(foreign.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "worker"],
            env=_environment(database, SLOTKEEPER_WORKER_PORT=port),
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "SLOTKEEPER_WORKER_PORT" in done.stderr
    assert "Traceback" not in done.stderr
