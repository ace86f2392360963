"""What may not be struck is refused in words; what was struck, or not, is judged by its record."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from chaos.evidence import Evidence
from chaos.faults import Fault, FaultError, Ground
from chaos.faults.all import FAULTS, OURS, chosen
from chaos.faults.ground import ground_for
from chaos.faults.injector import Injector
from chaos.faults.proxy import Proxy
from chaos.faults.record import (
    BROKEN_OFF,
    all_have_struck,
    have_struck,
    no_more_faults,
    read_struck,
    striking,
)
from chaos.faults.survived import survived
from chaos.stage import StageBuilder
from chaos.target import Target
from tests.chaos.attacks import CHECKOUT
from tests.chaos.test_runs import chaos
from tests.patience import wait_until


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def echo(stack):
    """A server that says what it hears; its port."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def speak(connection):
        with connection:
            while data := connection.recv(1000):
                connection.sendall(data)

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=speak, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@pytest.fixture
def proxy(stack, echo):
    return stack.enter_context(Proxy("127.0.0.1", echo))


def dialled(stack, proxy):
    client = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
    client.settimeout(10)
    return client


def test_what_somebody_else_started_is_not_killed_frozen_or_filled():
    for name, fault in FAULTS.items():
        if OURS & {*fault.needs}:
            with pytest.raises(FaultError, match="only --fresh"):
                chosen(name, fresh=False)
    everything = {fault.name for fault in chosen("all", fresh=False)}
    assert everything == {
        *("kill_sessions", "exhaust_connections", "hold_lock"),
        *("lose_answers", "cut_clients", "delay_clients", "silence_clients"),
    }
    assert {fault.name for fault in chosen("all", fresh=True)} == set(FAULTS)
    assert chosen("none", fresh=True) == []


@pytest.mark.parametrize("name, told", [("kill_database", "only --fresh"), ("no_such", "no_such")])
def test_a_fault_that_may_not_be_is_refused_before_anything_begins(name, told, tmp_path):
    done = chaos("run", "--faults", name, "--folder", str(tmp_path / "run"))
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "run").exists()


def test_only_this_machine_is_struck_by_the_network():
    far = ground_for([FAULTS["cut_clients"]], "http://192.0.2.1", "postgresql://x", "")
    with pytest.raises(FaultError, match=r"127\.0\.0\.1"):
        far.__enter__()


def test_nobody_holds_locks_without_the_owners_address():
    poor = ground_for([FAULTS["hold_lock"]], "http://127.0.0.1:1", "postgresql://x", "")
    with pytest.raises(FaultError, match="no owner_url"):
        poor.__enter__()


def test_the_list_of_faults_says_which_of_them_a_demo_of_its_own_needs():
    done = chaos("faults")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(FAULTS)
    fresh = {line.split()[0] for line in done.stdout.splitlines() if "(--fresh)" in line}
    assert fresh == {name for name, fault in FAULTS.items() if OURS & {*fault.needs}}


def test_the_proxy_passes_on_what_it_is_given(stack, proxy):
    client = dialled(stack, proxy)
    client.sendall(b"hello")
    assert client.recv(1000) == b"hello"


def test_the_proxy_loses_answers_but_not_questions(stack, proxy):
    client = dialled(stack, proxy)
    proxy.losing = True
    client.sendall(b"hello")
    assert client.recv(1000) == b""
    assert proxy.lost == 1


def test_the_proxy_cuts_who_is_there_and_lets_nobody_in(stack, proxy):
    client = dialled(stack, proxy)
    client.sendall(b"hello")
    assert client.recv(1000) == b"hello"
    proxy.down = True
    proxy.cut_all()
    assert client.recv(1000) == b""
    late = dialled(stack, proxy)
    assert late.recv(1000) == b""
    assert proxy.cut == 2
    proxy.down = False
    again = dialled(stack, proxy)
    again.sendall(b"hello")
    assert again.recv(1000) == b"hello"


def test_the_proxy_delays_both_ways(stack, proxy):
    client = dialled(stack, proxy)
    proxy.delay_seconds = 0.1
    began = time.monotonic()
    client.sendall(b"hello")
    assert client.recv(1000) == b"hello"
    assert time.monotonic() - began >= 0.2
    assert proxy.delayed == 2


def test_the_proxy_falls_silent_without_turning_anybody_away_and_then_hangs_up(stack, proxy):
    known = dialled(stack, proxy)
    known.sendall(b"hello")
    assert known.recv(1000) == b"hello"
    idle = dialled(stack, proxy)
    with proxy.silent():
        late = dialled(stack, proxy)
        for client in (known, late):
            client.sendall(b"are you there?")
            client.settimeout(0.3)
            with pytest.raises(TimeoutError):
                client.recv(1000)
            client.settimeout(10)
        assert proxy.held == 2
    assert [client.recv(1000) for client in (known, late)] == [b"", b""]
    # Who had said nothing was not heard either, and goes on.
    idle.sendall(b"hello")
    assert idle.recv(1000) == b"hello"


def test_a_proxy_that_goes_away_while_it_is_silent_lets_go_of_everybody(stack, echo):
    with Proxy("127.0.0.1", echo) as proxy:
        client = dialled(stack, proxy)
        stack.enter_context(proxy.silent())
        client.sendall(b"hello")
        wait_until(lambda: proxy.held == 1, "the proxy hears nothing")
    assert client.recv(1000) == b""


def test_a_fault_ends_at_once_when_the_attack_has_ended():
    ground = Ground("http://127.0.0.1", "postgresql://x")
    ground.over.set()
    began = time.monotonic()
    ground.last(60)
    assert time.monotonic() - began < 1


