"""Moves and the states they meet: what the checker of states refuses, and what it accepts."""

from __future__ import annotations

import pytest

from chaos.checkers.states import STATES
from tests.chaos.story import Story

KEY = "a key of sixteen or more"


def test_a_cancellation_of_what_surely_stands_is_not_refused():
    story = Story()
    booking = story.books(1, 2)
    code = "BOOKING_STATE_CONFLICT"
    story.moves("cancel", booking, 3, 4, result="fail", code=code, answer={"status": "confirmed"})
    assert story.findings(STATES) == {"refused_though_allowed": 1}
    story.operations[1].answer = {"status": "completed"}
    assert story.findings(STATES) == {"answered_untruly": 1}
    story.moves("complete", booking, 3.5, None, result="unknown")
    assert story.findings(STATES) == {}


def test_what_was_undone_before_somebody_asked_is_no_reason():
    story = Story()
    booking = story.books(1, 2)
    story.moves("complete", booking, 3, 4, code="COMPLETED")
    refused = {"result": "fail", "code": "BOOKING_STATE_CONFLICT"}
    story.moves("cancel", booking, 4.5, 6, **refused, answer={"status": "completed"})
    story.moves("confirm", booking, 5, 7, code="CONFIRMED")
    assert story.findings(STATES) == {}
    story.moves("cancel", booking, 8, 9, **refused, answer={"status": "completed"})
    assert story.findings(STATES) == {"answered_untruly": 1}


def test_a_hold_has_lapsed_for_nobody_who_confirmed_it():
    story = Story()
    held = story.books(1, 1.1, hold=2)
    story.moves("confirm", held, 5, 6, result="fail", code="HOLD_EXPIRED")
    assert story.findings(STATES) == {}
    story.moves("confirm", held, 2, 2.1, code="CONFIRMED")
    assert story.findings(STATES) == {"answered_untruly": 1}


def test_only_what_was_cancelled_is_claimed_again():
    story = Story()
    booking = story.books(1, 2)
    story.moves("confirm", booking, 5, 6, result="fail", code="BOOKING_CONFLICT")
    assert story.findings(STATES) == {"answered_untruly": 1}
    story.cancelled(booking, 3, 4)
    assert story.findings(STATES) == {}


def test_what_is_cancelled_cannot_be_completed():
    story = Story()
    booking = story.books(1, 2)
    story.moves("complete", booking, 5, 6, code="COMPLETED")
    assert story.findings(STATES) == {}
    story.cancelled(booking, 3, 4)
    assert story.findings(STATES) == {"done_though_not_allowed": 1}


def test_an_answer_names_the_state_that_was_asked_for():
    story = Story()
    story.moves("cancel", story.books(1, 2), 3, 4, code="CONFIRMED")
    assert story.findings(STATES) == {"answered_untruly": 1}


def test_a_replay_tells_the_booking_as_it_may_be_by_then():
    story = Story()
    booking = story.books(1, 2, key=KEY)
    story.again(booking, 3, 5, key=KEY)
    story.operations[-1].code = "CANCELLED"
    assert story.findings(STATES) == {"answered_untruly": 1}
    story.cancelled(booking, 4, 6)
    assert story.findings(STATES) == {}


@pytest.mark.parametrize("hold, code", [(None, "HELD"), (60, "CONFIRMED"), (60, "HELD")])
def test_a_booking_is_held_if_that_is_what_was_asked_for(hold, code):
    story = Story()
    story.books(1, 2, hold=hold)
    story.operations[0].code = code
    assert story.findings(STATES) == (
        {"answered_untruly": 1} if (hold, code) != (60, "HELD") else {}
    )
