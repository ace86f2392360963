"""What excuses a failure, for how long, and how much of a run nothing does."""

from __future__ import annotations

from itertools import islice

import pytest

from chaos.checkers.answers import FAILURES
from chaos.faults.all import FAULTS
from chaos.faults.calm import CALM, CALM_SHARE, LONG_SECONDS
from chaos.faults.excuses import GRACE_SECONDS, SETTLE_SECONDS, Excuses
from chaos.faults.injector import PAUSES_LATER, planned
from chaos.faults.network import SILENT_DATABASE_SECONDS
from chaos.faults.overload import Overload, overload_of
from tests.chaos.story import Story

OUTAGE = {"outage_without_fault": 1}
SILENCE = {"no_answer_without_fault": 1}


def struck_story(*faults):
    """A story in which something was broken from 10 to 12 s, or then."""
    story = Story(slot=1)
    story.faults += [("kill", *fault) for fault in faults or [(10.0, 12.0)]]
    return story


def asks(story, *at, who="Ada", door="http"):
    """Somebody asks and is answered."""
    story.tells("read", at, code="SHOWN", door=door).attacker = who


def fails(story, *at, who="Ada", door="http", code="SERVICE_UNAVAILABLE", status=503):
    """Somebody asks and hears of a failure."""
    told = story.tells("book", at, "unknown", code, door=door, status=status)
    told.attacker = who


@pytest.mark.parametrize("at", [(10.5, 11), (8, 10.1), (11.9, 30)])
def test_whoever_asked_while_something_was_broken_is_excused(at):
    story = struck_story()
    fails(story, *at)
    assert story.findings(FAILURES) == {}


@pytest.mark.parametrize("at", [(9, 9.9), (23, 24), (500, 501)])
def test_before_a_fault_and_long_after_nobody_is(at):
    story = struck_story()
    fails(story, *at)
    assert story.findings(FAILURES) == OUTAGE


def test_with_the_first_answer_after_a_fault_the_excuse_is_over():
    story = struck_story()
    asks(story, 9, 9.5)
    fails(story, 12.1, 12.2)
    fails(story, 12.3, 12.4)
    assert story.findings(FAILURES) == {}
    asks(story, 12.5, 12.6)
    fails(story, 12.8, 12.9)
    assert story.findings(FAILURES) == OUTAGE


def test_an_answer_excuses_nobody_else_and_a_refusal_is_an_answer_too():
    story = struck_story()
    asks(story, 12.1, 12.2, who="Ben")
    fails(story, 12.3, 12.4)
    assert story.findings(FAILURES) == {}
    story.refused(12.5, 12.6, status=409).attacker = "Ada"
    fails(story, 12.8, 12.9)
    assert story.findings(FAILURES) == OUTAGE


def test_whoever_had_asked_before_it_was_over_has_not_heard_yet_that_it_is():
    story = struck_story()
    asks(story, 11.9, 12.1)
    fails(story, 12.2, 12.3)
    assert story.findings(FAILURES) == {}


def test_a_session_that_nobody_used_since_fails_once_however_late():
    lost = {"door": "sql", "code": "OperationalError", "status": None}
    story = struck_story()
    asks(story, 9, 9.5, door="sql")
    fails(story, 60, 61, **lost)
    assert story.findings(FAILURES) == {}
    fails(story, 62, 63, **lost)
    assert story.findings(FAILURES) == SILENCE


def test_a_session_that_was_opened_after_the_fault_has_no_excuse():
    story = struck_story()
    fails(story, 60, 61, door="sql", code="OperationalError", status=None)
    assert story.findings(FAILURES) == SILENCE


def test_a_server_that_nobody_reaches_is_down_and_needs_an_excuse():
    story = struck_story()
    told = story.tells("book", (60, 61), "fail", "ConnectionRefusedError")
    told.attacker = "Ada"
    assert story.findings(FAILURES) == SILENCE


@pytest.mark.parametrize(
    "look, code, found",
    [
        ((60.2, 61.5), "TRANSACTION_TIMEOUT", {}),
        ((60.2, 60.9), "TRANSACTION_TIMEOUT", OUTAGE),
        ((63, 66), "TRANSACTION_TIMEOUT", OUTAGE),
        # What it does not explain: that somebody hung up, or that the server is at fault.
        ((60.2, 61.5), "RemoteDisconnected", SILENCE),
        ((60.2, 61.5), "INTERNAL_ERROR", {"server_error": 1}),
        # Whatever was slow for another reason.
        ((11, 62), "TRANSACTION_TIMEOUT", OUTAGE),
    ],
)
def test_where_a_mere_look_by_sql_takes_a_second_time_may_run_out(look, code, found):
    story = struck_story()
    asks(story, *look, who="Ben", door="sql")
    status = {"INTERNAL_ERROR": 500, "TRANSACTION_TIMEOUT": 504}.get(code)
    fails(story, 60, 62, code=code, status=status)
    assert story.findings(FAILURES) == found


