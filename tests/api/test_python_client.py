"""The Python client and its example, as somebody uses them who has only the file."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tests.cutting_proxy import CuttingProxy

CLIENTS = Path(__file__).parents[2] / "clients" / "python"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
MONDAY = datetime.fromisoformat("2040-01-02T00:00:00+00:00")


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The client, loaded from its file without anything of ours on the path."""
    file = CLIENTS / "slotkeeper_client.py"
    spec = importlib.util.spec_from_file_location("slotkeeper_client", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def salon(module, shared_server, vendor):
    return module.Slotkeeper(shared_server.url, vendor.slug)


def test_it_pages_through_what_is_free_books_and_cancels(module, shared_server, vendor, salon):
    vendor.slots(*((hour, hour + 1) for hour in range(5)))
    openings = list(salon.availability(MONDAY, MONDAY + timedelta(days=1), limit=2))
    assert [each["status"] for each in openings] == ["available"] * 5
    booking = salon.book(slot_id=openings[3]["slot_id"], customer=ADA)
    assert booking["status"] == "confirmed"
    ada = module.Slotkeeper(shared_server.url, vendor.slug, credentials=booking["manage_token"])
    assert ada.cancel(booking["id"])["status"] == "cancelled"


def test_a_conflict_carries_its_code_hint_and_alternatives(module, vendor, salon):
    taken, free = (slot["id"] for slot in vendor.slots((9, 10), (10, 11)))
    salon.book(slot_id=taken, customer=ADA)
    with pytest.raises(module.SlotkeeperError) as refused:
        salon.book(slot_id=taken, customer=ADA)
    error = refused.value
    assert (error.status, error.code, error.retry_after) == (409, "BOOKING_CONFLICT", None)
    assert error.alternatives[0]["slot_ids"] == [free]
    assert error.hint


def test_a_lost_answer_is_asked_for_again_and_books_once(module, shared_server, vendor):
    slot = vendor.slot(capacity=5)
    with CuttingProxy(shared_server.url) as proxy:
        proxy.pass_on = 0

        def mend_after_the_first_cut() -> None:
            while proxy.cut == 0:
                time.sleep(0.001)
            proxy.pass_on = None

        mending = threading.Thread(target=mend_after_the_first_cut, daemon=True)
        mending.start()
        far = module.Slotkeeper(proxy.url, vendor.slug)
        booking = far.book(slot_id=slot["id"], customer=ADA)
        mending.join(10)
        assert proxy.cut == 1
    assert booking["status"] == "confirmed"
    window = f"/availability?from={slot['start']}&to={slot['end']}"
    assert vendor.get(window).json()["items"][0]["available"] == 4


def test_when_nothing_answers_it_says_with_which_key_to_ask_again(module):
    key = "a-key-for-this-purchase"
    # Bound but not listening: nobody else can take the port, and it refuses.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nobody = module.Slotkeeper(f"http://127.0.0.1:{bound.getsockname()[1]}", "nobody")
        with pytest.raises(module.UnansweredError) as unanswered:
            nobody.book(slot_id="…", idempotency_key=key)
    assert unanswered.value.idempotency_key == key


@pytest.mark.parametrize(
    "method, status, code, sent",
    [
        ("GET", 503, "SERVICE_UNAVAILABLE", 2),
        ("POST", 503, "SERVICE_UNAVAILABLE", 2),
        # Without a key, and perhaps done: once.
        ("PATCH", 503, "SERVICE_UNAVAILABLE", 1),
        ("DELETE", 503, "SERVICE_UNAVAILABLE", 1),
        ("DELETE", 504, "TRANSACTION_TIMEOUT", 1),
        # These say that nothing was done.
        ("PATCH", 409, "INVENTORY_LOCKED", 2),
        ("DELETE", 429, "RATE_LIMITED", 2),
    ],
)
def test_it_repeats_only_what_a_second_time_cannot_do_twice(module, method, status, code, sent):
    with refusing_once(status, code) as (url, requests):
        far = module.Slotkeeper(url, "somebody")
        if sent == 2:
            assert far.call(method, "/bookings/1", {}) == {"done": True}
        else:
            with pytest.raises(module.SlotkeeperError) as refused:
                far.call(method, "/bookings/1", {})
            assert refused.value.code == code
    assert requests == [method] * sent


@contextmanager
def refusing_once(status: int, code: str) -> Iterator[tuple[str, list[str]]]:
    """A server that refuses the first request, retryably, and does all others; and what came."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            came.append(self.command)
            body: dict[str, object] = {"done": True}
            if len(came) == 1:
                body = {"code": code, "retryable": True}
            self.send_response(200 if len(came) > 1 else status)
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", came
        finally:
            server.shutdown()
            thread.join(10)


def test_an_address_of_another_scheme_is_refused_at_once(module):
    with pytest.raises(ValueError, match="http"):
        module.Slotkeeper("file:///etc", "nobody")


def test_the_example_books_the_first_free_slot(shared_server, vendor):
    soon = datetime.now(MONDAY.tzinfo).replace(microsecond=0) + timedelta(hours=2)
    times = [(soon + timedelta(hours=n)).isoformat() for n in range(3)]
    vendor.made(
        f"/providers/{vendor.provider()['id']}/slots",
        {"slots": [{"start": times[n], "end": times[n + 1]} for n in range(2)]},
    )
    outputs = [run_example(shared_server.url, vendor.slug) for _ in range(3)]
    assert [output.returncode for output in outputs] == [0, 0, 1]
    assert "Booked" in outputs[0].stdout
    assert outputs[0].stdout != outputs[1].stdout
    assert outputs[2].stdout == "Nothing is free in the next two weeks.\n"


def run_example(url: str, slug: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", _AS_A_FILE, str(CLIENTS), url, slug],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# Isolated from this checkout: only the client's own folder is on the path.
_AS_A_FILE = """
import runpy, sys
folder, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, folder)
runpy.run_path(folder + "/book_first_free.py", run_name="__main__")
"""
