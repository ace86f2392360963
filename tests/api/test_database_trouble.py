"""What callers hear when the database is busy or gone, and that it heals by itself."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from app.auth.keys import create_key, find_key, revoke_key
from app.auth.operator_keys import (
    create_operator_key,
    find_operator_key,
    revoke_operator_key,
)
from app.customers.actions import change_customer, create_customer
from app.db import call
from app.errors import DatabaseProblem, Refusal
from app.idempotency import IdempotencyKey
from app.keys import actions
from app.vendors.actions import create_vendor

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
NO_KEY = IdempotencyKey(None, None)
WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'slotkeeper_app' AND wait_event_type = 'Lock'
"""


@contextmanager
def _locked(url, slot):
    """The slot, locked by somebody else; ends the lock when left or when `rollback` is called."""
    with psycopg.connect(url) as rival:
        rival.execute("SELECT 1 FROM slots WHERE id = %s FOR UPDATE", [slot["id"]])
        yield rival
        rival.rollback()


def _waiting(admin, besides=()):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for (pid,) in admin.execute(WAITING).fetchall():
            if pid not in besides:
                return pid
    raise AssertionError("nobody waits for the lock")


@pytest.fixture
def admin(shared_server):
    with psycopg.connect(shared_server.database.superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def in_background():
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


def test_a_lock_held_too_long_is_inventory_locked_and_leaves_nothing(
    vendor, shared_server, problem
):
    slot, key = vendor.slot(), uuid.uuid4().hex
    body = {"slot_id": slot["id"], "customer": ADA}
    with _locked(shared_server.database.owner_url, slot):
        answer = vendor.post("/bookings", body, idempotency_key=key)
    assert problem(answer, 409, "INVENTORY_LOCKED")["retryable"] is True
    assert int(answer.headers["Retry-After"]) >= 1
    won = vendor.post("/bookings", body, idempotency_key=key)
    assert won.status_code == 201
    assert "Idempotency-Replayed" not in won.headers


def test_a_cancelled_statement_is_a_timeout_and_leaves_nothing(
    vendor, shared_server, admin, in_background, problem
):
    slot = vendor.slot()
    body = {"slot_id": slot["id"], "customer": ADA}
    with _locked(shared_server.database.owner_url, slot):
        answer = in_background(vendor.post, "/bookings", body)
        admin.execute("SELECT pg_cancel_backend(%s)", [_waiting(admin)])
        problem(answer.result(), 504, "TRANSACTION_TIMEOUT")
    vendor.booked(slot_id=slot["id"])


def test_without_a_key_a_lost_connection_is_not_retried_and_says_that_nobody_knows(
    vendor, shared_server, admin, in_background, problem
):
    slot = vendor.slot()
    with _locked(shared_server.database.owner_url, slot):
        body = {"slot_id": slot["id"], "customer": ADA}
        answer = in_background(vendor.post, "/bookings", body)
        admin.execute("SELECT pg_terminate_backend(%s)", [_waiting(admin)])
        refused = problem(answer.result(), 503, "SERVICE_UNAVAILABLE")
    assert "unknown" in refused["detail"]
    assert refused["retryable"] is True
    assert answer.result().headers["Retry-After"]
    vendor.booked(slot_id=slot["id"])


def test_with_a_key_a_lost_connection_is_retried_and_books_once(
    vendor, shared_server, admin, in_background
):
    slot, key = vendor.slot(), uuid.uuid4().hex
    body = {"slot_id": slot["id"], "customer": ADA}
    with _locked(shared_server.database.owner_url, slot) as rival:
        answer = in_background(vendor.post, "/bookings", body, idempotency_key=key)
        first = _waiting(admin)
        admin.execute("SELECT pg_terminate_backend(%s)", [first])
        _waiting(admin, besides=[first])
        rival.rollback()
        assert answer.result().status_code == 201, answer.result().text
    count = admin.execute(
        "SELECT count(*) FROM bookings WHERE slot_ids = ARRAY[%s::uuid]", [slot["id"]]
    ).fetchone()
    assert count == (1,)


@pytest.mark.parametrize(
    "path, status",
    [
        ("/customers", 201),
        ("/services", 201),
        ("/bookings/{booking}/cancel", 200),
        ("/bookings/{booking}/manage-token", 200),
    ],
)
def test_what_remembers_its_key_is_also_retried_when_its_connection_is_lost(
    vendor, shared_server, in_background, path, status
):
    booking, key = vendor.booked(slot_id=vendor.slot()["id"])["id"], uuid.uuid4().hex
    body = {"name": "Somebody"} if status == 201 else None
    database = shared_server.database
    with (
        psycopg.connect(database.superuser_url, autocommit=True) as admin,
        psycopg.connect(database.owner_url) as rival,
    ):
        # The same key at the same moment: the request waits for whoever was first.
        rival.execute(
            "INSERT INTO idempotency_keys (vendor_id, key, fingerprint, made)"
            " SELECT id, %s, sha256(''), '{}' FROM vendors WHERE slug = %s",
            [key, vendor.slug],
        )
        answer = in_background(
            vendor.post, path.format(booking=booking), body, vendor.key, idempotency_key=key
        )
        first = _waiting(admin)
        admin.execute("SELECT pg_terminate_backend(%s)", [first])
        _waiting(admin, besides=[first])
        rival.rollback()
        assert answer.result().status_code == status, answer.result().text


def test_connections_closed_while_idle_are_replaced_without_anybody_noticing(vendor, admin):
    for _ in range(3):
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'slotkeeper_app'"
        )
        for slot in vendor.slots((9, 10), (10, 11)):
            vendor.booked(slot_id=slot["id"])
        assert vendor.get("/services").status_code == 200


