"""The report holds the history's numbers, tells of a conviction, and shows nobody a script."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from html.parser import HTMLParser

import pytest

from chaos.checkers import judge
from chaos.checkers.all import CHECKERS
from chaos.checkers.happened import EVERYTHING
from chaos.conclusion import concluded, held
from chaos.course import Course
from chaos.evidence import Evidence
from chaos.history import read_history
from chaos.judgement import asked_of, judge_again, judge_run
from chaos.report.page import page
from chaos.report.plot import plot
from chaos.run import EVIDENCE, clock_of, read_run
from tests.chaos.attacks import CHECKOUT, attack
from tests.chaos.story import Story
from tests.chaos.test_runs import chaos

SMALL = ("--workload", "double_booking_attack", "--iterations", "150", "-u", "9", "--seed", "9")


@pytest.fixture(scope="module")
def run(server, tmp_path_factory):
    """A clean run of the shipped server."""
    done = attack(server, tmp_path_factory.mktemp("run"), *SMALL)
    assert done.code == 0, done.output
    return done


@pytest.fixture
def found(run):
    """The figures of that run, for a test to change."""
    return json.loads((run.folder / "report.json").read_text())


class Tags(HTMLParser):
    """The tags of a page, with their attributes, and whether each is closed."""

    def __init__(self, text):
        super().__init__()
        self.opened, self.seen = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.opened.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag


def test_the_numbers_of_the_report_are_those_of_the_history(run, found):
    operations = list(read_history(run.folder / "history.jsonl"))
    assert found["attempts"] == len(operations)
    assert found["results"] == {
        name: sum(o.result == name for o in operations) for name in ("ok", "fail", "unknown")
    }
    by_attacker = Counter(o.attacker.split()[0] for o in operations)
    assert {one["attacker"]: one["attempts"] for one in found["attackers"]} == by_attacker
    outcomes = Counter((o.kind, o.door, o.result, o.code, o.status) for o in operations)
    told = {
        (one["kind"], one["door"], one["result"], one["code"], one["status"]): one["number"]
        for one in found["outcomes"]
    }
    assert told == outcomes
    over_time = found["timeline"]["buckets"]
    for name, number in found["results"].items():
        assert sum(bucket[name] for bucket in over_time) == number
    slowest = max(o.ended - o.began for o in operations if o.code != "HUNG_UP")
    assert max(one["max"] for one in found["latencies_ms"]) == pytest.approx(
        slowest * 1000, rel=0.01
    )


def test_the_report_says_who_won_in_each_tenth_and_how_much_nothing_excused(run, found):
    assert len(found["won"]) == 10
    asked, won = (sum(one[name] for one in found["won"]) for name in ("asked", "won"))
    assert asked == run.counted("kind = 'book'")
    assert won == run.counted("kind = 'book' AND result = 'ok' AND NOT replayed")
    # Nothing was broken.
    assert found["calm"]["attempts"] == found["calm"]["of_attempts"] == found["attempts"]
    assert found["calm"]["seconds"] == found["calm"]["of_seconds"]
    assert found["overload"]["of_attempts"] == found["attempts"]
    found["overload"] |= {"failures": 3, "of_attempts": 4321}
    assert "3 of 4,321 attempts ran out of time while nothing was broken" in page(found)
    assert "Who got a place" in page(found)
    struck = {"name": "kill_worker", "about": "x", "begin": 0.1, "end": 0.2, "failed": ""}
    more = {"hit": {}, "back_seconds": 0.1, "seen": {}, "slowest_seconds": None}
    found["faults"] = [struck | more]
    found["calm"] |= {"seconds": 1234.5, "attempts": 77}
    assert "Nothing excused one in 1,234.5 of" in page(found)


def test_the_page_says_what_the_numbers_say_and_how_to_repeat_the_run(run, found):
    text = (run.folder / "report.html").read_text()
    assert "Every promise held." in text
    assert "VIOLATED" not in text
    assert f"<b>{found['attempts']:,}</b>" in text
    for verdict in found["verdicts"]:
        assert verdict["checker"] in text
    header = run.header()
    for told in (header["commit"], header["started_at"], header["versions"]["psycopg"]):
        assert told in text
    assert f"PostgreSQL</td><td>{header['postgresql']}" in text
    assert f"cores</td><td>{header['machine']['cores']}" in text
    again = (
        "python -m chaos run --workload double_booking_attack --seed 9 --iterations 150 --users 9"
    )
    assert again in text
    assert "does not fix the interleaving" in text


def test_a_checker_that_had_nothing_to_look_at_is_empty_and_did_not_pass(run, found):
    # This run held nothing, and nobody in it trespassed.
    held_nothing = next(v for v in found["verdicts"] if v["checker"] == "holds_last_as_promised")
    assert (held_nothing["status"], held_nothing["examined"]) == ("EMPTY", 0)
    passed, empty = (sum(v["status"] == s for v in found["verdicts"]) for s in ("PASS", "EMPTY"))
    told = f"{passed} of {passed + empty} checkers found nothing wrong; {empty} had nothing to look"
    assert told in run.output
    text = page(found)
    assert told in text
    assert text.count('<span class="empty">EMPTY</span>') == empty
    assert text.count('<span class="pass">') == passed
    assert text.count("which proves nothing") == empty


def test_whoever_must_have_something_and_had_nothing_fails_the_run(found):
    nothing = judge(Story().evidence(), CHECKERS)
    assert {v.status for v in nothing if v.checker != "places_were_contended"} == {"EMPTY"}
    needed = {v.checker for v in nothing if not v.holds}
    assert needed == {checker.name for checker in CHECKERS if checker.required}
    for verdict in nothing:
        verdict.status = "EMPTY"
        assert held([verdict]) != verdict.required
    end = concluded(nothing, Course(10, 10, "iterations", ()))
    assert (end.code, end.words) == (2, "PROVES NOTHING.")
    shown = page(found | {"verdicts": [asdict(v) for v in nothing], "held": False})
    assert shown.count('<span class="no">EMPTY</span>') == len(needed)
    assert shown.count("Every run must give it something") == len(needed)


def test_the_page_needs_nothing_from_anywhere_and_is_well_formed(run):
    text = (run.folder / "report.html").read_text()
    tags = Tags(text)
    assert tags.opened == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags.seen}
    assert not re.search(r"(?:src|href)=|@import|url\(", text)


def test_what_came_from_the_run_is_escaped(found):
    evil = "<script>alert(1)</script>\"'&"
    found["held"] = False
    found["run"] |= {"workload": evil, "sabotage": evil, "commit": evil, "postgresql": evil}
    found["run"]["target"]["url"] = evil
    found["repeat"] = evil
    found["attackers"][0]["attacker"] = found["outcomes"][0]["code"] = evil
    found["latencies_ms"][0]["kind"] = evil
    found["verdicts"][0] |= {
        "count": 1,
        "kinds": {evil: 1},
        "findings": [{"kind": evil, "about": evil}],
    }
    fault = {"name": evil, "about": evil, "begin": 0.1, "end": 0.2, "hit": {evil: 1}}
    seen = {"seen": {evil: 1}, "failed": evil, "back_seconds": None, "slowest_seconds": 0.1}
    found["faults"] = [fault | seen]
    text = page(found)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 10
    assert Tags(text).opened == []


def test_without_evidence_and_without_a_database_nobody_can_tell(run, tmp_path):
    for name in ("run.json", "history.jsonl"):
        (tmp_path / name).write_bytes((run.folder / name).read_bytes())
    nowhere = {"CHAOS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}
    done = chaos("judge", str(tmp_path), environment=nowhere)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Nobody can tell" in done.stdout
    assert not (tmp_path / "report.html").exists()


def test_a_run_is_not_judged_by_another_servers_database(run, database, postgres):
    for url in (database.app_url, postgres.superuser_url()):
        with pytest.raises(ValueError, match="another server's"):
            judge_run(run.folder, url)


def test_a_violation_makes_the_page_red_and_the_exit_code_1(run, server, tmp_path):
    folder = tmp_path / "convicted"
    folder.mkdir()
    for name in ("run.json", "history.jsonl"):
        (folder / name).write_bytes((run.folder / name).read_bytes())
    kept = (folder / "history.jsonl").read_text()
    end = next(line for line in kept.splitlines() if '"code":"CONFIRMED"' in line)
    told = json.loads(end)["answer"]["booking_id"]
    (folder / "history.jsonl").write_text(kept.replace(told, told[:-4] + "beef"))
    url = {"CHAOS_DATABASE_URL": server.database.app_url}
    done = chaos("judge", str(folder), environment=url)
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((folder / "report.json").read_text())
    assert not found["held"]
    assert found["violations"] > 0
    text = (folder / "report.html").read_text()
    assert "VIOLATED." in text
    assert "Not kept: acknowledged_is_there (" in text
    assert "Every promise held" not in text
    failed = next(one for one in found["verdicts"] if one["checker"] == "acknowledged_is_there")
    assert failed["status"] == "FAIL"
    assert failed["findings"][0]["kind"] in text
    # The verdict can be found again without the database.
    again = chaos("judge", "--again", str(folder))
    assert again.returncode == 1, again.stdout + again.stderr
    assert json.loads((folder / "report.json").read_text()) == found | {
        "verdicts": json.loads((folder / "verdict.json").read_text())
    }


def test_judging_again_needs_no_database_and_comes_to_the_same(run, server):
    clock = clock_of(read_run(run.folder)[0])
    begun = clock.now()
    verdicts = judge_run(run.folder, server.database.app_url)
    with closing(Evidence(run.folder / EVIDENCE)) as evidence:
        assert begun < evidence.setting("rows_read_at") < clock.now()
    again = judge_again(run.folder)
    assert held(verdicts)
    assert [(v.checker, v.status, v.examined) for v in again] == [
        (v.checker, v.status, v.examined) for v in verdicts
    ]


def test_that_everything_happened_is_asked_where_there_is_a_user_of_every_kind():
    of_its_own = (EVERYTHING, *CHECKERS[:1])
    assert asked_of({"users": 28, "kinds": 28}, of_its_own) == of_its_own
    assert asked_of({"users": 27, "kinds": 28}, of_its_own) == of_its_own[1:]
    # An older run does not say how many there were.
    assert asked_of({"users": 2}, of_its_own) == of_its_own


def test_a_clock_that_was_set_meanwhile_is_told_of_by_screen_page_and_json(run, tmp_path):
    for name in ("run.json", "history.jsonl", "sittings.jsonl", EVIDENCE):
        (tmp_path / name).write_bytes((run.folder / name).read_bytes())
    with closing(Evidence(tmp_path / EVIDENCE)) as evidence:
        evidence.connection.execute("UPDATE run SET value = '3600.2' WHERE key = 'clock_moved'")
        evidence.connection.commit()
    judged = chaos("judge", "--again", str(tmp_path))
    assert judged.returncode == 0, judged.stdout + judged.stderr
    told = "The clock of the day was set by 3,600 s between the beginning and the judgement"
    assert told in judged.stdout
    assert told in (tmp_path / "report.html").read_text()
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["course"]["clock_moved"] == 3600.2
    assert told in found["notes"][0]


def test_who_has_no_evidence_or_half_of_it_is_told_so(tmp_path):
    with pytest.raises(ValueError, match="no evidence"):
        judge_again(tmp_path)
    (tmp_path / "evidence.db").touch()
    with pytest.raises(ValueError, match="not complete"):
        judge_again(tmp_path)


def test_who_judges_where_there_is_no_room_is_told_so_and_nobody_is_convicted(
    run, server, tmp_path
):
    for name in ("run.json", "history.jsonl", "sittings.jsonl"):
        (tmp_path / name).write_bytes((run.folder / name).read_bytes())
    # Nobody may write more than so many blocks of 512 or 1024 bytes into a file.
    full = ("sh", "-c", 'ulimit -f 40 && exec "$@"', "sh")
    done = subprocess.run(
        [*full, sys.executable, "-m", "chaos", "judge", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "CHAOS_DATABASE_URL": server.database.app_url},
    )
    whole = (run.folder / EVIDENCE).read_bytes()
    assert len(whole) > 2 * 40 * 1024
    again = [chaos("judge", "--again", str(tmp_path))]
    for part in (50, 100, len(whole) // 2, len(whole) - 5000):
        (tmp_path / EVIDENCE).write_bytes(whole[:part])
        again.append(chaos("judge", "--again", str(tmp_path)))
    for judged in (done, *again):
        assert judged.returncode == 2, judged.stdout + judged.stderr
        assert "Nobody can tell" in judged.stdout
        assert "Traceback" not in judged.stderr
    assert f"Make room there, and then: python -m chaos judge {tmp_path}" in done.stdout
    assert not (tmp_path / "report.html").exists()


def test_the_plot_marks_every_fault_and_has_gaps_where_nobody_was_answered(found):
    blank = {"ok": 0, "fail": 0, "unknown": 0, "p50": None, "p99": None, "max": None}
    full = {"ok": 5, "fail": 1, "unknown": 0, "p50": 2.0, "p99": 9.0, "max": 12.0}
    found["seconds"] = 4.0
    found["timeline"] = {
        "seconds": 1.0,
        "buckets": [{"at": 0.0, **full}, {"at": 1.0, **blank}, {"at": 2.0, **full}],
    }
    fault = {"name": "kill_worker", "begin": 1.0, "end": None}
    found["faults"] = [fault, fault | {"begin": 2.0, "end": 3.0}]
    drawn = plot(found)
    assert drawn.count('class="fault"') == 2
    assert "2 kill_worker: 2.0 to 3.0 s" in drawn
    assert drawn.count('<polyline class="p50"') == 2
    assert Tags(drawn).opened == []


def test_a_run_in_which_nothing_ended_has_a_report_without_a_plot(found):
    found["seconds"] = 0.0
    assert plot(found) == ""
    assert "Over time" in page(found)
