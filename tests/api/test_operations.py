"""Whether a server says truly that it is alive and ready, and what it counts."""

from __future__ import annotations

import psycopg
import pytest

from app import create_app
from app.config import ConfigurationError, Settings
from app.db import db
from tests.bad_answers import raw

SECRET = "a secret of the tests, long enough to sign"


@pytest.fixture
def readiness():
    """What /readyz of a server with this database answers."""

    def ask(url: str, **settings: str) -> tuple[int, dict[str, str]]:
        app = create_app(Settings(database_url=url, secret_key=SECRET, **settings))
        answer = app.test_client().get("/readyz")
        with app.app_context():
            db.engine.dispose()
        return answer.status_code, answer.get_json()

    return ask


def test_a_migrated_database_with_the_applications_role_is_ready(client, database, readiness):
    assert client.get("/healthz").json() == {"status": "ok"}
    checks = ("database", "migrations", "role", "limits")
    expected = {"status": "ready", **dict.fromkeys(checks, "ok")}
    assert client.get("/readyz").json() == expected
    assert readiness(database.app_url) == (200, expected)


def test_a_role_that_could_write_the_truth_is_not_ready(database, readiness):
    for url in (database.owner_url, database.superuser_url):
        status, checks = readiness(url)
        assert status == 503
        for table in ("slots", "bookings", "claims", "events", "idempotency_keys"):
            assert table in checks["role"]


@pytest.mark.parametrize("table", ["slots", "bookings", "claims", "events", "idempotency_keys"])
@pytest.mark.parametrize("right", ["INSERT", "DELETE", "TRUNCATE", "UPDATE", "UPDATE (vendor_id)"])
def test_any_right_to_write_any_of_it_is_noticed(database, owner, readiness, table, right):
    owner.execute(f"GRANT {right} ON {table} TO slotkeeper_app")
    status, checks = readiness(database.app_url)
    assert status == 503
    assert checks["role"].startswith(f"could write {table}:")


def test_a_role_that_could_become_one_that_writes_is_not_ready(database, readiness):
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE mighty")
        try:
            admin.execute("GRANT INSERT ON claims TO mighty")
            admin.execute("GRANT mighty TO slotkeeper_app WITH INHERIT FALSE, SET TRUE")
            status, checks = readiness(database.app_url)
        finally:
            admin.execute("DROP OWNED BY mighty")
            admin.execute("DROP ROLE mighty")
    assert status == 503
    assert checks["role"].startswith("could write claims:")


def test_another_schema_than_the_servers_is_not_ready(database, owner, readiness):
    owner.execute("UPDATE alembic_version SET version_num = 'another'")
    status, checks = readiness(database.app_url)
    assert status == 503
    assert "another" in checks["migrations"]
    owner.execute("DROP TABLE alembic_version")
    status, checks = readiness(database.app_url)
    assert status == 503
    assert "slotkeeper migrate" in checks["migrations"]


def test_a_role_that_may_not_even_look_is_told_so_and_not_ready(database, owner, readiness):
    owner.execute("REVOKE SELECT ON alembic_version FROM slotkeeper_app")
    status, checks = readiness(database.app_url)
    assert status == 503
    assert checks["migrations"] == "could not be looked at: SQLSTATE 42501"
    assert checks["role"] == "ok"


def test_a_database_that_takes_no_writes_is_not_ready(database, readiness):
    # As a standby does.
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    status, checks = readiness(database.app_url)
    assert status == 503
    assert checks["database"].startswith("takes no writes")


def test_a_database_that_cannot_be_reached_is_not_ready(database, readiness):
    status, checks = readiness("postgresql://slotkeeper_app:x@127.0.0.1:1/slotkeeper")
    assert (status, checks) == (503, {"status": "not ready", "database": "cannot be reached"})
    status, checks = readiness(database.app_url.replace("slotkeeper_app:", "slotkeeper_app:not-"))
    assert status == 503
    assert checks["database"].startswith("The password in DATABASE_URL is wrong")


def test_locks_and_statements_without_a_limit_are_not_ready_behind_a_pooler(database, readiness):
    pooled = {"database_pooler": "transaction"}
    assert readiness(database.app_url, **pooled)[0] == 200
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        for name in ("lock_timeout", "statement_timeout"):
            role = f"ALTER ROLE slotkeeper_app IN DATABASE {database.name}"
            admin.execute(f"{role} SET {name} = 0")
            status, checks = readiness(database.app_url, **pooled)
            admin.execute(f"{role} RESET {name}")
            assert status == 503
            assert checks["limits"].startswith(f"{name} not set")


def test_without_an_address_or_a_secret_there_is_no_server(database):
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        create_app(Settings(secret_key=SECRET))
    with pytest.raises(ConfigurationError, match="SLOTKEEPER_SECRET_KEY"):
        create_app(Settings(database_url=database.app_url))


def test_requests_are_counted_by_route_and_never_by_address(client, vendor):
    vendor.get("/services")
    text = client.get("/metrics").text
    assert 'route="/api/v1/vendors/<vendor>/services",status="200"' in text
    assert "slotkeeper_http_request_seconds_bucket" in text
    assert vendor.slug not in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/openapi.json"])
def test_whoever_speaks_http_1_0_need_not_name_a_host(client, path):
    # As balancers ask for health unless they are told otherwise.
    answer = raw(client.base_url, f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert answer.status_code == 200, answer.text
