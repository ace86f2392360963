"""`slotkeeper demo` as a person uses it: a real process, its printed curl, Ctrl-C, and again."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.ground.processes import alive, wait_for_end

CHECKOUT = Path(__file__).parents[2]


@dataclass
class Demo:
    """A running demo, what it has printed, and the processes it consists of."""

    process: subprocess.Popen[str]
    directory: Path
    printed: str
    family: list[psutil.Process] = field(default_factory=list)

    @property
    def curl(self) -> str:
        """The command that the demo tells people to paste."""
        return re.search(r"^curl .*$", self.printed, re.MULTILINE)[0]

    @property
    def known(self) -> dict[str, Any]:
        """demo.json."""
        return json.loads((self.directory / "demo.json").read_text())

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal to the demo, as a terminal does; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _command(directory: Path, port: int) -> list[str]:
    words = ["demo", "--port", str(port), "--directory", str(directory)]
    return [sys.executable, "-m", "app.cli", *words]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Start the demo and wait until it has printed what to paste."""
    started: list[Demo] = []
    port = _free_port()
    # Under nohup we would hand on that SIGHUP is ignored, and the demo would respect it.
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def start() -> Demo:
        output = tmp_path / f"output-{len(started)}"
        with output.open("w") as handle:
            process = subprocess.Popen(
                _command(tmp_path / "demo", port),
                cwd=CHECKOUT,
                stdout=handle,
                stderr=handle,
                text=True,
            )
        running = Demo(process, tmp_path / "demo", "")
        started.append(running)
        deadline = time.monotonic() + 120
        while "\ncurl " not in running.printed:
            running.printed = output.read_text()
            assert process.poll() is None, running.printed
            assert time.monotonic() < deadline, running.printed
            time.sleep(0.05)
        running.family = [*psutil.Process(process.pid).children(recursive=True)]
        return running

    yield start
    for running in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.end()
        assert not alive(running.family)
    signal.signal(signal.SIGHUP, hangup)


def _paste(command: str) -> tuple[int, dict[str, object]]:
    """Run the command in a shell, as pasted; the answer's status and body."""
    if shutil.which("curl") is None:
        return _read_as_curl_would(command)
    done = subprocess.run(
        ["/bin/sh", "-c", command], check=True, capture_output=True, text=True, timeout=30
    )
    head, body = re.split(r"\r?\n\r?\n", done.stdout, maxsplit=1)
    return int(head.split()[1]), json.loads(body)


def _read_as_curl_would(command: str) -> tuple[int, dict[str, object]]:
    parser = argparse.ArgumentParser()
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-H")
    parser.add_argument("-d")
    parser.add_argument("url")
    given = parser.parse_args(shlex.split(command)[1:])
    name, _, value = given.H.partition(": ")
    answer = httpx.post(given.url, content=given.d, headers={name: value}, trust_env=False)
    return answer.status_code, answer.json()


def test_the_printed_curl_books_and_pasted_again_is_told_what_to_take_instead(demo):
    running = demo()
    status, booking = _paste(running.curl)
    assert status == 201, booking
    assert booking["status"] == "confirmed"

    status, problem = _paste(running.curl)
    assert status == 409
    assert problem["code"] == "BOOKING_CONFLICT"
    assert problem["alternatives"]


def test_the_second_run_keeps_the_data_and_the_keys_and_offers_another_slot(demo):
    first = demo()
    status, booking = _paste(first.curl)
    assert status == 201
    known = first.known
    assert first.end() == 0
    assert not alive(first.family)

    second = demo()
    assert "Making a new database" in first.printed
    assert "Making a new database" not in second.printed
    assert "Pool" not in first.printed + second.printed
    assert second.known["api_key"] == known["api_key"]
    with httpx.Client(base_url=known["base_url"], trust_env=False) as client:
        path = f"/api/v1/vendors/{known['vendor']}/bookings/{booking['id']}"
        by_key = client.get(path, headers={"Authorization": f"Bearer {known['api_key']}"})
        assert by_key.json()["status"] == "confirmed"
        by_token = client.get(path, headers={"Authorization": f"Bearer {booking['manage_token']}"})
        assert by_token.status_code == 200
    assert second.curl != first.curl
    assert _paste(second.curl)[0] == 201


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_polite_signal_leaves_no_process_behind(demo, number):
    running = demo()
    assert len(running.family) > 5
    assert running.end(number) == 0
    assert not alive(running.family)


def test_kill_9_ends_the_children_too_and_the_next_run_has_the_data(demo):
    first = demo()
    status, booking = _paste(first.curl)
    assert status == 201
    first.process.kill()
    first.process.wait()
    second = demo()
    wait_for_end(first.family)
    with psycopg.connect(second.known["database_url"]) as connection:
        found = connection.execute("SELECT count(*) FROM bookings WHERE id = %s", [booking["id"]])
        assert found.fetchone() == (1,)


def test_a_killed_database_comes_back_by_itself(demo):
    running = demo()
    server = next(p for p in running.family if "-D" in p.cmdline())
    server.kill()
    wait_for_end([server])

    deadline = time.monotonic() + 60
    # Each worker finds out for itself: until then it says 503, and has done nothing.
    while (answer := _paste(running.curl))[0] == 503:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    assert answer[0] == 201
    running.family += psutil.Process(running.process.pid).children(recursive=True)


def test_a_foreign_process_on_the_port_gets_a_clear_message_and_nothing_stays(tmp_path):
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        port = foreign.getsockname()[1]
        done = subprocess.run(
            _command(tmp_path / "demo", port),
            check=False,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is already in use by another process" in done.stderr
    assert "make demo PORT=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "demo" / "postgres" / "data" / "postmaster.pid").exists()


def test_a_second_demo_in_the_same_directory_is_told_who_is_there(demo, tmp_path):
    running = demo()
    done = subprocess.run(
        _command(tmp_path / "demo", _free_port()),
        check=False,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"already in use by process {running.process.pid}" in done.stderr
    assert httpx.get(f"{running.known['base_url']}/healthz", trust_env=False).status_code == 200


def test_keys_and_addresses_are_closed_to_other_users(demo):
    running = demo()
    for name in ("demo.json", "secret_key", "serve.json"):
        assert stat.S_IMODE((running.directory / name).stat().st_mode) == 0o600, name
    assert set(running.known) == {
        "base_url",
        "vendor",
        "api_key",
        "database_url",
        "database_owner_url",
        "vendors",
    }
    assert running.known["vendors"][running.known["vendor"]] == running.known["api_key"]
    assert "demo-clinic, demo-hotel, demo-tour" in running.printed
    assert "Rate limits are off" in running.printed