def test_an_outage_is_a_503_and_ends_by_itself(serve, postgres, problem):
    server = serve()
    with (
        psycopg.connect(postgres.superuser_url(), autocommit=True) as admin,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client,
    ):
        path = f"/api/v1/vendors/{server.vendor}"
        assert client.get(path).status_code == 200
        admin.execute(f"ALTER DATABASE {server.database.name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [server.database.name],
        )
        answer = client.get(f"{path}/services")
        refused = problem(answer, 503, "SERVICE_UNAVAILABLE")
        assert answer.headers["Retry-After"]
        assert "Nothing was done" in refused["detail"] or "unknown" in refused["detail"]
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "takes no connections" in ready.json()["database"]
        assert client.get("/healthz").status_code == 200
        admin.execute(f"ALTER DATABASE {server.database.name} ALLOW_CONNECTIONS true")
        _healthy_within(client, 3, f"{path}/services", "/readyz")


def _healthy_within(client, seconds, *paths):
    deadline = time.monotonic() + seconds
    while any(client.get(path).status_code != 200 for path in paths):
        assert time.monotonic() < deadline, "the server does not heal"


@pytest.fixture
def aborting(owner):
    """A function that aborts the first p_times times it is called, and then answers."""
    owner.execute("CREATE SEQUENCE calls")
    owner.execute("""
        CREATE FUNCTION aborting(p_times integer, p_state text) RETURNS TABLE (calls bigint)
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        BEGIN
            IF nextval('calls') <= p_times THEN
                RAISE EXCEPTION USING ERRCODE = p_state, MESSAGE = 'aborted';
            END IF;
            RETURN QUERY SELECT last_value FROM public.calls;
        END $$
    """)
    owner.execute("GRANT EXECUTE ON FUNCTION aborting TO slotkeeper_app")
    return owner


@pytest.mark.parametrize("state", ["40001", "40P01"])
@pytest.mark.usefixtures("aborting")
def test_an_aborted_transaction_is_tried_again_and_then_succeeds(door, state):
    with door.app_context():
        assert call("aborting", p_times=3, p_state=state).calls == 4


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_aborts_without_end_are_given_up_as_concurrency_abort(aborting, door, state):
    with door.app_context(), pytest.raises(DatabaseProblem) as caught:
        call("aborting", p_times=1000, p_state=state)
    assert (caught.value.code, caught.value.meaning.status) == ("CONCURRENCY_ABORT", 409)
    assert caught.value.meaning.retry_after_seconds
    assert aborting.execute("SELECT last_value FROM calls").fetchone() == (5,)


