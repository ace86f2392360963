"""The attack as it is run: it finds nothing where nothing is, and names what was broken for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.damage import loosen

CHECKOUT = Path(__file__).parents[2]
LOCUST = ["locust", "-f", "chaos/locustfile.py", "--headless", "--only-summary", "-r", "20"]


def attack(server, *words, owner=True, module=("chaos", "run")):
    """Run it against the server, as somebody at a prompt does."""
    database = server.database
    return subprocess.run(
        [
            *(sys.executable, "-m", *module),
            *("--host" if module[0] == "locust" else "--target-url", server.url),
            *("--vendor", server.vendor, *words),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=120,
        env={
            "PATH": os.environ["PATH"],
            "CHAOS_API_KEY": server.api_key,
            "CHAOS_DATABASE_URL": database.app_url,
            "CHAOS_OWNER_URL": database.owner_url if owner else "",
        },
    )


def counts_printed(output):
    """The table of counts of a report, by kind, door, result and code."""
    rows = re.findall(r"^  (book|cancel) +(\w+) +(\w+) +(.+?) +([0-9]+)$", output, re.MULTILINE)
    return {tuple(words): int(number) for *words, number in rows}


def standing(server):
    """The bookings that stand in the server's database, by the token of who asked for them."""
    with psycopg.connect(server.database.app_url) as connection:
        return dict(
            connection.execute(
                "SELECT metadata ->> 'chaos', quantity FROM bookings b JOIN vendors v"
                " ON v.id = b.vendor_id WHERE v.slug = %s AND status = 'confirmed'",
                [server.vendor],
            ).fetchall()
        )


def test_a_clean_run_exits_0_and_its_counts_add_up(serve, tmp_path):
    server = serve()
    path = tmp_path / "history"
    flags = ["--seed", "7", "--iterations", "400", "--users", "16", "--history", str(path)]
    done = attack(server, *flags)
    assert done.returncode == 0, done.stdout
    history = [json.loads(line) for line in path.read_text().splitlines()]
    printed = counts_printed(done.stdout)
    assert len(history) == sum(printed.values()) == 400
    assert "VIOLATED" not in done.stdout
    for (kind, door, result, code), number in printed.items():
        same = {"kind": kind, "door": door, "result": result, "code": code}
        assert number == sum(same.items() <= operation.items() for operation in history)
    assert {door for _, door, result, _ in printed if result == "ok"} == {"http", "sql", "hand"}
    cancelled = {o["booking_id"] for o in history if (o["kind"], o["result"]) == ("cancel", "ok")}
    booked = [o for o in history if (o["kind"], o["result"]) == ("book", "ok")]
    left = {o["token"]: o["quantity"] for o in booked if o["booking_id"] not in cancelled}
    assert standing(server) == left
    again = "python -m chaos run --seed 7 --iterations 400 --users 16"
    assert again in done.stdout
    assert "not the order in which the users meet" in done.stdout


def test_locust_runs_the_file_by_itself(serve):
    done = attack(serve(), *["--users", "8", "--seed", "3", "--iterations", "150"], module=LOCUST)
    assert done.returncode == 0, done.stdout
    assert sum(counts_printed(done.stdout).values()) == 150


def test_a_run_ends_when_its_time_is_over(serve):
    done = attack(serve(), "--iterations", "1000000", "--duration", "2", "--users", "4")
    assert done.returncode == 0, done.stdout
    assert 20 < sum(counts_printed(done.stdout).values()) < 1_000_000


def test_each_user_asks_for_the_same_again_with_the_same_seed(serve, tmp_path):
    server, asked = serve(), []
    for path in (tmp_path / "first", tmp_path / "second"):
        words = ["--seed", "11", "--iterations", "200", "--users", "4", "--history", str(path)]
        assert attack(server, *words).returncode == 0
        wishes: dict[str, list[int]] = {}
        for line in path.read_text().splitlines():
            operation = json.loads(line)
            if operation["kind"] == "book":
                wishes.setdefault(operation["user"], []).append(operation["quantity"])
        asked.append(wishes)
    first, second = asked
    assert first.keys() == second.keys()
    for user in first:
        common = min(len(first[user]), len(second[user]))
        assert common > 5
        assert first[user][:common] == second[user][:common]


def test_owners_who_insert_twice_are_found_where_nothing_excludes_them(serve):
    server = serve()
    with psycopg.connect(server.database.superuser_url, autocommit=True) as superuser:
        loosen(superuser)
    done = attack(server, "--iterations", "300", "--users", "12")
    assert done.returncode == 1, done.stdout
    # Told by the history: by the end one of the two may have been cancelled.
    assert "place_given_twice" in done.stdout
    assert "Repeat it" in done.stdout


LOCK = re.compile(r"v_locked := lock_slots\([^)]*\);")


def test_a_function_that_looks_but_does_not_lock_is_found_where_nothing_excludes(serve):
    server = serve()
    with psycopg.connect(server.database.superuser_url, autocommit=True) as superuser:
        loosen(superuser)
        (text,) = superuser.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE proname = 'claim_slot_and_create_booking'"
        ).fetchone()
        # In the lock's place a pause, so that rivals have looked before anybody books.
        naive, replaced = LOCK.subn("PERFORM pg_sleep(0.02); v_locked := true;", text)
        assert replaced == 1
        superuser.execute(naive.encode())
    done = attack(server, "--iterations", "300", "--users", "12", owner=False)
    assert done.returncode == 1, done.stdout
    assert "place_given_twice" in done.stdout
    assert "  book   hand" not in done.stdout


def test_a_server_that_fails_is_found(serve):
    server = serve()
    with psycopg.connect(server.database.owner_url, autocommit=True) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION cancel_booking FROM slotkeeper_app")
    done = attack(server, "--iterations", "200", "--users", "8")
    assert done.returncode == 1, done.stdout
    assert "server_error" in done.stdout
    assert "unexpected_answer" in done.stdout


@pytest.mark.parametrize(
    "words, told",
    [
        (["--target-url", "http://127.0.0.1:1"], "cannot be reached"),
        (["--vendor", "nobody"], "VENDOR_NOT_FOUND"),
        (["--database-url", "postgresql://nobody@127.0.0.1:1/x"], "database cannot be reached"),
    ],
)
def test_who_cannot_begin_says_why_and_exits_2(shared_server, words, told):
    done = attack(shared_server, *words, "--users", "2")
    assert done.returncode == 2
    assert "The attack cannot begin" in done.stdout
    assert told in done.stdout
    assert "Traceback" not in done.stderr


def test_without_a_demo_and_without_words_it_says_what_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "run"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)},
    )
    assert done.returncode == 2
    assert "no url, no vendor, no api_key, no database_url given" in done.stdout


def test_a_fresh_run_attacks_a_demo_of_its_own_and_leaves_nothing_behind():
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-tests-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "chaos", "run", "--fresh", "--iterations", "200"],
            check=False,
            capture_output=True,
            text=True,
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(folder)},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert sum(counts_printed(done.stdout).values()) == 200
        assert list(folder.iterdir()) == []
        commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        assert not [words for words in commands if str(folder) in " ".join(words)]
    finally:
        shutil.rmtree(folder)


def test_chaos_imports_nothing_of_the_application():
    modules = [
        f"chaos.{path.stem}"
        for path in (CHECKOUT / "chaos").glob("*.py")
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
