"""The attack as it is started: it ends, adds up, can be repeated and taken up again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest
from click.testing import CliRunner

from chaos.__main__ import main
from chaos.history import read_history
from chaos.target import Target, administer
from tests.chaos.attacks import CHECKOUT, LOCUST, attack
from tests.patience import wait_until

# As long as an attack may take on a busy machine.
PATIENCE_SECONDS = 600
SMALL = ("--workload", "double_booking_attack", "--iterations", "150", "-u", "9")


def chaos(*words, environment=(), folder=CHECKOUT):
    """`python -m chaos` as somebody at a prompt says it."""
    return subprocess.run(
        [sys.executable, "-m", "chaos", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=PATIENCE_SECONDS,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), **dict(environment)},
    )


def test_a_clean_run_adds_up_and_says_how_to_repeat_it(server, tmp_path):
    run = attack(server, tmp_path, *SMALL, "--seed", "3")
    assert run.code == 0, run.output
    operations = list(read_history(tmp_path / "history.jsonl"))
    # Whoever is at it when enough has been done finishes what it is at.
    assert 150 <= len(operations) <= 170
    assert run.counted("true") == len(operations)
    doors = {o.door for o in operations if (o.kind, o.result) == ("book", "ok")}
    assert {"http", "sql"} <= doors
    again = (
        "python -m chaos run --workload double_booking_attack --seed 3 --iterations 150 --users 9"
    )
    assert again in run.output
    assert "not the order in which the users meet" in run.output
    assert "Every promise held." in run.output


def test_each_user_asks_for_the_same_again_with_the_same_seed(server, tmp_path):
    asked = []
    for name in ("first", "second"):
        words = (*SMALL, "--seed", "11")
        assert attack(server, tmp_path / name, *words, owner=False).code == 0
        wishes: dict[str, list[int]] = {}
        for operation in sorted(
            read_history(tmp_path / name / "history.jsonl"), key=lambda o: o.number
        ):
            if operation.attacker.startswith("SqlCaller") and operation.result != "unknown":
                wishes.setdefault(operation.attacker, []).append(operation.asked["quantity"])
        asked.append(wishes)
    first, second = asked
    assert first.keys() == second.keys()
    for user in first:
        common = min(len(first[user]), len(second[user]))
        assert common > 5
        assert first[user][:common] == second[user][:common]


def test_a_run_ends_when_its_time_is_over(server, tmp_path):
    words = ("--workload", "capacity", "--iterations", "1000000", "-t", "2", "-u", "8")
    run = attack(server, tmp_path, *words)
    assert run.code == 0, run.output
    assert 20 < run.counted("true") < 1_000_000


def grown(path, size, process):
    """Whether the file is so large, to be asked while the process lives."""

    def happened():
        assert process.poll() is None
        return path.exists() and path.stat().st_size > size

    return happened


def test_who_presses_ctrl_c_is_told_what_came_of_it_and_how_to_go_on(server, tmp_path):
    aim = {
        "--target-url": server.url,
        "--vendor": server.vendor,
        "--api-key": server.api_key,
        "--database-url": server.database.app_url,
        "--owner-url": "",
        "--folder": str(tmp_path),
    }
    words = [*(word for pair in aim.items() for word in pair), "--workload", "capacity"]
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos", "run", *words, "--users", "8", "--iterations", "1000000"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.environ["PATH"]},
        # A shell lets its background jobs ignore Ctrl-C, and all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    with process:
        try:
            path = tmp_path / "history.jsonl"
            wait_until(grown(path, 20_000, process), "nobody asks", seconds=PATIENCE_SECONDS)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 2, said
    assert "Traceback" not in said
    assert "INCOMPLETE." in said
    assert "of 1,000,000 attempts (stopped by somebody)" in said
    assert f"python -m chaos run --resume --folder {tmp_path}" in said
    assert (tmp_path / "report.html").exists()


def is_incomplete(judged, folder, told):
    """It was said, loudly; and whoever wants to may call held what the run did."""
    assert judged.returncode == 2, judged.stdout + judged.stderr
    for text in (judged.stdout, (folder / "report.html").read_text()):
        assert "INCOMPLETE." in text
        assert told in text
        assert "Every promise held" not in text
    found = json.loads((folder / "report.json").read_text())
    assert (found["held"], found["course"]["complete"]) == (False, False)
    judged = chaos("judge", "--again", "--as-far-as-it-came", str(folder))
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "Every promise held, as far as the run came." in judged.stdout
    assert told in judged.stdout


def test_a_run_that_was_killed_is_taken_up_and_judged(server, tmp_path):
    secrets = {
        "CHAOS_API_KEY": server.api_key,
        "CHAOS_DATABASE_URL": server.database.app_url,
        "CHAOS_OWNER_URL": "",
    }
    aim = ("--host", server.url, "--vendor", server.vendor, "--folder", str(tmp_path))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            *LOCUST,
            *aim,
            "--workload",
            "capacity",
            "-u",
            "8",
            "-r",
            "100",
            "--iterations",
            "800",
        ],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **secrets},
    )
    path = tmp_path / "history.jsonl"
    wait_until(grown(path, 60_000, process), "nobody asks", seconds=PATIENCE_SECONDS)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = sum(1 for _ in read_history(path))
    assert before < 800
    judged = chaos("judge", str(tmp_path), environment=secrets)
    is_incomplete(judged, tmp_path, f"Ended early, after {before} of 800 attempts (killed")
    words = ("--workload", "capacity", "-u", "8", "--resume")
    run = attack(server, tmp_path, *words, owner=False)
    assert run.code == 0, run.output
    assert run.counted("true") >= 800 > before
    assert "Every promise held." in run.output
    (gap,) = json.loads((tmp_path / "report.json").read_text())["course"]["breaks"]
    assert gap["after"] == before
    assert 0 < gap["since"] < gap["until"]
    told = f"Broken off after {before} attempts"
    assert told in run.output
    assert told in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    "words, told",
    [
        (["--target-url", "http://127.0.0.1:1"], "cannot be reached"),
        (["--vendor", "nobody"], "VENDOR_NOT_FOUND"),
        (["--database-url", "postgresql://nobody@127.0.0.1:1/x"], "database cannot be reached"),
    ],
)
def test_who_cannot_begin_says_why_and_exits_2(server, tmp_path, words, told):
    known = {
        "--target-url": server.url,
        "--vendor": server.vendor,
        "--api-key": server.api_key,
        "--database-url": server.database.app_url,
        "--owner-url": "",
        "--folder": str(tmp_path),
        "--users": "2",
    }
    known |= {words[0]: words[1]}
    done = chaos("run", *(word for pair in known.items() for word in pair))
    assert done.returncode == 2
    assert "The attack cannot begin" in done.stdout
    assert told in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--database-url", "--owner-url"])
def test_another_servers_database_is_noticed_before_anything_is_attacked(
    option, server, database, tmp_path
):
    other = database.app_url if option == "--database-url" else database.owner_url
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "INSERT INTO vendors (slug, name, time_zone) VALUES (%s, 'Restored', 'UTC')",
            [server.vendor],
        )
    run = attack(server, tmp_path, "--workload", "capacity", "-u", "2", option, other)
    assert run.code == 2, run.output
    assert f"is not in the database of {option}" in run.output
    assert list(tmp_path.iterdir()) == []


def test_a_vendor_whose_settings_turn_the_crowd_away_is_not_attacked(server, tmp_path):
    target = Target(server.url, server.vendor, server.api_key, "", "")
    usual = {"availability_numbers": "exact", "open_bookings_max": None}
    try:
        unusual = {"availability_numbers": "few_left", "open_bookings_max": 3}
        administer(target, "PATCH", "", unusual)
        run = attack(server, tmp_path, "--workload", "capacity", "-u", "2")
    finally:
        administer(target, "PATCH", "", usual)
    assert run.code == 2, run.output
    assert '"availability_numbers": "exact"' in run.output
    assert '"open_bookings_max": null' in run.output
    assert list(tmp_path.iterdir()) == []


def test_without_a_demo_and_without_words_it_says_what_is_missing(tmp_path):
    done = chaos("run", folder=tmp_path)
    assert done.returncode == 2
    assert "no url, no vendor, no api_key, no database_url given" in done.stdout


def test_a_sabotaged_fresh_run_is_convicted_and_leaves_nothing_behind():
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-tests-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    try:
        kept = folder / "kept"
        words = (
            "--workload",
            "double_booking_attack",
            "--iterations",
            "200",
            "--folder",
            str(kept),
        )
        sabotage = ("--sabotage", "cancelled_in_words_only")
        # Locust reads its own variables, too; nothing is at that address.
        around = {"TMPDIR": str(folder), "LOCUST_HOST": "http://127.0.0.1:1"}
        done = chaos("run", "--fresh", *words, *sabotage, environment=around)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "FAIL  acknowledged_is_there" in done.stdout
        assert list(folder.iterdir()) == [kept]
        commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        assert not [words for words in commands if str(folder) in " ".join(words)]
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("more", [[], ["--faults", "all"], ["--sabotage", "no_exclusion"]])
@pytest.mark.parametrize(
    "named",
    [
        "--target-url",
        "--vendor",
        "--api-key",
        "--database-url",
        "--owner-url",
        "--demo-file",
        "CHAOS_API_KEY",
        "CHAOS_DATABASE_URL",
        "CHAOS_OWNER_URL",
    ],
)
def test_a_run_with_a_demo_of_its_own_refuses_whatever_names_another(named, more, tmp_path):
    by_option = named.startswith("--")
    words = ["run", "--fresh", "--folder", str(tmp_path / "run"), *more]
    done = CliRunner().invoke(
        main,
        [*words, *([named, "mine"] if by_option else [])],
        env={} if by_option else {named: "mine"},
    )
    assert done.exit_code == 2
    assert f"but {named} names something" in " ".join(done.output.split())
    assert not (tmp_path / "run").exists()


def test_who_takes_up_a_run_on_its_own_demo_names_nothing_else_either(tmp_path):
    header = {"fresh": True, "faults": "", "iterations": 1, "users": 1, "seed": 1}
    stage = {"vendor_id": "v", "location_id": "l", "providers": [], "roles": {}}
    (tmp_path / "run.json").write_text(json.dumps({"header": header, "stage": stage}))
    words = ["run", "--resume", "--folder", str(tmp_path), "--owner-url", "mine"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "--owner-url" in done.output


@pytest.mark.parametrize(
    "words, told", [(["no_exclusion"], "--fresh"), (["nope", "--fresh"], "no sabotage 'nope'")]
)
def test_nothing_but_a_fresh_demo_is_sabotaged_and_only_by_what_there_is(words, told):
    done = CliRunner().invoke(main, ["run", "--sabotage", *words])
    assert done.exit_code == 2
    assert told in done.output


def test_chaos_imports_nothing_of_the_application():
    modules = [
        ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
        for path in (CHECKOUT / "chaos").rglob("*.py")
        if path.stem not in {"__init__", "__main__"}
    ]
    imports = "; ".join(f"import {name}" for name in ["locust", *sorted(modules), "chaos.__main__"])
    ask = "import sys; print([name for name in sys.modules if name.split('.')[0] == 'app'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}; {ask}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
    )
    assert done.stdout == "[]\n", done.stderr
