"""The door behind a real PgBouncer that pools transactions, with far fewer sessions than clients.

PgBouncer is no Python package, so `make test` cannot bring it: `make test-pgbouncer` runs this file
where `pgbouncer` is installed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from app.config import inherited_environment
from tests.api.conftest import ADA, Api
from tests.conftest import Server
from tests.sweep import assert_clean
from tests.throwaway import Database

SESSIONS = 4
CROWD = 32
CONFIGURATION = """
[databases]
{name} = host=127.0.0.1 port={server_port} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
"""


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def pooled(module_database, tmp_path_factory) -> Iterator[Database]:
    """The module's database, whose application's role comes in through a PgBouncer."""
    program = shutil.which("pgbouncer")
    assert program, "There is no pgbouncer on the PATH: install it (Debian: apt install pgbouncer)."
    folder = tmp_path_factory.mktemp("pgbouncer")
    for parent in (folder, *list(folder.parents)[:2]):
        parent.chmod(0o755)
    address = urlsplit(module_database.app_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = CONFIGURATION.format(
        name=module_database.name,
        server_port=address.port,
        port=port,
        folder=folder,
        sessions=SESSIONS,
    )
    (folder / "pgbouncer.ini").write_text(configuration)
    (folder / "users.txt").write_text(f'"{address.username}" "{address.password}"\n')
    # It refuses to be root.
    account = ["--user", "nobody"] if os.geteuid() == 0 else []
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *account, folder / "pgbouncer.ini"], stdout=output, stderr=output
        )
    try:
        _wait_for(port, process, log)
        url = module_database.app_url.replace(f":{address.port}/", f":{port}/")
        yield replace(module_database, app_url=url)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def served(pooled, tmp_path_factory) -> Iterator[Server]:
    """The shipped server behind it, with more threads than there are sessions."""
    from tests.conftest import _serve

    log = tmp_path_factory.mktemp("server") / "log"
    with _serve(pooled, log, SLOTKEEPER_DATABASE_POOLER="transaction") as server:
        yield server


@pytest.fixture
def vendor(served, api) -> Api:
    """Calls on the server's vendor."""
    return api(served)


@pytest.fixture
def vendor_id(vendor, module_database) -> uuid.UUID:
    with psycopg.connect(module_database.owner_url) as owner:
        found = owner.execute("SELECT id FROM vendors WHERE slug = %s", [vendor.slug]).fetchone()
    return found[0]


def _all_at_once(number: int, work) -> list[httpx.Response]:
    barrier = threading.Barrier(number)

    def run(index: int) -> httpx.Response:
        barrier.wait()
        return work(index)

    with ThreadPoolExecutor(number) as crowd:
        return list(crowd.map(run, range(number)))


def _sweep(database: Database, vendor_id: uuid.UUID) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        assert_clean(owner, vendor_id)


def test_it_is_ready_and_keeps_to_its_sessions(served, vendor, module_database):
    answer = httpx.get(f"{served.url}/readyz", trust_env=False)
    assert answer.status_code == 200, answer.text
    _all_at_once(CROWD, lambda _: vendor.get("/services"))
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        sessions = superuser.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'slotkeeper_app'"
        ).fetchone()[0]
    assert 1 <= sessions <= SESSIONS


@pytest.mark.parametrize("places", [1, 10])
def test_a_crowd_gets_as_many_places_as_there_are(vendor, vendor_id, module_database, places):
    for day in range(5):
        slot = vendor.slots((24 * day + 9, 24 * day + 10), capacity=places)[0]
        body = {"slot_id": slot["id"], "customer": ADA}
        answers = _all_at_once(CROWD, lambda _, body=body: vendor.post("/bookings", body))
        found = Counter(answer.status_code for answer in answers)
        assert found == {201: places, 409: CROWD - places}
    _sweep(module_database, vendor_id)


def test_one_key_books_once(vendor, vendor_id, module_database):
    body = {"slot_id": vendor.slot(capacity=CROWD)["id"], "customer": ADA}
    key = uuid.uuid4().hex
    answers = _all_at_once(CROWD, lambda _: vendor.post("/bookings", body, idempotency_key=key))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == CROWD - 1
    _sweep(module_database, vendor_id)


def test_moves_and_their_transactions_work_side_by_side(vendor, vendor_id, module_database):
    slots = vendor.slots(*[(hour, hour + 1) for hour in range(16)])

    def live(index: int) -> httpx.Response:
        booking = vendor.booked(slot_id=slots[index]["id"], hold=True)
        path = f"/bookings/{booking['id']}"
        for move in ("confirm", "cancel", "confirm"):
            answer = vendor.post(
                f"{path}/{move}", auth=vendor.key, idempotency_key=uuid.uuid4().hex
            )
            assert answer.status_code == 200, answer.text
        return answer

    answers = _all_at_once(16, live)
    assert {answer.json()["status"] for answer in answers} == {"confirmed"}
    _sweep(module_database, vendor_id)


def test_the_roles_limits_hold(vendor, module_database):
    slot = vendor.slot()
    with psycopg.connect(module_database.owner_url) as rival:
        rival.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot["id"]])
        began = time.monotonic()
        answer = vendor.post("/bookings", {"slot_id": slot["id"], "customer": ADA})
        rival.rollback()
    assert answer.json()["code"] == "INVENTORY_LOCKED"
    assert 2 < time.monotonic() - began < 6


@pytest.mark.parametrize("words", [["worker", "--once"], ["consistency", "check"]])
def test_commands_work_behind_it(pooled, words):
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        env=inherited_environment(
            DATABASE_URL=pooled.app_url, SLOTKEEPER_DATABASE_POOLER="transaction"
        ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