def run_out_of_time(*begins, seconds=10.0):
    """A long run of many, in which now and then somebody runs out of time while a look is slow."""
    story = Story(slot=1)
    for number in range(10_000):
        story.tells("sweep", (number / 10, number / 10 + 0.05), code="DONE", door="sql")
    for begin in begins:
        asks(story, begin + 1, begin + 2.2, who="Ben", door="sql")
        fails(story, begin, begin + seconds, code="TRANSACTION_TIMEOUT", status=504)
    return story


@pytest.mark.parametrize(
    "begins, found",
    [
        # Now and then, and nearly always: something hangs.
        (range(0, 900, 60), {"out_of_time_too_often": 1}),
        (range(0, 400, 9), {"out_of_time_too_often": 1}),
        # Twice the machine stood still, for everybody; or hardly ever.
        ([300.0] * 20 + [700.0] * 20, {}),
        (range(0, 900, 100), {}),
    ],
)
def test_few_run_out_of_time_for_a_busy_machine_alone(begins, found):
    story = run_out_of_time(*begins)
    assert story.findings(FAILURES) == {}
    assert story.findings(CALM) == found


def test_what_a_busy_machine_excused_is_counted_and_a_short_run_is_not_judged_by_it():
    story = run_out_of_time(*range(0, 900, 60))
    story.faults.append(("kill", 0.0, 50.0))
    evidence = story.evidence()
    overload = overload_of(evidence)
    evidence.close()
    # The first was excused by the fault.
    assert overload == Overload(14, 14, 140.0, 10_030, 999.95)
    assert overload.too_often
    assert "14 of 10,030 attempts ran out of time" in overload.words
    assert not Overload(14, 14, 140.0, 9_999, 999.95).too_often


def calm_of(story):
    evidence = story.evidence()
    try:
        return Excuses(evidence).calm()
    finally:
        evidence.close()


def test_seconds_without_excuse_are_those_in_which_nobody_had_one():
    story = struck_story((10.0, 12.0), (40.0, 41.0))
    asks(story, 0, 1)
    asks(story, 13, 14, who="Ben")
    asks(story, 12.5, 13.5, who="Eve", door="sql")
    asks(story, 99, 100)
    calm = calm_of(story)
    # Until Ben was answered at 14 s; after the second nobody asked before all was forgotten.
    assert (calm.seconds, calm.of_seconds) == (100 - 4 - 1 - SETTLE_SECONDS, 100)
    # Ben and Eve would have been excused.
    assert (calm.attempts, calm.of_attempts) == (2, 4)


def long_run(distance, lasting=6.0):
    """A run of a quarter of an hour, in which somebody asks every second and is answered."""
    story = Story(slot=1)
    story.faults += [("kill", at, at + lasting) for at in range(10, 880, int(distance + lasting))]
    for second in range(900):
        asks(story, second, second + 0.9)
        asks(story, second + 0.3, second + 0.6, who="Ben", door="sql")
    return story


def test_a_long_run_in_which_there_was_always_an_excuse_has_proved_nothing():
    assert long_run(32).findings(CALM) == {}
    assert long_run(2).findings(CALM) == {"hardly_ever_calm": 1}


def test_a_short_run_needs_some_without_an_excuse_and_a_trial_of_one_fault_nobody():
    story = struck_story((0.5, 65.0))
    for second in range(1, 50):
        asks(story, second, second + 0.5)
    assert story.findings(CALM) == {}
    asks(story, 60, 70)
    assert story.findings(CALM) == {"hardly_ever_calm": 1}
    asks(story, 0.1, 0.2)
    assert story.findings(CALM) == {}


def test_faults_of_a_long_run_are_so_far_apart_that_most_of_it_is_calm():
    shortest = PAUSES_LATER[0]
    assert shortest - GRACE_SECONDS > CALM_SHARE * (shortest + SILENT_DATABASE_SECONDS)
    first = list(islice(planned(list(FAULTS.values()), 1), len(FAULTS)))
    assert {fault.name for _, fault in first} == set(FAULTS)
    # The first round is close together, and is over long before a run counts as long.
    assert sum(pause for pause, _ in first) < LONG_SECONDS / 10


def test_the_plan_of_the_faults_is_the_seeds():
    def names(seed, number=40):
        return [fault.name for _, fault in islice(planned(list(FAULTS.values()), seed), number)]

    assert names(3) == names(3)
    assert names(3) != names(4)
    assert names(3)[:20] == names(3, 20)
    later = islice(planned(list(FAULTS.values()), 3), len(FAULTS), 40)
    assert all(pause >= PAUSES_LATER[0] for pause, _ in later)
