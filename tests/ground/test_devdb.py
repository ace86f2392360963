"""The embedded PostgreSQL comes back with its data, whatever happened to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from app.devdb import EmbeddedPostgres, PostgresError
from tests.ground.processes import alive, server_family, wait_for_end

IS_ROOT = os.geteuid() == 0
CHECKOUT = Path(__file__).parents[2]

HOLDER = """
    import json, os, sys, threading
    from pathlib import Path
    from app.devdb import EmbeddedPostgres

    server = EmbeddedPostgres(Path(sys.argv[1]))
    if sys.argv[2] == "in_thread":
        starter = threading.Thread(target=server.start)
        starter.start()
        starter.join()
    else:
        server.start()
    print(json.dumps({"owner_url": server.owner_url()}), flush=True)
    sys.stdin.read()
    server.stop()
"""


@dataclass
class Holder:
    """Another process that keeps the embedded server of a directory running."""

    process: subprocess.Popen[str]
    owner_url: str


@pytest.fixture
def hold() -> Iterator[Callable[..., Holder]]:
    """Start the embedded server of a directory in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(directory: Path, how: str = "in_main_thread") -> Holder:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HOLDER), str(directory), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        )
        started.append(process)
        return Holder(process, json.loads(process.stdout.readline())["owner_url"])

    yield start
    for process in started:
        process.communicate()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where a test's server keeps its data; whatever runs there at the end is stopped."""
    directory = tmp_path / "postgres"
    yield directory
    EmbeddedPostgres(directory).stop()
    for process in server_family(directory):
        process.kill()


