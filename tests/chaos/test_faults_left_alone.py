"""A run without a terminal comes to its report; one that is broken off leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from chaos.__main__ import main
from chaos.faults.all import FAULTS
from chaos.faults.injector import planned
from chaos.instance import Instance, keep_server_log
from chaos.leftovers import PREFIX, note_place, note_process
from tests.chaos.attacks import CHECKOUT
from tests.patience import wait_until

# As long as a demo may take until it is ready, and more.
PATIENCE_SECONDS = 400
RUN = (sys.executable, "-m", "chaos", "run", "--fresh", "--users", "6", "--iterations", "100")


@pytest.fixture
def place():
    """A folder for temporary ones, which a database that runs as somebody else may enter."""
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-tests-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def environment(place):
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "TMPDIR": str(place)}


def born(process):
    return psutil.Process(process.pid).create_time()


def order(faults, seed):
    return [fault.name for _, fault in islice(planned(faults, seed), len(faults))]


def of_this_place(place):
    """The processes that name it."""
    found = psutil.process_iter(["cmdline"])
    return [process for process in found if str(place) in " ".join(process.info["cmdline"] or [])]


def test_a_detached_run_goes_on_alone_and_comes_to_its_report(place, environment):
    folder = place / "kept"
    done = subprocess.run(
        [*RUN, "--detached", "--faults", "delay_clients", "--folder", str(folder)],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=PATIENCE_SECONDS,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    pid = int(re.search(r"Process (\d+) attacks", done.stdout).group(1))
    log = folder / "run.log"
    try:
        wait_until(
            lambda: not psutil.pid_exists(pid),
            lambda: f"it goes on: {log.read_text()}",
            seconds=PATIENCE_SECONDS,
        )
    finally:
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGTERM)
    assert "Every promise held." in log.read_text()
    found = json.loads((folder / "report.json").read_text())
    assert found["held"]
    assert [fault["name"] for fault in found["faults"]] == ["delay_clients"]
    assert [path.name for path in place.iterdir()] == ["kept"]
    assert of_this_place(place) == []


def test_a_run_that_is_told_to_stop_in_the_middle_of_a_fault_leaves_nothing_behind(
    place, environment
):
    folder = place / "kept"
    process = subprocess.Popen(
        [*RUN, "--faults", "freeze_database", "--folder", str(folder)],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        faults = folder / "faults.jsonl"
        wait_until(
            lambda: faults.exists() and faults.stat().st_size,
            "no fault begins",
            seconds=PATIENCE_SECONDS,
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 2
    finally:
        process.kill()
        process.wait()
    assert [path.name for path in place.iterdir()] == ["kept"]
    assert of_this_place(place) == []


@pytest.mark.parametrize("fault", ["freeze_database", "silence_clients"])
def test_a_fresh_run_that_was_killed_in_the_middle_of_a_fault_is_taken_up_with_its_demo(
    fault, place, environment
):
    folder = place / "kept"
    process = subprocess.Popen(
        [*RUN, "--faults", fault, "--folder", str(folder)],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    faults = folder / "faults.jsonl"
    try:
        wait_until(
            lambda: faults.exists() and faults.stat().st_size,
            "no fault begins",
            seconds=PATIENCE_SECONDS,
        )
    finally:
        process.kill()
        process.wait()
    asked = (folder / "history.jsonl").stat().st_size
    words = (sys.executable, "-m", "chaos", "run", "--resume", "--folder", str(folder))
    done = subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=PATIENCE_SECONDS,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every promise held." in done.stdout
    assert (folder / "history.jsonl").stat().st_size > asked
    found = json.loads((folder / "report.json").read_text())
    hits = [one["hit"] for one in found["faults"] if one["name"] == fault]
    assert hits[0] == {"runs broken off": 1}
    assert len(hits) > 1
    assert [path.name for path in place.iterdir()] == ["kept"]
    assert of_this_place(place) == []


def test_users_who_are_killed_are_replaced_by_the_run_itself(place, environment):
    folder = place / "kept"
    process = subprocess.Popen(
        [*RUN, "--faults", "delay_clients", "--folder", str(folder)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    faults = folder / "faults.jsonl"
    try:
        wait_until(
            lambda: faults.exists() and faults.stat().st_size,
            "no fault begins",
            seconds=PATIENCE_SECONDS,
        )
        children = psutil.Process(process.pid).children()
        (users,) = (child for child in children if "locust" in child.cmdline())
        users.kill()
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        # Politely, if it is still there: it has a demo to end.
        process.terminate()
        process.wait(PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert "The users were killed. The run is taken up again." in said
    assert "Every promise held." in said
    assert [path.name for path in place.iterdir()] == ["kept"]


@pytest.fixture
def left():
    """The folder and the demo of a run that was killed while its demo was starting."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    demo = subprocess.Popen([sys.executable, "-c", "input()", str(folder)], stdin=subprocess.PIPE)
    yield folder, demo
    demo.kill()
    demo.communicate()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("words", [["--resume"], []])
