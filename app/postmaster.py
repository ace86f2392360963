"""The PostgreSQL server process: started without privileges, found again, stopped as a family."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

# Nothing of the caller's environment reaches the server: PGDATA or a locale would change it.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_lock_waits": "on",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Terse: the DETAIL of a refused row would copy a customer's data into the log.
    "log_error_verbosity": "terse",
}


class PostgresError(Exception):
    """The embedded PostgreSQL cannot run; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The user whom PostgreSQL's programs run as: ourselves, or for root one without rights."""

    uid: int
    gid: int
    capability: str | None = None

    def command(self, *words: str | Path, dies_with_parent: bool = False) -> list[str]:
        """The command line that runs `words` as this account."""
        setpriv, flags = shutil.which("setpriv"), []
        if self.uid != os.geteuid():
            flags += [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if self.capability:
            flags += [f"--{kind}-caps=-all,+{self.capability}" for kind in ("inh", "ambient")]
            # Without this bit, access(2), by which initdb looks for its programs, would answer as
            # if the capability were not there.
            flags += ["--securebits=+no_setuid_fixup"]
        # The kernel sends this signal when the *thread* that forked ends, which says nothing
        # about the process unless it is the main thread.
        if dies_with_parent and threading.current_thread() is threading.main_thread():
            flags += ["--pdeathsig=INT"]
        plain = [str(word) for word in words]
        return [setpriv, *flags, "--", *plain] if setpriv and flags else plain

    def reaches(self, directory: Path, program: Path) -> bool:
        """Whether this account can enter `directory` and run `program`."""
        probe = self.command(
            "/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", directory, program
        )
        done = subprocess.run(  # noqa: S603 - the words are ours
            probe, check=False, capture_output=True, cwd="/", env=ENVIRONMENT
        )
        return done.returncode == 0


def account_for(directory: Path, program: Path) -> Account:
    """The account to run `program` as, with its data under `directory`.

    PostgreSQL refuses to run as root. Root therefore becomes `nobody`, who must be able to reach
    the data and the programs. Where a parent folder is closed to others (a checkout in the home of
    root), the server keeps one capability to pass through; the folder's permissions stay as they
    are.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if shutil.which("setpriv") is None:
        raise PostgresError(
            "PostgreSQL does not run as root, and 'setpriv' (package util-linux), which would start"
            " it as 'nobody', is missing. Install it, or run this as an ordinary user."
        )
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresError(
            "PostgreSQL does not run as root, and there is no user 'nobody' to run it as."
            " Run this as an ordinary user."
        ) from None
    for capability in (None, "dac_read_search", "dac_override"):
        account = Account(nobody.pw_uid, nobody.pw_gid, capability)
        if account.reaches(directory, program):
            return account
    raise PostgresError(
        f"PostgreSQL does not run as root, and the user 'nobody' cannot reach {directory} or"
        f" {program}. Move them to a place that others may enter, or run this as an ordinary user."
    )


class Postmaster:
    """The one server of a data directory, whichever process started it."""

    def __init__(self, account: Account, program: Path, data: Path, log: Path) -> None:
        self._account, self._program, self._data, self._log = account, program, data, log
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begins = 0
        # The name appears in the command line of the server and of each of its children. It is made
        # of the directory's inode: a copied checkout has another, a renamed one keeps its own.
        status = data.stat()
        self._cluster = f"slotkeeper-{status.st_dev:x}-{status.st_ino:x}-"

    def launch(self, port: int) -> None:
        """Start the server as our child, in a session of its own that Ctrl-C does not reach."""
        settings = SETTINGS | {"port": str(port), "cluster_name": self._cluster}
        words: list[str | Path] = [self._program, "-D", self._data]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        handle = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._log_begins = os.fstat(handle).st_size
        try:
            self._child = subprocess.Popen(  # noqa: S603 - the words are ours
                self._account.command(*words, dies_with_parent=True),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
            )
        finally:
            os.close(handle)

    def alive(self) -> bool:
        """Whether the server that we launched is running."""
        return self._child is not None and self._child.poll() is None

    def family(self) -> list[psutil.Process]:
        """The server of this directory and its children, also those that a killed parent left."""
        recorded = self._recorded_pid()
        return [
            process
            for process in psutil.process_iter(["pid", "uids", "cmdline"])
            if process.info["uids"] is not None
            and process.info["uids"].real == self._account.uid
            and (
                self._cluster in " ".join(process.info["cmdline"] or [])
                or (process.pid == recorded and _works_in(process, self._data))
            )
        ]

    def stop(self) -> None:
        """Shut the server down, fast but cleanly, and return when no process of it is left.

        A server that hangs is stopped hard after a minute: its journal brings the data back. So are
        children whose server was killed; to them SIGINT would only mean "cancel the query".
        """
        steps = [(signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)]
        if not any(_is_server(process) for process in self.family()):
            steps = [(signal.SIGQUIT, 3), (signal.SIGKILL, 10)]
        for number, seconds in steps:
            for process in self.family():
                if _is_server(process) or number != signal.SIGINT:
                    _send(process, number)
            if self._gone_within(seconds):
                break
        else:
            raise PostgresError(f"PostgreSQL in {self._data} does not stop.")
        if self._child is not None:
            self._child.wait()
            self._child = None

    def forget_stale_pid(self) -> None:
        """Remove a postmaster.pid whose number now belongs to a stranger; call with no family left.

        PostgreSQL sees for itself that a number is unused, but takes a stranger of the same user
        for a running server and refuses to start.
        """
        recorded = self._recorded_pid()
        if recorded is not None and psutil.pid_exists(recorded):
            self._pid_file.unlink()

    def last_words(self) -> str:
        """The end of the server's log, since it was launched."""
        with self._log.open(errors="replace") as log:
            log.seek(self._log_begins)
            return "\n".join(log.read().splitlines()[-8:])

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    def _recorded_pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.family():
            if self._child is not None:
                self._child.poll()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def _is_server(process: psutil.Process) -> bool:
    """Whether `process` is no child: children replace their command line by a title."""
    return "-D" in process.info["cmdline"]


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return Path(process.cwd()) == directory
    except psutil.Error:
        return False


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