def _write(url: str, word: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS word (word text)")
        connection.execute("INSERT INTO word VALUES (%s)", [word])


def _read(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM word ORDER BY word")]


def test_it_comes_back_with_its_data_after_kill_9_of_everything(directory, hold):
    holder = hold(directory)
    _write(holder.owner_url, "kept")
    family = server_family(directory)
    assert len(family) > 3
    for process in [psutil.Process(holder.process.pid), *family]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    holder.process.wait()

    with EmbeddedPostgres(directory) as server:
        assert _read(server.owner_url()) == ["kept"]


def test_it_comes_back_when_only_the_postmaster_is_killed_and_a_child_lingers(directory):
    with EmbeddedPostgres(directory) as server:
        _write(server.owner_url(), "kept")
        postmaster, *children = server_family(directory)
        checkpointer = next(c for c in children if "checkpointer" in " ".join(c.cmdline()))
        checkpointer.suspend()
        postmaster.kill()
        wait_for_end([postmaster])

        server.start()

        assert _read(server.owner_url()) == ["kept"]
        assert not alive([checkpointer])


def test_a_server_left_behind_by_a_killed_parent_is_taken_over_and_then_stopped(directory, hold):
    holder = hold(directory, "in_thread")
    _write(holder.owner_url, "kept")
    left_behind = server_family(directory)
    holder.process.kill()
    holder.process.wait()
    assert alive(left_behind)

    with EmbeddedPostgres(directory) as server:
        assert _read(server.owner_url()) == ["kept"]
    assert not alive(left_behind)


def test_the_server_ends_by_itself_when_its_parent_is_killed(directory, hold):
    holder = hold(directory)
    family = server_family(directory)
    holder.process.kill()
    holder.process.wait()

    wait_for_end(family)


def test_stop_leaves_no_process_behind_even_with_a_client_in_a_transaction(directory):
    server = EmbeddedPostgres(directory)
    server.start()
    family = server_family(directory)
    client = psycopg.connect(server.owner_url())
    client.execute("SELECT 1")
    backend = psutil.Process(client.info.backend_pid)

    server.stop()

    assert not alive([*family, backend])
    client.close()


def test_a_stale_pid_file_whose_number_now_belongs_to_a_stranger_is_recognised(directory):
    with EmbeddedPostgres(directory) as server:
        _write(server.owner_url(), "kept")
        pid_file = directory / "data" / "postmaster.pid"
        account = pid_file.stat()
        remembered = pid_file.read_text()
    stranger = subprocess.Popen(
        ["/bin/sleep", "600"],
        **({"user": account.st_uid, "group": account.st_gid} if IS_ROOT else {}),
    )
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *remembered.split("\n")[1:]]))
        os.chown(pid_file, account.st_uid, account.st_gid)
        pid_file.chmod(0o600)

        with EmbeddedPostgres(directory) as server:
            assert _read(server.owner_url()) == ["kept"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_foreign_process_on_the_port_makes_it_take_another(directory):
    with EmbeddedPostgres(directory) as server:
        _write(server.owner_url(), "kept")
        port = server.port
    with socket.socket() as foreign:
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        foreign.bind(("127.0.0.1", port))
        foreign.listen()

        with EmbeddedPostgres(directory) as server:
            assert server.port != port
            assert _read(server.owner_url()) == ["kept"]


def test_the_port_stays_the_same_over_a_restart(directory):
    with EmbeddedPostgres(directory) as server:
        port = server.port
    with EmbeddedPostgres(directory) as server:
        assert server.port == port


def test_two_directories_at_once_do_not_meet(tmp_path):
    with (
        EmbeddedPostgres(tmp_path / "one") as one,
        EmbeddedPostgres(tmp_path / "two") as two,
    ):
        _write(one.owner_url(), "one")
        _write(two.owner_url(), "two")
        assert one.port != two.port
        assert _read(one.owner_url()) == ["one"]
        one.stop()
        assert _read(two.owner_url()) == ["two"]


def test_a_copied_directory_is_not_mistaken_for_the_original(directory, tmp_path):
    with EmbeddedPostgres(directory) as original:
        _write(original.owner_url(), "original")
    shutil.copytree(directory, tmp_path / "copy", copy_function=shutil.copy2)
    if IS_ROOT:
        account = (directory / "data").stat()
        for path in [tmp_path / "copy" / "data", *(tmp_path / "copy" / "data").rglob("*")]:
            os.chown(path, account.st_uid, account.st_gid)

    with EmbeddedPostgres(directory) as original, EmbeddedPostgres(tmp_path / "copy") as copy:
        _write(copy.owner_url(), "copy")
        assert _read(original.owner_url()) == ["original"]
        assert _read(copy.owner_url()) == ["copy", "original"]


def test_a_second_start_in_the_same_directory_is_refused_and_says_by_whom(directory):
    with EmbeddedPostgres(directory) as first:
        with pytest.raises(PostgresError, match=f"already in use by process {os.getpid()}"):
            EmbeddedPostgres(directory).start()
        _write(first.owner_url(), "undisturbed")
        assert _read(first.owner_url()) == ["undisturbed"]


def test_start_and_stop_may_be_said_twice(directory):
    server = EmbeddedPostgres(directory)
    server.start()
    port = server.port
    server.start()
    assert server.port == port
    server.stop()
    server.stop()


def test_a_first_start_that_fails_for_want_of_space_leaves_nothing_half_made(directory):
    script = """
        import resource, signal, sys
        from pathlib import Path
        from app.devdb import EmbeddedPostgres, PostgresError

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        try:
            EmbeddedPostgres(Path(sys.argv[1])).start()
        except PostgresError as error:
            print(error)
            sys.exit(3)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(directory)],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
    )
    assert done.returncode == 3, done.stderr
    assert "initdb could not make a database" in done.stdout
    assert not (directory / "data").exists()
    assert not list(directory.glob("initdb-*"))

    (directory / "initdb-interrupted").mkdir()
    with EmbeddedPostgres(directory) as server:
        _write(server.owner_url(), "works now")
    assert not list(directory.glob("initdb-*"))


def test_a_start_interrupted_before_the_database_was_made_is_made_good(directory):
    with (
        EmbeddedPostgres(directory) as server,
        psycopg.connect(server.superuser_url(), autocommit=True) as connection,
    ):
        connection.execute("DROP DATABASE slotkeeper")
        connection.execute("DROP ROLE slotkeeper_app")
    with EmbeddedPostgres(directory) as server, psycopg.connect(server.app_url()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("slotkeeper_app",)


def test_a_server_that_cannot_start_says_why(directory):
    with EmbeddedPostgres(directory):
        pass
    (directory / "data" / "PG_VERSION").write_text("9.1\n")
    with pytest.raises(PostgresError, match=r"did not start(?s:.*)incompatible with server"):
        EmbeddedPostgres(directory).start()
    EmbeddedPostgres(directory).stop()


def test_it_listens_on_loopback_only_asks_for_passwords_and_is_durable(postgres):
    with psycopg.connect(postgres.superuser_url()) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in (
                "listen_addresses",
                "unix_socket_directories",
                "fsync",
                "synchronous_commit",
                "full_page_writes",
                "max_connections",
                "TimeZone",
                "log_lock_waits",
            )
        }
        methods = connection.execute(
            "SELECT DISTINCT auth_method FROM pg_hba_file_rules"
        ).fetchall()
    assert shown == {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "max_connections": "200",
        "TimeZone": "UTC",
        "log_lock_waits": "on",
    }
    assert methods == [("scram-sha-256",)]


def test_neither_role_is_a_superuser_and_the_owner_may_set_the_applications_limits(postgres):
    with psycopg.connect(postgres.owner_url(), autocommit=True) as connection:
        supers = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolsuper AND rolname LIKE 'slotkeeper%'"
        ).fetchall()
        assert supers == []
        connection.execute("ALTER ROLE slotkeeper_app SET application_name = 'slotkeeper'")
        connection.execute("ALTER ROLE slotkeeper_app RESET application_name")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE slotkeeper_app")


def test_secrets_are_closed_to_others_whatever_the_umask(directory):
    before = os.umask(0)
    try:
        with EmbeddedPostgres(directory):
            pass
    finally:
        os.umask(before)
    for name in ("passwords.json", "postgres.log", "lock", "data"):
        assert stat.S_IMODE((directory / name).stat().st_mode) & 0o077 == 0, name
