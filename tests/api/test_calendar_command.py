"""`slotkeeper calendar import`, as a real process."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.api.test_calendars import at, blocks, event, file, provider

__all__ = ["provider"]


@pytest.fixture
def run(commands, shared_server, vendor, provider, tmp_path):
    """Import a file as the provider's calendar; the process that did."""

    def run(raw: bytes, *words: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "calendar.ics"
        path.write_bytes(raw)
        whose = ["--vendor", vendor.slug, "--provider", provider.rpartition("/")[2]]
        address = shared_server.database.app_url
        return commands.run("calendar", "import", path, *whose, *words, DATABASE_URL=address)

    return run


def test_a_calendar_is_imported_from_a_file(vendor, run):
    told = run(file(event(9, 10)), "--dry-run")
    assert told.stdout.startswith("Would be imported until "), told.stderr
    assert blocks(vendor) == []
    done = run(file(event(9, 10), event(11, 12, "STATUS:CANCELLED", uid="2")))
    assert "1 new busy times" in done.stdout
    assert "1 blocks made" in done.stdout
    assert "Events ignored: 1 cancelled." in done.stdout
    assert blocks(vendor) == [(at(9), at(10))]
    again = json.loads(run(file(event(9, 10)), "--json").stdout)
    assert (again["unchanged"], again["blocking"]["blocked"]) == (1, 0)


@pytest.mark.parametrize(
    "raw, words, says",
    [
        (file(event(9, 10, "RRULE:FREQ=HOURLY")), (), "Error: Line 7: Rules that repeat"),
        (b"x" * 5_000_000, (), "Error: The file has more than 4194304 bytes."),
        (file(), ("--calendar", "x" * 101), "Error: --calendar: "),
    ],
)
def test_a_bad_file_is_told_in_one_line(run, raw, words, says):
    done = run(raw, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
