"""When a database counts as fallen silent: a statement that has no end, and nothing less."""

from __future__ import annotations

import re
import time

import psycopg
import pytest
from sqlalchemy import text

from app import metrics, outages
from app.config import Settings
from app.db import call, db, offline_app, read, transaction, watch_pool
from app.errors import DatabaseProblem

LIMIT_SECONDS = 2


@pytest.fixture
def door(database, monkeypatch):
    """The database as a worker reaches it, with LIMIT_SECONDS for a statement and its answer."""
    monkeypatch.setattr(outages, "ANSWER_MARGIN_SECONDS", LIMIT_SECONDS - 1)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION nap(p_seconds float8) RETURNS TABLE (slept boolean)"
            " LANGUAGE sql AS 'SELECT pg_sleep(p_seconds) IS NOT NULL'"
        )
        owner.execute("GRANT EXECUTE ON FUNCTION nap TO slotkeeper_app")
    settings = Settings.from_environment(
        {"DATABASE_URL": database.app_url, "SLOTKEEPER_STATEMENT_SECONDS": "1"}
    )
    app = offline_app(settings)
    watch_pool(app, settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _session() -> int:
    """The server's process behind the connection that the pool gives next."""
    return read("SELECT pg_backend_pid() AS pid")[0].pid


def _in_use() -> float:
    told = metrics.exposition().decode()
    (said,) = re.findall(r"^slotkeeper_pool_in_use (\S+)$", told, re.MULTILINE)
    return float(said)


def _fall_silent() -> None:
    """A statement that nothing ends, as on a server that does not keep statement_timeout."""
    with transaction() as session:
        idle = _session()
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("SELECT pg_sleep(60)"))
    raise AssertionError(f"it has slept, beside {idle}")


@pytest.mark.usefixtures("door")
def test_a_transaction_may_take_longer_than_each_of_its_statements():
    idle = _session()
    began = time.monotonic()
    with transaction() as session:
        while time.monotonic() - began < LIMIT_SECONDS + 1:
            session.execute(text("SELECT pg_sleep(0.4)"))
        while time.monotonic() - began < 2 * (LIMIT_SECONDS + 1):
            assert call("nap", within=session, p_seconds=0.4).slept
    assert _session() == idle, "nobody's connection was thrown away"


@pytest.mark.usefixtures("door")
def test_whoever_takes_long_between_two_statements_says_nothing_about_the_database():
    with transaction() as session:
        idle = _session()
        session.execute(text("SELECT 1"))
        time.sleep(LIMIT_SECONDS + 4 * 0.25)
        assert session.scalar(text("SELECT 2")) == 2
    assert idle in {_session(), _session_beside()}


def _session_beside() -> int:
    with transaction():
        return _session()


@pytest.mark.usefixtures("door")
def test_a_statement_without_end_is_cut_off_and_the_connections_from_before_are_replaced():
    with transaction():
        idle = _session()
    began = time.monotonic()
    with pytest.raises(DatabaseProblem) as cut:
        _fall_silent()
    assert cut.value.code == "SERVICE_UNAVAILABLE"
    assert time.monotonic() - began >= LIMIT_SECONDS
    assert idle not in {_session(), _session_beside()}
    assert _in_use() == 0, "a connection that was replaced when it was taken is counted once"


@pytest.mark.usefixtures("door")
def test_connections_made_since_are_trusted_though_the_clock_was_set_back(monkeypatch):
    with pytest.raises(DatabaseProblem):
        _fall_silent()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    first = _session()
    assert _session() == first