@pytest.mark.parametrize(
    "state, code",
    [
        ("55P03", "INVENTORY_LOCKED"),
        ("57014", "TRANSACTION_TIMEOUT"),
        ("57P03", "SERVICE_UNAVAILABLE"),
        ("53300", "SERVICE_UNAVAILABLE"),
        ("25006", "SERVICE_UNAVAILABLE"),
    ],
)
def test_other_states_are_told_at_once(aborting, door, state, code):
    with door.app_context(), pytest.raises(DatabaseProblem) as caught:
        call("aborting", p_times=1000, p_state=state)
    assert caught.value.code == code
    assert aborting.execute("SELECT last_value FROM calls").fetchone() == (1,)


@pytest.fixture
def failing(aborting):
    """Let a table's first writes fail with an SQLSTATE: `failing("customers", 2, "40001")`."""

    def make(table: str, times: int, state: str) -> None:
        aborting.execute(f"""
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = public, pg_temp AS $$
            BEGIN
                PERFORM aborting({times}, '{state}');
                RETURN NEW;
            END $$
        """)
        aborting.execute(
            f"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION fail()"
        )

    return make


def test_a_deadlock_that_undid_a_new_customer_or_a_change_is_tried_again(door, failing):
    with door.app_context():
        vendor_id = create_vendor("aborted", "Aborted", "Europe/Berlin").id
        failing("customers", 3, "40P01")
        customer, replayed = create_customer(vendor_id, ADA, NO_KEY)
        assert not replayed
        changed = change_customer(
            vendor_id, UUID(str(customer["id"])), {"phone": "+49 30 1234567"}, 1
        )
        assert changed["version"] == 2


@pytest.mark.parametrize("step", ["make", "use", "revoke", "revoke over HTTP"])
@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_deadlock_that_undid_what_was_done_to_a_vendors_key_is_tried_again(
    door, failing, step, state
):
    with door.app_context():
        vendor_id = create_vendor("keyholder", "Keyholder", "Europe/Berlin").id
        if step == "make":
            failing("api_keys", 3, state)
        key, text = create_key(vendor_id, "tests")
        if step != "make":
            failing("api_keys", 3, state)
        if step == "revoke over HTTP":
            actions.revoke_key(vendor_id, key.id, 1)
        elif step == "revoke":
            assert revoke_key(text) is not None
        assert (find_key(text) is None) == step.startswith("revoke")


@pytest.mark.parametrize("step", ["make", "use", "revoke"])
def test_a_deadlock_that_undid_what_was_done_to_an_operators_key_is_tried_again(
    door, failing, step
):
    with door.app_context():
        if step == "make":
            failing("operator_keys", 3, "40P01")
        _, text = create_operator_key("tests")
        if step != "make":
            failing("operator_keys", 3, "40P01")
        if step == "revoke":
            assert revoke_operator_key(text) is not None
        assert (find_operator_key(text) is None) == (step == "revoke")


def test_only_a_twin_is_told_as_customer_exists(door, failing):
    with door.app_context():
        vendor_id = create_vendor("breaking", "Breaking", "Europe/Berlin").id
        failing("customers", 1, "23514")
        with pytest.raises(IntegrityError):
            create_customer(vendor_id, ADA, NO_KEY)
        create_customer(vendor_id, ADA, NO_KEY)
        with pytest.raises(Refusal) as twin:
            create_customer(vendor_id, ADA, NO_KEY)
        assert twin.value.code == "CUSTOMER_EXISTS"


def test_a_function_that_a_migration_changes_under_a_request_is_called_once_more(aborting, door):
    with door.app_context():
        assert call("aborting", p_times=1, p_state="42883").calls == 2
        # Still missing: this program is at fault, or the schema.
        with pytest.raises(psycopg.errors.UndefinedFunction):
            call("aborting", p_times=1000, p_state="42883")
    assert aborting.execute("SELECT last_value FROM calls").fetchone() == (4,)


@pytest.mark.usefixtures("aborting")
def test_a_defect_stays_what_it_is(door):
    with door.app_context(), pytest.raises(psycopg.Error) as caught:
        call("aborting", p_times=1000, p_state="SK001")
    assert caught.value.sqlstate == "SK001"
