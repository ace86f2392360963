"""Each fault on a demo of its own: it happens, it shows, it is over, and every promise holds."""

from __future__ import annotations

import dataclasses
import json
import threading
from contextlib import ExitStack
from types import SimpleNamespace

import psutil
import psycopg
import pytest

from chaos.evidence import Evidence
from chaos.faults.all import FAULTS
from chaos.faults.disk import mountable
from chaos.faults.ground import fresh_ground
from chaos.faults.injector import Injector
from chaos.faults.processes import postmaster_of
from chaos.faults.record import read_struck
from chaos.instance import fresh_instance
from chaos.run import EVIDENCE
from chaos.target import read_demo
from tests.chaos.attacks import attack
from tests.patience import wait_until

SEED = "5"
SILENCE = "('RemoteDisconnected', 'ConnectionResetError', 'BrokenPipeError')"
GONE = "code IN ('SERVICE_UNAVAILABLE', '57P01', 'OperationalError')"
WAITED = "ended - began > 2"
SLOW = "door = 'http' AND ended - began > 0.08"
# What was hit, and what clients then saw.
SHOWN = {
    "kill_sessions": ("sessions", "code = '57P01'"),
    "exhaust_connections": ("refused", GONE),
    "hold_lock": ("slots", WAITED),
    "kill_database": ("postmasters", GONE),
    "freeze_database": ("processes", WAITED),
    "kill_worker": ("workers", f"door = 'http' AND code IN {SILENCE}"),
    "lose_answers": ("answers", f"door = 'http' AND result = 'unknown' AND code IN {SILENCE}"),
    "cut_clients": ("connections", f"door = 'http' AND result = 'unknown' AND code IN {SILENCE}"),
    "delay_clients": ("pieces", SLOW),
    "silence_clients": (
        "pieces",
        f"door = 'http' AND result = 'unknown' AND code IN {SILENCE} AND ended - began > 1",
    ),
    # Long before the network is back the server says that it has lost its database.
    "silence_database": ("pieces", "code = 'SERVICE_UNAVAILABLE' AND ended - began > 10"),
    "cut_database": ("connections", "code = 'SERVICE_UNAVAILABLE'"),
    "delay_database": ("pieces", SLOW),
    "fill_disk": ("megabytes", "code = '53100'"),
}


@pytest.fixture(scope="module")
def demo():
    """A demo with everything that can be struck, for all tests of this module."""
    with ExitStack() as stack:
        instance = stack.enter_context(fresh_instance(on_small_disk=not mountable()))
        wanted = [fault for fault in FAULTS.values() if instance.disk or "disk" not in fault.needs]
        ground = stack.enter_context(fresh_ground(wanted, instance))
        known = read_demo(instance.demo_file)
        database = SimpleNamespace(app_url=known["database_url"], owner_url=known["owner_url"])
        server = SimpleNamespace(
            url=ground.url, vendor=known["vendor"], api_key=known["api_key"], database=database
        )
        yield SimpleNamespace(server=server, ground=ground, instance=instance)


@pytest.fixture
def struck_run(demo, tmp_path):
    """Attack while these faults strike: `struck_run("kill_worker", "--workload", "capacity")`."""

    def run(names, *words):
        wanted = [FAULTS[name] for name in names.split(",")]
        ground = dataclasses.replace(demo.ground, over=threading.Event(), slots=[])
        size = ("--iterations", "200", "-u", "12", "--seed", SEED, "--injected", names)
        with Injector(wanted, ground, tmp_path, int(SEED)):
            return attack(demo.server, tmp_path, *size, *words)

    return run


@pytest.mark.parametrize("name", list(FAULTS))
def test_each_fault_happens_is_seen_and_costs_nobody_a_promise(name, struck_run):
    if name == "fill_disk" and (reason := mountable()):
        pytest.skip(reason)
    run = struck_run(name, "--workload", "everything")
    (struck, *_) = read_struck(run.folder)
    what, shown = SHOWN[name]
    print(name, struck.hit, f"back after {struck.back_seconds} s; seen: {run.counted(shown)}")
    assert struck.failed == ""
    assert struck.hit[what] > 0
    assert struck.back_seconds is not None
    assert run.counted(shown) > 0, run.output
    assert run.counted("status = 500") == 0
    assert run.code == 0, run.output
    assert run.convicted_by == set()
    assert "faults_are_survived" in run.verdicts


def test_an_answer_that_got_lost_is_unknown_and_the_booking_is_there_until_somebody_tidies(
    struck_run,
):
    more = ("--iterations", "2500", "-u", "16")
    run = struck_run("lose_answers", "--workload", "vendor_under_fire", *more)
    assert run.code == 0, run.output
    evidence = Evidence(run.folder / EVIDENCE)
    there = evidence.one(
        "SELECT count(*) FROM operations o JOIN bookings b ON b.token = o.token"
        " WHERE o.door = 'http' AND o.kind IN ('book', 'block') AND o.result = 'unknown'"
    )
    lost = evidence.one(
        f"SELECT count(*) FROM operations WHERE door = 'http' AND code IN {SILENCE}"
        " AND result <> 'unknown'"
    )
    tidied = evidence.one(
        "SELECT count(DISTINCT b.id) FROM operations o JOIN bookings b ON b.token = o.token"
        " JOIN operations c ON c.booking_id = b.id AND c.result = 'ok'"
        " AND c.attacker LIKE 'Tidier%'"
        " WHERE o.door = 'http' AND o.kind IN ('book', 'block') AND o.result = 'unknown'"
        " AND b.status = 'cancelled'"
    )
    evidence.close()
    print(f"{there} were made and not heard of; {tidied} of them were given back")
    assert there > 0
    assert tidied > 0
    assert lost == 0


def test_a_run_goes_on_until_every_fault_has_struck_and_repeats_their_order(struck_run):
    run = struck_run("kill_worker,cut_clients,delay_clients", "--workload", "capacity")
    assert run.code == 0, run.output
    names = [one.name for one in read_struck(run.folder)]
    assert sorted(names) == ["cut_clients", "delay_clients", "kill_worker"]
    assert run.counted("true") > 200
    again = "--faults kill_worker,cut_clients,delay_clients"
    assert again in run.output
    lines = (run.folder / "faults.jsonl").read_text().splitlines()
    assert [json.loads(line)["fault"] for line in lines] == [1, 1, 2, 2, 3, 3]


def test_after_all_of_it_the_demo_is_whole_and_nothing_is_frozen(demo):
    family = [postmaster_of(demo.ground.demo)]
    family += family[0].children()
    assert psutil.STATUS_STOPPED not in {process.status() for process in family}
    assert demo.ground.demo.is_running()
    assert demo.ground.server.is_running()


def test_the_demo_tries_again_while_its_database_cannot_start(demo):
    control = demo.instance.demo_file.parent / "postgres" / "data" / "global" / "pg_control"
    away = control.with_name("pg_control.away")
    log = demo.instance.demo_file.parent / "postgres" / "postgres.log"
    attempts = log.read_text().count("could not open file")
    control.rename(away)
    try:
        postmaster_of(demo.ground.demo).kill()
        wait_until(
            lambda: log.read_text().count("could not open file") > attempts + 1,
            "nobody tries to start the database",
        )
    finally:
        away.rename(control)
    wait_until(lambda: is_ready(demo), "the database does not come back")


def is_ready(demo):
    try:
        with psycopg.connect(demo.server.database.app_url, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
