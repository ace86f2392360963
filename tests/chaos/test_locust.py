"""Plain Locust with our file, as its own manual says it: at a prompt, and by its web page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from chaos.checkers import read_verdicts
from chaos.history import read_history
from chaos.instance import free_port
from chaos.sabotage import Saboteur
from chaos.sabotage.all import SABOTAGES
from tests.chaos.attacks import CHECKOUT

LOCUST = Path(sys.executable).with_name("locust")
# Each attack has its size, and takes as long as a busy machine needs for it.
PATIENCE_SECONDS = 600
SIZE = ("--iterations", "600", "-t", "500s")


@pytest.fixture
def demo_file(server, tmp_path):
    """What a deployment that is running already says of itself."""
    path = tmp_path / "demo.json"
    known = {
        "base_url": server.url,
        "vendor": server.vendor,
        "api_key": server.api_key,
        "database_url": server.database.app_url,
        "database_owner_url": server.database.owner_url,
    }
    path.write_text(json.dumps(known))
    return path


def words(demo_file, folder, *more):
    return [
        *(str(LOCUST), "-f", "chaos/locustfile.py"),
        *("--demo-file", str(demo_file), "--folder", str(folder), *more),
    ]


def headless(demo_file, folder, *more):
    return subprocess.run(
        words(demo_file, folder, "--headless", *more),
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=PATIENCE_SECONDS,
        env={"PATH": os.environ["PATH"]},
    )


def test_locust_without_its_page_attacks_everything_judges_and_exits_0(demo_file, tmp_path):
    done = headless(demo_file, tmp_path / "run", "-u", "26", "-r", "26", *SIZE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every promise held." in done.stdout
    operations = list(read_history(tmp_path / "run" / "history.jsonl"))
    attackers = {operation.attacker.split()[0] for operation in operations}
    assert len(operations) >= 600
    assert {"HttpCustomer", "SqlCaller", "RawWriter", "PartTaker", "JointTaker"} <= attackers
    verdicts = read_verdicts(tmp_path / "run" / "verdict.json")
    assert len(verdicts) > 10
    # So few are not everybody.
    assert "30 kinds of attackers belong to everything: with 26 users some do not" in done.stdout
    assert "everything_happened" not in {verdict.checker for verdict in verdicts}
    assert {verdict.status for verdict in verdicts} <= {"PASS", "EMPTY"}
    # Locust's own count of what was asked is among what it prints.
    assert "Aggregated" in done.stdout + done.stderr


def test_locust_exits_1_when_a_promise_was_broken(server, demo_file, tmp_path):
    with psycopg.connect(server.database.owner_url, autocommit=True) as owner:
        saboteur = Saboteur(owner)
        try:
            SABOTAGES["cancelled_in_words_only"].breaks(saboteur)
            few = ("-u", "12", "-r", "20", "--workload", "double_booking_attack")
            done = headless(demo_file, tmp_path / "run", *few, *SIZE)
        finally:
            saboteur.mend()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL  acknowledged_is_there" in done.stdout


def test_locust_exits_2_when_there_is_nothing_to_attack(tmp_path):
    missing = tmp_path / "nowhere.json"
    done = headless(missing, tmp_path / "run", "-u", "2", "-r", "2", "-t", "2s")
    assert done.returncode == 2
    assert "The attack cannot begin" in done.stdout


@pytest.mark.parametrize("more", [["--master"], ["--worker"]])
def test_one_of_several_processes_attacks_nothing_and_exits_2(more, demo_file, tmp_path):
    done = headless(demo_file, tmp_path / "run", "-u", "2", *more)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "no --master, no --worker" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture
def page(demo_file, tmp_path):
    """Locust's web page on a port of its own; the process, its address and the run's folder."""
    port, folder = free_port(), tmp_path / "run"
    process = subprocess.Popen(
        words(demo_file, folder, "--web-host", "127.0.0.1", "--web-port", str(port)),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield process, client, folder
    finally:
        process.kill()
        process.wait()


def wait_for(happened, process, complaint):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, complaint
        time.sleep(0.1)


def is_up(client):
    try:
        return client.get("/").status_code == 200
    except httpx.TransportError:
        return False


def test_the_page_starts_the_workload_that_is_chosen_there_and_its_verdict_is_the_exit_code(page):
    process, client, folder = page
    wait_for(lambda: is_up(client), process, "there is no page")
    shown = client.get("/")
    assert shown.headers["content-type"].startswith("text/html")
    assert "capacity" in shown.text
    asked = {"user_count": "8", "spawn_rate": "20", "workload": "capacity", "iterations": "300"}
    for wrong in ({"workload": "nope"}, {"iterations": "0"}, {"seed": "x"}):
        refused = client.post("/swarm", data={**asked, **wrong}).json()
        assert not refused["success"], refused
        assert next(iter(wrong.values())) in refused["message"]
    assert not folder.exists()
    started = client.post("/swarm", data={**asked, "seed": "5"}).json()
    assert started["success"], started
    verdict = folder / "verdict.json"
    wait_for(verdict.exists, process, "nobody judges")
    wait_for(lambda: client.get("/stats/requests").json()["state"] == "stopped", process, "it runs")
    counted = client.get("/stats/requests").json()["stats"]
    assert next(one for one in counted if one["name"] == "Aggregated")["num_requests"] >= 300
    process.terminate()
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert "Every promise held." in said
    header = json.loads((folder / "run.json").read_text())["header"]
    assert (header["workload"], header["seed"], header["users"]) == ("capacity", 5, 8)
    operations = list(read_history(folder / "history.jsonl"))
    assert len(operations) >= 300
    # Those who come are the workload's, though the page was started with another.
    assert "Vendor" not in {operation.attacker.split()[0] for operation in operations}
