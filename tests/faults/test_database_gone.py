"""The database dies, hangs or throws everybody out under load: no acknowledged booking is lost."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack

import psutil
import psycopg
import pytest

from app.config import Settings
from app.db import db, offline_app, read, watch_pool
from app.errors import DatabaseProblem
from tests.load import reconnect
from tests.patience import wait_until

CUSTOMERS = 12
# Wide bounds: they tell a limit from none, on a busy machine, too. The times are printed.
HEALTHY_SECONDS = 20
THROW_OUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'slotkeeper_app'"
)


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def admin(postgres):
    """A superuser's connection to another database than the one under load."""
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        yield connection


def _postmaster(postgres) -> psutil.Process:
    with psycopg.connect(postgres.superuser_url()) as connection:
        return psutil.Process(connection.info.backend_pid).parent()


def test_a_database_killed_under_load_and_started_again_loses_nothing(load_on, postgres, stack):
    load = load_on(CUSTOMERS)
    with load:
        killed = time.monotonic()
        _postmaster(postgres).kill()
        load.wait_for("refused", CUSTOMERS, since=killed)
        down = time.monotonic()
        # While it is down, nobody waits.
        load.wait_for("refused", 20 * CUSTOMERS, since=down)
        assert load.slowest(since=down) < 5
        postgres.start()
        healthy = load.wait_for_each(3)
        print(f"healthy again after {healthy:.2f} s; in flight when killed: {CUSTOMERS}")
    assert healthy < HEALTHY_SECONDS
    assert load.slowest() < HEALTHY_SECONDS
    reconnect(load.arena, stack.enter_context)
    account = load.settle_accounts()
    assert account["lost"] == 0, "every request gets an answer"
    assert account["unknown"] <= CUSTOMERS


def test_a_database_that_hangs_holds_nobody_for_long_and_everybody_is_served_when_it_goes_on(
    load_on, postgres
):
    load = load_on(CUSTOMERS, SLOTKEEPER_STATEMENT_SECONDS="1")
    postmaster = _postmaster(postgres)
    with load:
        family = [postmaster, *postmaster.children()]
        try:
            for process in family:
                process.send_signal(signal.SIGSTOP)
            hung = time.monotonic()
            load.wait_for("refused", 20 * CUSTOMERS, since=hung)
            print(f"refused at once since {time.monotonic() - hung:.1f} s after it fell silent")
        finally:
            for process in family:
                process.send_signal(signal.SIGCONT)
        healthy = load.wait_for_each(3)
        print(f"healthy again after {healthy:.2f} s")
    assert healthy < HEALTHY_SECONDS
    # statement_timeout and the margin; then a connection that nobody answers.
    assert load.slowest() < 2 * (1 + 5 + 5)
    account = load.settle_accounts()
    assert account["lost"] == 0
    wait_until(lambda: _metric(load, "slotkeeper_pool_in_use") == 0, "connections in use at rest")
    quick = sorted(wish.seconds for wish in load.of("refused"))
    assert quick[len(quick) // 2] < 1, "the breaker lets nobody wait"


def test_sessions_thrown_out_again_and_again_under_load_cost_nobody_a_booking(load_on, admin):
    load = load_on(CUSTOMERS)
    with load:
        thrown_out = 0
        for _ in range(8):
            thrown_out += admin.execute(THROW_OUT).rowcount
            load.wait_for_each(1)
        print(f"sessions thrown out: {thrown_out}")
    assert thrown_out > CUSTOMERS
    assert load.slowest() < HEALTHY_SECONDS
    assert load.settle_accounts()["lost"] == 0


def test_a_database_without_connections_to_give_refuses_at_once_and_recovers(load_on, admin):
    load = load_on(CUSTOMERS)
    with load:
        admin.execute("ALTER ROLE slotkeeper_app CONNECTION LIMIT 2")
        try:
            admin.execute(THROW_OUT)
            starved = time.monotonic()
            load.wait_for("refused", 5 * CUSTOMERS, since=starved)
            # The two connections that there are go on booking.
            load.wait_for("acknowledged", CUSTOMERS, since=starved)
        finally:
            admin.execute("ALTER ROLE slotkeeper_app CONNECTION LIMIT -1")
        healthy = load.wait_for_each(3)
        print(f"healthy again after {healthy:.2f} s")
    assert healthy < HEALTHY_SECONDS
    assert load.slowest() < HEALTHY_SECONDS
    assert load.settle_accounts()["lost"] == 0


def test_a_connection_that_is_open_is_used_though_another_cannot_be_made_again(database, admin):
    settings = Settings(database_url=database.app_url, threads=2)
    app = offline_app(settings)
    watch_pool(app, settings)
    with app.app_context():
        kept, lost = db.engine.raw_connection(), db.engine.raw_connection()
        kept_pid, lost_pid = (one.driver_connection.info.backend_pid for one in (kept, lost))
        kept.close()
        # The last to come back is the first to be taken again.
        lost.close()
        admin.execute("ALTER ROLE slotkeeper_app CONNECTION LIMIT 1")
        try:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [lost_pid])
            with pytest.raises(DatabaseProblem):
                read("SELECT 1")
            served = {read("SELECT pg_backend_pid() AS pid")[0].pid for _ in range(3)}
            assert served == {kept_pid}
        finally:
            admin.execute("ALTER ROLE slotkeeper_app CONNECTION LIMIT -1")
            db.engine.dispose()


def test_the_metrics_say_that_the_database_was_down(load_on, postgres, admin):
    load = load_on(4, SLOTKEEPER_WORKERS="1")
    name = load.arena.server.database.name
    with load:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(THROW_OUT)
        load.wait_for("refused", 10)
        assert _metric(load, "slotkeeper_breaker_open") == 1
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        load.wait_for_each()
        assert _metric(load, "slotkeeper_breaker_open") == 0
        assert _metric(load, "slotkeeper_outages_total") >= 1
    log = load.arena.server.log.read_text()
    assert '"database down"' in log
    assert '"database back"' in log
    assert os.fspath(postgres.binary("postgres")) not in log
    load.settle_accounts()


def _metric(load, name: str) -> float:
    import httpx

    lines = httpx.get(f"{load.arena.server.url}/metrics", trust_env=False).text.splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{name} "))
    return float(value)