def test_what_was_killed_before_it_began_is_cleared_away_by_who_comes_next(words, left, tmp_path):
    folder, demo = left
    run = tmp_path / "run"
    note_place(run, folder, on_small_disk=False)
    note_process(run, demo.pid)
    judged = CliRunner().invoke(main, ["judge", str(run)])
    assert judged.exit_code == 2
    assert f"--resume --folder {run} ends and removes" in judged.output
    # Whoever ran it is still at it, and then is gone.
    kept = json.loads((run / "place.json").read_text())
    (run / "place.json").write_text(json.dumps(kept | {"runner": [demo.pid, born(demo)]}))
    again = ["run", "--folder", str(run), *words]
    assert f"it is process {demo.pid}" in CliRunner().invoke(main, again).output
    assert demo.poll() is None
    (run / "place.json").write_text(json.dumps(kept | {"runner": [demo.pid, 1.0]}))
    # Nothing begins with such a fault.
    done = CliRunner().invoke(main, [*again, "--faults", "no_such"])
    assert done.exit_code == 2, done.output
    if words:
        assert "was broken off before its attack began" in done.output
    assert demo.wait(PATIENCE_SECONDS)
    assert not folder.exists()


def test_who_takes_up_nothing_is_told_so_and_who_begins_leaves_a_run_alone(tmp_path):
    nothing = CliRunner().invoke(main, ["run", "--resume", "--folder", str(tmp_path / "none")])
    assert (nothing.exit_code, "There is no run in" in nothing.output) == (2, True)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "place.json").write_text('{"folder": "/nowhere/at/all", "on_small_disk": false}')
    taken = CliRunner().invoke(main, ["run", "--fresh", "--folder", str(tmp_path)])
    assert (taken.exit_code, "has a run already" in taken.output) == (2, True)
    assert (tmp_path / "place.json").exists()


def test_what_the_server_said_is_kept_without_secrets(tmp_path):
    said = "Worker (pid:7) was sent SIGKILL!\nkey sk_abc-DEF_1 of postgresql://role:s3cret@host/x\n"
    (tmp_path / "server.log").write_text(said)
    run = tmp_path / "run"
    run.mkdir()
    keep_server_log(Instance(1, tmp_path / "demo.json", tmp_path, None), run)
    assert (run / "server.log").read_text() == (
        "Worker (pid:7) was sent SIGKILL!\nkey sk_*** of postgresql://role:***@host/x\n"
    )


def test_a_run_whose_demo_is_gone_says_so_and_touches_nothing(place, environment):
    folder = place / "kept"
    folder.mkdir()
    header = {"fresh": True, "faults": "", "iterations": 1, "users": 1, "seed": 1}
    header["workload"] = "capacity"
    stage = {"vendor_id": "v", "location_id": "l", "providers": [], "roles": {}}
    (folder / "run.json").write_text(json.dumps({"header": header, "stage": stage}))
    (folder / "place.json").write_text('{"folder": "/nowhere/at/all", "on_small_disk": false}')
    # Somebody else has the number by now.
    other = {"pid": os.getpid(), "born": 1.0}
    (folder / "started.jsonl").write_text(json.dumps(other) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "run", "--resume", "--folder", str(folder)],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=PATIENCE_SECONDS,
        env=environment,
    )
    assert done.returncode == 2
    assert "is gone" in done.stdout


def test_a_run_with_faults_that_was_killed_is_taken_up_with_those_that_are_to_come(
    server, tmp_path, environment
):
    aim = {
        "--target-url": server.url,
        "--vendor": server.vendor,
        "--api-key": server.api_key,
        "--database-url": server.database.app_url,
        "--owner-url": "",
        "--folder": str(tmp_path),
        "--users": "6",
    }
    words = [sys.executable, "-m", "chaos", "run", *(word for pair in aim.items() for word in pair)]
    faults = tmp_path / "faults.jsonl"
    # A seed whose plan is another than that of the seed that is taken if none is named.
    both = [FAULTS["cut_clients"], FAULTS["delay_clients"]]
    planned_first, planned_second = order(both, 2)
    assert order(both, 1) != order(both, 2)
    first = [*words, "--iterations", "100", "--workload", "capacity", "--seed", "2"]
    process = subprocess.Popen(
        [*first, "--faults", "cut_clients,delay_clients"],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        wait_until(
            lambda: faults.exists() and faults.stat().st_size,
            "no fault begins",
            seconds=PATIENCE_SECONDS,
        )
    finally:
        for one in [process, *psutil.Process(process.pid).children(recursive=True)]:
            one.kill()
        process.wait()
    done = subprocess.run(
        [*words, "--resume"],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=PATIENCE_SECONDS,
        env=environment,
    )
    found = json.loads((tmp_path / "report.json").read_text())
    names = [fault["name"] for fault in found["faults"]]
    assert found["faults"][0]["hit"] == {"runs broken off": 1}
    assert names[:3] == [planned_first, planned_first, planned_second]
    assert done.returncode == 0, done.stdout + done.stderr
