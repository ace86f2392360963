"""Held, violated, or nobody can tell: what is a broken promise, and what only a poor attack."""

from __future__ import annotations

import pytest

from chaos.checkers import Finding, Verdict
from chaos.conclusion import ATTACK_FAILED, concluded
from chaos.course import Course, course_of, note_break, note_end

WHOLE = Course(100, 103, "iterations", ())
HALF = Course(100, 50, "stopped", ())


def verdict(status="PASS", *kinds, name="promise", required=False):
    found = [Finding(kind, "about it") for kind in kinds]
    counted = dict.fromkeys(kinds, 1)
    return Verdict(
        name, "It is kept.", status, len(found), 7, 0.0, counted, found, required=required
    )


def outcome(*verdicts, course=WHOLE, **how):
    end = concluded([*verdicts, verdict()], course, **how)
    return end.outcome, end.code


def test_a_promise_is_broken_only_by_what_says_so_of_a_promise():
    assert outcome() == ("held", 0)
    assert outcome(verdict("EMPTY")) == ("held", 0)
    assert outcome(verdict("EMPTY", required=True)) == ("proves_nothing", 2)
    for kind in ATTACK_FAILED:
        assert outcome(verdict("FAIL", kind)) == ("proves_nothing", 2)
        assert outcome(verdict("FAIL", kind, "given_twice")) == ("violated", 1)
    assert outcome(verdict("FAIL", "service_did_not_come_back")) == ("violated", 1)
    assert outcome(verdict("FAIL", "given_twice"), verdict("EMPTY", required=True))[1] == 1


def test_what_was_broken_is_named_and_so_is_why_nothing_is_proved():
    end = concluded([verdict("FAIL", "given_twice", name="no_place"), verdict()], WHOLE)
    assert end.words == "VIOLATED."
    assert end.notes == ("Not kept: no_place (1).",)
    poor = concluded([verdict("FAIL", "hit_nothing", name="faults_are_survived")], WHOLE)
    assert "faults_are_survived: hit_nothing, about it" in poor.notes
    many = concluded([verdict("FAIL", "hit_nothing", name=f"c{n}") for n in range(9)], WHOLE)
    assert "And 4 more." in many.notes


def test_a_run_that_ended_early_is_not_called_held_unless_that_was_asked_for():
    assert outcome(course=HALF) == ("incomplete", 2)
    assert outcome(course=HALF, as_far_as_it_came=True) == ("held", 0)
    assert outcome(verdict("FAIL", "given_twice"), course=HALF) == ("violated", 1)
    for how in (False, True):
        end = concluded([verdict()], HALF, as_far_as_it_came=how)
        assert "Ended early, after 50 of 100 attempts (stopped by somebody)." in end.notes
    assert concluded([verdict()], HALF, as_far_as_it_came=True).words.endswith("the run came.")


@pytest.mark.parametrize(
    "ends, attempts, complete",
    [
        ((), 100, True),
        ((), 99, False),
        (("iterations",), 100, True),
        (("duration",), 99, True),
        (("stopped",), 99, False),
        (("duration", "stopped"), 99, False),
    ],
)
def test_a_run_is_whole_with_all_its_attempts_or_all_its_time(tmp_path, ends, attempts, complete):
    for end in ends:
        note_end(tmp_path, end)
    assert course_of(tmp_path, 100, attempts).complete == complete


def test_each_break_is_told_but_not_that_a_whole_run_was_judged_again(tmp_path):
    note_break(tmp_path, 40, 2.5, 4.0)
    (gap,) = course_of(tmp_path, 100, 100).breaks
    assert gap.words.startswith(
        "Broken off after 40 attempts, 2.5 s from its beginning, and taken up again 1.5 s later"
    )
    note_end(tmp_path, "iterations")
    note_break(tmp_path, 100, 5.0, 99.0)
    whole = course_of(tmp_path, 100, 100)
    assert whole.breaks == (gap,)
    assert concluded([verdict()], whole).notes == (gap.words,)
