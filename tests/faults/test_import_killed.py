"""An import that is killed midway, or whose database is, has written nothing; on a terminal it says
how far it has come.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import ExitStack, closing, suppress

import psutil
import psycopg
import pytest

from app.config import Settings, inherited_environment
from app.db import db, offline_app
from app.vendors.actions import create_vendor
from tests import sweep
from tests.patience import wait_until

FILES = {
    "locations": "name\nMitte\n",
    "providers": "name,location\nAnna,Mitte\n",
    "slots": "provider,start,end\nAnna,2040-01-02T09:00Z,2040-01-02T17:00Z\n",
    "customers": "ref,name\nada,Ada\n",
    "bookings": "provider,start,end,customer,customer_name\n"
    "Anna,2040-01-02T09:00Z,2040-01-02T10:00Z,ada,\n"
    "Anna,2040-01-02T10:00Z,2040-01-02T11:00Z,,Twin\n",
}
TABLES = ("locations", "providers", "slots", "customers", "bookings", "claims", "import_refs")
_WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = %s AND application_name = 'slotkeeper' AND wait_event_type = 'Lock'
"""
_THERE = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A terminal, and what has been written to it."""

    def __init__(self) -> None:
        self._master, self.end = pty.openpty()
        os.set_blocking(self._master, False)
        self._shown = b""

    def shows(self) -> str:
        """All that has been shown, without what moves and colours it."""
        with suppress(BlockingIOError):
            while more := os.read(self._master, 65_536):
                self._shown += more
        return _CONTROLS.sub("", self._shown.decode(errors="ignore"))

    def close(self) -> None:
        """Gone, with both its ends."""
        os.close(self._master)
        os.close(self.end)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def vendor_id(database, tmp_path):
    """A vendor that has nothing yet; its files are in tmp_path."""
    for kind, content in FILES.items():
        (tmp_path / f"{kind}.csv").write_text(content)
    app = offline_app(Settings.from_environment({"DATABASE_URL": database.app_url}))
    with app.app_context():
        made = create_vendor("cut-off", "A vendor", "UTC").id
        db.engine.dispose()
    return made


@pytest.fixture
def importing(database, tmp_path):
    """Starts the command, which says what is wrong to `stderr`."""
    with ExitStack() as stack:
        yield lambda stderr: _start(stack, database, tmp_path, stderr)


def _start(stack, database, folder, stderr):
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "import", "--vendor", "cut-off", str(folder)],
        env=inherited_environment(
            DATABASE_URL=database.app_url,
            SLOTKEEPER_LOCK_SECONDS="60",
            SLOTKEEPER_STATEMENT_SECONDS="300",
            TERM="xterm",
        ),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


def _in_the_way(database, vendor_id):
    """A session that is making the customer of the last booking, and has not committed."""
    holder = psycopg.connect(database.owner_url)
    holder.execute("INSERT INTO customers (vendor_id, name) VALUES (%s, 'Twin')", [vendor_id])
    return holder


def _assert_nothing_there(database, vendor_id):
    with psycopg.connect(database.owner_url) as owner:
        for table in TABLES:
            counted = f"SELECT count(*) FROM {table} WHERE vendor_id = %s"
            assert owner.execute(counted, [vendor_id]).fetchone() == (0,), table


def test_an_import_killed_midway_has_written_nothing_and_can_be_done_again(
    database, postgres, vendor_id, terminal, importing
):
    with (
        # Both die with the database, and neither commits.
        closing(psycopg.connect(postgres.superuser_url(), autocommit=True)) as monitor,
        closing(_in_the_way(database, vendor_id)) as holder,
    ):

        def waiting():
            return monitor.execute(_WAITING, [database.name]).fetchone()

        command = importing(terminal.end)
        wait_until(
            lambda: re.search(r"Importing bookings\W+1\b", terminal.shows()) and waiting(),
            lambda: f"not at work on the bookings: {terminal.shows()}",
        )
        assert "Checking bookings" in terminal.shows()
        (session,) = waiting()
        command.kill()
        command.communicate()
        holder.rollback()
        wait_until(
            lambda: not monitor.execute(_THERE, [session]).fetchone()[0],
            "the session of the command that is dead goes on",
        )
        _assert_nothing_there(database, vendor_id)

        holder.execute("INSERT INTO customers (vendor_id, name) VALUES (%s, 'Twin')", [vendor_id])
        command = importing(subprocess.PIPE)
        wait_until(waiting, "the import waits for nobody")
        postmaster = psutil.Process(monitor.info.backend_pid).parent()
        for process in (postmaster, *postmaster.children()):
            process.kill()
        _, told = command.communicate()
        assert (command.returncode, "changed nothing" in told) == (2, True), told
    postgres.start()
    _assert_nothing_there(database, vendor_id)
    command = importing(subprocess.PIPE)
    done, told = command.communicate()
    # No terminal: no progress.
    assert (command.returncode, told) == (0, ""), told
    assert "bookings: 2 made" in done
    with psycopg.connect(database.owner_url) as owner:
        sweep.assert_clean(owner, vendor_id)
