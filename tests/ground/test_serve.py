"""`slotkeeper serve` in production: requests in flight finish, and dead workers are replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.patience import wait_until

CHECKOUT = Path(__file__).parents[2]
SECRET = "a secret of the tests, long enough to sign"


def _client(server) -> httpx.Client:
    return httpx.Client(
        base_url=server.vendor_url,
        headers={"Authorization": f"Bearer {server.api_key}"},
        trust_env=False,
        timeout=30,
    )


def _publish_slot(client: httpx.Client) -> str:
    place = client.post("/locations", json={"name": "Here", "time_zone": "Europe/Berlin"}).json()
    provider = client.post("/providers", json={"name": "Alex", "location_id": place["id"]}).json()
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    slot = {
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "capacity": 1,
    }
    answer = client.post(f"/providers/{provider['id']}/slots", json={"slots": [slot]})
    assert answer.status_code == 201, answer.text
    return answer.json()["items"][0]["id"]


def _workers(server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children(recursive=True)


def _listens(server) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) == 0


def test_a_request_in_flight_is_answered_after_sigterm_and_no_process_stays(serve):
    server = serve()
    answers = []
    with (
        _client(server) as client,
        psycopg.connect(server.database.owner_url) as rival,
        # Only a superuser sees what the sessions of other roles wait for.
        psycopg.connect(server.database.superuser_url, autocommit=True) as onlooker,
    ):
        slot_id = _publish_slot(client)
        family = [psutil.Process(server.process.pid), *_workers(server)]
        rival.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot_id])
        booking = threading.Thread(
            target=lambda: answers.append(client.post("/bookings", json={"slot_id": slot_id}))
        )
        booking.start()
        wait_until(
            lambda: (
                onlooker.execute(
                    "SELECT FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                ).rowcount
            ),
            "the booking does not wait for the slot",
        )
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not _listens(server), "the server takes new requests after SIGTERM")
        assert not answers
        rival.rollback()
        booking.join()
    assert answers[0].status_code == 201, answers[0].text
    assert server.process.wait(30) == 0
    wait_until(lambda: not any(p.is_running() for p in family[1:]), "a worker stays")


def test_a_killed_worker_is_replaced(serve):
    server = serve(SLOTKEEPER_WORKERS="1")
    with _client(server) as client:
        before = _workers(server)
        before[0].kill()

        def answers() -> bool:
            try:
                return client.get("/providers").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(lambda: before[0] not in _workers(server) and answers(), "no new worker")
    assert server.process.poll() is None


def test_workers_end_when_the_server_process_is_killed(serve):
    server = serve()
    workers = _workers(server)
    assert len(workers) >= 2
    server.process.kill()
    server.process.wait()
    wait_until(
        lambda: all(not w.is_running() or w.status() == psutil.STATUS_ZOMBIE for w in workers),
        "an orphaned worker keeps the port",
    )


def test_each_worker_holds_at_most_as_many_connections_as_it_has_threads(serve, owner):
    server = serve(SLOTKEEPER_WORKERS="1", SLOTKEEPER_THREADS="3")

    def read() -> None:
        with _client(server) as client:
            for _ in range(20):
                assert client.get("/providers").status_code == 200

    readers = [threading.Thread(target=read) for _ in range(12)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    held = owner.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'slotkeeper_app'"
    ).fetchone()[0]
    assert 1 <= held <= 3


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={"PATH": os.defpath, **environment},
        timeout=60,
    )


def test_a_port_in_use_gets_a_clear_message():
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        port = str(foreign.getsockname()[1])
        done = _run(
            "serve",
            DATABASE_URL="postgresql://slotkeeper_app@127.0.0.1:1/slotkeeper",
            SLOTKEEPER_SECRET_KEY=SECRET,
            SLOTKEEPER_PORT=port,
        )
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is already in use by another process" in done.stderr
    assert "SLOTKEEPER_PORT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words, environment, told",
    [
        (["serve"], {}, "DATABASE_URL is not set"),
        (["serve"], {"DATABASE_URL": "postgresql://x"}, "SLOTKEEPER_SECRET_KEY is not set"),
        (
            ["serve"],
            {"DATABASE_URL": "postgresql://x", "SLOTKEEPER_SECRET_KEY": "short"},
            "has 5 characters and needs at least 32",
        ),
        (["serve"], {"DATABASE_URL": "mysql://x"}, "must look like postgresql://"),
        (["serve"], {"SLOTKEEPER_PORT": "many"}, "a whole number between 1 and 65535"),
        (["serve"], {"SLOTKEEPER_LOG_LEVEL": "loud"}, "use one of debug, info"),
        (["migrate"], {}, "DATABASE_OWNER_URL is not set"),
    ],
)
def test_a_missing_or_wrong_setting_is_named_with_what_to_do(words, environment, told):
    done = _run(*words, **environment)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_brings_an_empty_database_to_the_newest_schema_and_then_has_nothing_to_do(postgres):
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty_at_first OWNER slotkeeper_owner")
        try:
            url = postgres.owner_url("empty_at_first")
            first = _run("migrate", DATABASE_OWNER_URL=url)
            assert first.returncode == 0, first.stderr
            assert "The schema was at nothing and is now at" in first.stdout
            assert "Nothing to do" in _run("migrate", DATABASE_OWNER_URL=url).stdout
        finally:
            connection.execute("DROP DATABASE empty_at_first WITH (FORCE)")


def test_simultaneous_migrations_wait_for_one_another(postgres):
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated_thrice OWNER slotkeeper_owner")
        try:
            url = postgres.owner_url("migrated_thrice")
            running = [
                subprocess.Popen(
                    [sys.executable, "-m", "app.cli", "migrate"],
                    cwd=CHECKOUT,
                    env={"PATH": os.defpath, "DATABASE_OWNER_URL": url},
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for _ in range(3)
            ]
            said = [process.communicate(timeout=60)[0] for process in running]
            assert [process.returncode for process in running] == [0, 0, 0]
            assert sum("is now at" in line for line in said) == 1
            assert sum("Nothing to do" in line for line in said) == 2
        finally:
            connection.execute("DROP DATABASE migrated_thrice WITH (FORCE)")


def test_a_worker_has_nothing_of_the_application_left_to_import():
    """Or each that replaces one that was killed would, while the others do all its work."""
    seen = (
        "import sys, app.serve; app.preload(); before = {*sys.modules}; import wsgi;"
        " print([name for name in {*sys.modules} - before if name.startswith('app')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", seen],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env=os.environ
        | {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "SLOTKEEPER_SECRET_KEY": SECRET},
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
