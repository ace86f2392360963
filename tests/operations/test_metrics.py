"""What a server counts adds up over its workers, is true, and is there when the database is not."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import psutil
import psycopg
import pytest

from tests.api.conftest import ADA
from tests.patience import wait_until
from tests.shop import Shop

WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'slotkeeper_app' AND wait_event_type = 'Lock'
"""


@pytest.fixture
def superuser(database):
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def shop_in(app_connection, owner) -> Shop:
    """A vendor in this test's database, by SQL."""
    return Shop(app_connection, owner)


def _begun(vendor) -> list[str]:
    """Two slots of yesterday: only what has begun can be completed."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    times = [start + timedelta(hours=hour) for hour in range(3)]
    slots = [{"start": a.isoformat(), "end": b.isoformat()} for a, b in pairwise(times)]
    path = f"/providers/{vendor.provider()['id']}/slots"
    return [slot["id"] for slot in vendor.made(path, {"slots": slots})["items"]]


def test_bookings_are_counted_once_by_what_became_of_them(server, api, counts):
    vendor = api(server)
    slots = [slot["id"] for slot in vendor.slots(*[(hour, hour + 1) for hour in range(9)])]
    begun = _begun(vendor)
    booked = [vendor.booked(slot_id=slot, hold=number < 3) for number, slot in enumerate(slots)]
    booked += [vendor.booked(vendor.key, slot_id=slot) for slot in begun]
    taken = vendor.post("/bookings", {"slot_id": slots[0], "customer": ADA})
    assert taken.status_code == 409
    moves = ["confirm", "cancel", "confirm", "cancel"], ["complete", "no-show"]
    for booking, move in [
        *zip(booked, moves[0], strict=False),
        *zip(booked[-2:], moves[1], strict=True),
    ]:
        for _ in range(2):
            # The second time there is nothing left to do, and nothing to count.
            done = vendor.post(f"/bookings/{booking['id']}/{move}", auth=vendor.key)
            assert done.status_code == 200, done.text
    block = {"provider_id": booked[0]["provider_id"], "start": "2040-01-02T11:00:00Z"}
    vendor.slots((11, 12), provider_id=block["provider_id"])
    closed = vendor.made("/blocks", {**block, "end": "2040-01-02T12:00:00Z"})
    assert vendor.call("DELETE", f"/blocks/{closed['id']}", auth=vendor.key).status_code == 204
    found = counts(server.url)
    became = {
        outcome: found.of("bookings_total", outcome=outcome)
        for outcome in (
            *("held", "confirmed", "cancelled", "completed", "no_show", "blocked", "unblocked"),
        )
    }
    assert became == {
        "held": 3,
        "confirmed": 8 + 2,
        "cancelled": 2,
        "completed": 1,
        "no_show": 1,
        "blocked": 1,
        "unblocked": 1,
    }
    assert found.of("refusals_total", code="BOOKING_CONFLICT") == 1


def test_a_repeated_request_is_counted_as_such_and_not_as_a_booking(server, api, counts):
    vendor = api(server)
    slot, key = vendor.slot(), uuid.uuid4().hex
    before = counts(server.url)
    for _ in range(3):
        body = {"slot_id": slot["id"], "customer": ADA}
        assert vendor.post("/bookings", body, idempotency_key=key).status_code == 201
    booking_id = vendor.post("/bookings", body, idempotency_key=key).json()["id"]
    for _ in range(2):
        path, again = f"/bookings/{booking_id}/cancel", uuid.uuid5(uuid.NAMESPACE_OID, key).hex
        assert vendor.post(path, auth=vendor.key, idempotency_key=again).status_code == 200
    after = counts(server.url)

    def more(name: str, **labels: str) -> float:
        return (after.of(name, **labels) or 0) - (before.of(name, **labels) or 0)

    assert more("idempotent_replays_total") == 3 + 1
    assert more("bookings_total", outcome="confirmed") == 1
    assert more("bookings_total", outcome="cancelled") == 1


def test_requests_add_up_over_the_workers_and_over_one_that_was_killed(serve, counts):
    server = serve(SLOTKEEPER_WORKERS="3")
    answered = []

    def ask(_: int) -> None:
        answer = httpx.get(f"{server.vendor_url}/services", trust_env=False, timeout=30)
        answered.append(answer.status_code)

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(ask, range(120)))
    assert answered == [200] * 120
    route = "/api/v1/vendors/<vendor>/services"
    found = counts(server.url)
    assert found.of("http_requests_total", route=route, status="200") == 120
    assert found.of("http_request_seconds_count", route=route) == 120
    assert found.of("pool_size") == 3 * 8
    psutil.Process(server.process.pid).children(recursive=True)[0].kill()

    def three_workers_again() -> bool:
        # Who asks the dead one hears nothing, and a new one has a pool when it has begun.
        try:
            return counts(server.url).of("pool_size") == 3 * 8
        except httpx.TransportError:
            return False

    wait_until(three_workers_again, "the dead worker's pool is still counted")
    assert counts(server.url).of("http_requests_total", route=route, status="200") >= 120


def test_connections_in_use_are_counted_while_they_are(serve, api, counts, superuser):
    server = serve()
    vendor = api(server)
    slot = vendor.slot()
    with psycopg.connect(server.database.owner_url) as rival:
        rival.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot["id"]])
        booking = threading.Thread(target=lambda: vendor.booked(slot_id=slot["id"]))
        booking.start()
        wait_until(lambda: superuser.execute(WAITING).fetchall(), "the booking does not wait")
        assert counts(server.url).of("pool_in_use") == 1
        rival.rollback()
        booking.join()
    assert counts(server.url).of("pool_in_use") == 0
    # Each worker has opened connections, and that takes longer than finding one.
    assert counts(server.url).of("pool_wait_seconds_count") >= 1


def test_a_lost_connection_is_counted_as_a_retry(serve, api, counts, superuser):
    server = serve()
    vendor = api(server)
    slot, answers = vendor.slot(), []
    body = {"slot_id": slot["id"], "customer": ADA}
    with psycopg.connect(server.database.owner_url) as rival:
        rival.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot["id"]])
        booking = threading.Thread(
            target=lambda: answers.append(
                vendor.post("/bookings", body, idempotency_key=uuid.uuid4().hex)
            )
        )
        booking.start()
        pid = wait_until(lambda: superuser.execute(WAITING).fetchone(), "the booking does not wait")
        superuser.execute("SELECT pg_terminate_backend(%s)", pid)
        wait_until(
            lambda: superuser.execute(WAITING + " AND pid <> %s", pid).fetchone(),
            "the booking is not tried again",
        )
        rival.rollback()
        booking.join()
    assert answers[0].status_code == 201, answers[0].text
    found = counts(server.url)
    assert found.of("database_retries_total", reason="lost") == 1
    assert found.of("pool_in_use") == 0


def test_a_method_that_nobody_knows_makes_no_series_of_its_own(server, counts):
    httpx.request("ADA-LOVELACE", f"{server.url}/healthz", trust_env=False)
    found = counts(server.url)
    assert "LOVELACE" not in found.text
    assert found.of("http_requests_total", method="other") == 1


def test_the_oldest_lapsed_hold_and_the_database_itself_are_watched(serve, counts, shop_in):
    server = serve(SLOTKEEPER_WORKERS="1")
    found = counts(server.url)
    assert found.of("database_up") == 1
    assert found.of("oldest_lapsed_hold_seconds") == 0
    other = serve(SLOTKEEPER_WORKERS="1")
    # Unexpired for a minute: nobody sweeps here.
    shop_in.lapsed_hold(shop_in.slot())
    assert 60 <= counts(other.url).of("oldest_lapsed_hold_seconds") < 120


def test_metrics_are_there_at_once_while_the_database_is_not(serve, counts, superuser, database):
    server = serve(SLOTKEEPER_WORKERS="1")
    with psycopg.connect(
        superuser.info.dsn, password=superuser.info.password, dbname="postgres", autocommit=True
    ) as admin:
        admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [database.name],
        )
        try:
            began = time.monotonic()
            found = counts(server.url)
            assert time.monotonic() - began < 5
            assert found.of("database_up") == 0
            assert found.of("oldest_lapsed_hold_seconds") is None
            assert found.of("http_requests_total", route="/readyz", status="200") >= 1
            assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
            unready = httpx.get(f"{server.url}/readyz", trust_env=False, timeout=30)
            assert unready.status_code == 503
            assert unready.json()["status"] == "not ready"
            assert "takes no connections" in unready.json()["database"]
        finally:
            admin.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    wait_until(lambda: counts(server.url).of("database_up") == 1, "the database is not found again")