def test_no_fault_begins_once_somebody_judges(tmp_path):
    with striking(tmp_path) as allowed:
        assert allowed
    no_more_faults(tmp_path)
    with striking(tmp_path) as allowed:
        assert not allowed


def recorded(folder, *lines):
    (folder / "faults.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


BEGAN = {"fault": 1, "name": "kill_worker", "begin": 1.0}
OVER = {"fault": 1, "end": 2.0, "hit": {"workers": 1}, "back_seconds": 0.1, "failed": ""}


@pytest.mark.parametrize(
    "lines, kinds",
    [
        ([], ["never_happened"]),
        ([BEGAN], ["never_ended"]),
        ([BEGAN, OVER], []),
        ([BEGAN, OVER | {"hit": {"workers": 0}}], ["hit_nothing"]),
        ([BEGAN, OVER | {"hit": {}}], ["hit_nothing"]),
        ([BEGAN, OVER | {"back_seconds": None}], ["service_did_not_come_back"]),
        ([BEGAN, OVER | {"failed": "no demo"}], ["could_not_be_made"]),
        (
            [BEGAN, OVER | {"failed": "it does not start", "back_seconds": None}],
            ["could_not_be_made", "service_did_not_come_back"],
        ),
    ],
)
def test_a_fault_that_did_not_happen_or_did_not_pass_convicts_the_run(tmp_path, lines, kinds):
    recorded(tmp_path, *lines)
    evidence = Evidence(":memory:")
    found = list(survived(tmp_path, ["kill_worker"]).find(evidence))
    evidence.close()
    assert [finding.kind for finding in found] == kinds


def test_a_service_that_was_not_back_when_somebody_broke_the_run_off_is_not_to_blame(tmp_path):
    """The fault is left open, as if its run had been killed, and strikes again when it goes on."""
    stage = {"vendor_id": "v", "location_id": "l", "providers": [], "roles": {}}
    header = {"clock_zero": time.monotonic()}
    (tmp_path / "run.json").write_text(json.dumps({"header": header, "stage": stage}))
    (tmp_path / "history.jsonl").touch()
    nothing_there = Ground("http://127.0.0.1:1", "postgresql://nobody@127.0.0.1:1/x")
    fault = Fault("kill_worker", "a fault of nothing", lambda *_: {"workers": 1})
    with Injector([fault], nothing_there, tmp_path, 1):
        wait_until(lambda: read_struck(tmp_path), "no fault begins")
    (struck,) = read_struck(tmp_path)
    assert struck.end is None
    evidence = Evidence(":memory:")
    found = list(survived(tmp_path, ["kill_worker"]).find(evidence))
    evidence.close()
    assert [finding.kind for finding in found] == ["never_ended"]


def test_a_fault_that_goes_wrong_in_any_way_is_over_and_said_to_have_failed(server, tmp_path):
    """Its line would have no end, which excuses every failure until the run is over."""
    stage = {"vendor_id": "v", "location_id": "l", "providers": [], "roles": {}}
    header = {"clock_zero": time.monotonic()}
    (tmp_path / "run.json").write_text(json.dumps({"header": header, "stage": stage}))
    (tmp_path / "history.jsonl").touch()
    fault = Fault("kill_worker", "a fault of nothing", lambda *_: {}["workers"])
    with Injector([fault], Ground(server.url, server.database.app_url), tmp_path, 1):
        wait_until(lambda: have_struck(tmp_path), "no fault is over", seconds=400)
    struck = read_struck(tmp_path)[0]
    assert struck.failed == "KeyError: 'workers'"
    assert struck.end is not None
    assert struck.back_seconds is not None


def test_slots_are_locked_that_came_where_those_of_the_beginning_are_gone(server):
    where = (server.database.app_url, server.database.owner_url)
    target = Target(server.url, server.vendor, server.api_key, *where)
    builder = StageBuilder(target, random.Random(1))
    builder.slots("hot", [1, 1])
    ground = Ground(server.url, *where)
    ground.slots, ground.providers = [str(uuid.uuid4())], builder.stage.providers
    ground.over.set()
    assert FAULTS["hold_lock"].strike(ground, random.Random(1)) == {"slots": 0}
    ground.over.clear()
    with ThreadPoolExecutor(1) as striker:
        struck = striker.submit(FAULTS["hold_lock"].strike, ground, random.Random(1))
        with psycopg.connect(server.database.owner_url, autocommit=True) as owner:
            free = "SELECT FROM slots WHERE id = ANY(%s::uuid[]) FOR NO KEY UPDATE SKIP LOCKED"
            those = [[*builder.stage.slots]]
            wait_until(lambda: owner.execute(free, those).rowcount == 0, "nobody locks anything")
            ground.over.set()
        assert struck.result() == {"slots": 2}


def test_the_attack_waits_for_faults_that_are_still_to_come(tmp_path):
    names = ["kill_worker"]
    recorded(tmp_path, BEGAN)
    assert not all_have_struck(tmp_path, names)
    recorded(tmp_path, BEGAN, OVER | {"hit": {BROKEN_OFF: 1}})
    assert not all_have_struck(tmp_path, names)
    recorded(tmp_path, BEGAN, OVER)
    assert all_have_struck(tmp_path, names)
    assert not all_have_struck(tmp_path, [*names, "fill_disk"])
    (tmp_path / "faults.over").touch()
    assert all_have_struck(tmp_path, [*names, "fill_disk"])


def test_every_fault_is_described_with_what_it_needs():
    readme = (CHECKOUT / "chaos" / "README.md").read_text()
    for name, fault in FAULTS.items():
        (row,) = (line for line in readme.splitlines() if line.startswith(f"| `{name}` |"))
        assert ("fresh:" in row) == bool(OURS & {*fault.needs})
