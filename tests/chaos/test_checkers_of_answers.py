"""Refusals with reasons, true offers, documented answers: what is refused, and what is accepted."""

from __future__ import annotations

import pytest

from chaos.checkers.answers import CODES, FAILURES, TRESPASSERS
from chaos.checkers.contended import CONTENDED, happened
from chaos.checkers.offers import ALTERNATIVES, AVAILABILITY
from chaos.checkers.refusals import REFUSALS
from tests.chaos.story import Story, There


def test_a_refusal_while_somebody_held_the_place_is_accepted():
    story = Story(slot=1)
    first = story.books(1, 2)
    story.refused(1.5, 1.8)
    story.refused(3, 4)
    story.cancelled(first, 5, 6)
    story.refused(5.5, 8)
    assert story.findings(REFUSALS) == {}


def test_a_refusal_while_the_place_was_free_all_the_time_is_refused():
    story = Story(slot=1)
    story.refused(0.1, 0.9)
    first = story.books(1, 2)
    story.cancelled(first, 3, 4)
    story.refused(5, 6)
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 2}


def test_who_may_have_held_it_is_reason_enough():
    story = Story(slot=1)
    story.books(1, 2, heard=False)
    story.refused(8, 9)
    assert story.findings(REFUSALS) == {}


def test_what_nobody_heard_of_and_is_not_there_is_no_reason():
    story = Story(slot=1)
    story.tells("book", (1, 2), "unknown", "x", slots=["slot"], quantity=1, token="lost")
    story.refused(3, 4)
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 1}


def test_a_lapsed_hold_is_no_reason():
    story = Story(slot=1)
    held = story.books(1, 1.1, hold=2)
    story.there[held].moves("expired")
    story.refused(3.0, 3.05)
    story.refused(3.2, 3.3)
    assert story.findings(REFUSALS) == {"refused_for_a_lapsed_hold": 1}


def test_a_hold_of_unknown_length_may_be_there_still():
    story = Story(slot=1)
    held = story.books(1, 2, hold=True, heard=False)
    story.there[held].status = "held"
    story.refused(1000, 1001)
    assert story.findings(REFUSALS) == {}


def test_as_many_must_be_taken_as_the_answer_says():
    story = Story(slot=3)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    story.refused(3, 4, code="INSUFFICIENT_INVENTORY", quantity=2)
    assert story.findings(REFUSALS) == {}
    story.refused(3, 4, code="BOOKING_CONFLICT", quantity=2)
    story.refused(3, 4, code="INSUFFICIENT_INVENTORY", quantity=1)
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 2}


def test_one_full_night_is_reason_enough_for_a_stay():
    story = Story(first=1, second=1, third=1)
    story.books(1, 2, slots=("second",))
    story.refused(3, 4, slots=("first", "second"))
    assert story.findings(REFUSALS) == {}
    story.refused(3, 4, slots=("first", "third"))
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 1}


def test_places_that_a_resize_took_away_are_a_reason():
    story = Story(slot=2)
    story.books(1, 2)
    story.refused(2.1, 2.4)
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 1}
    story.tells("resize", (2.2, 2.3), code="RESIZED", slots=["slot"], capacity=1)
    assert story.findings(REFUSALS) == {}


def test_a_slot_that_nobody_deleted_must_be_found():
    story = Story(slot=2)
    story.refused(2, 3, code="SLOT_NOT_FOUND")
    assert story.findings(REFUSALS) == {"not_found_for_no_reason": 1}
    story.tells("delete_slot", (1, 2.5), code="DELETED", slots=["slot"])
    assert story.findings(REFUSALS) == {}


def test_a_slot_in_use_needs_somebody_who_uses_it():
    story = Story(slot=2)
    story.tells("delete_slot", (1, 2), "fail", "SLOT_IN_USE", slots=["slot"])
    assert story.findings(REFUSALS) == {"in_use_by_nobody": 1}
    story.books(0.5, 3)
    assert story.findings(REFUSALS) == {}


def test_an_alternative_that_was_taken_all_the_time_is_refused():
    story = Story(slot=1, other=2)
    story.books(1, 2)
    story.refused(3, 4, answer={"alternatives": [[["other"], 2]]})
    assert story.findings(ALTERNATIVES) == {}
    story.books(1, 2, slots=("other",))
    assert story.findings(ALTERNATIVES) == {"alternative_was_taken": 1}


def test_an_alternative_that_was_free_for_a_moment_is_accepted():
    story = Story(slot=1, other=1)
    other = story.books(1, 2, slots=("other",))
    story.refused(3, 6, answer={"alternatives": [[["other"], 1]]})
    assert story.findings(ALTERNATIVES) == {"alternative_was_taken": 1}
    story.cancelled(other, 5, 7)
    assert story.findings(ALTERNATIVES) == {}


def test_what_was_shown_must_have_been_so():
    story = Story(slot=3)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    for places in range(4):
        story.tells("read", (3, 4), code="SHOWN", answer={"shown": {"slot": places}})
    assert story.findings(AVAILABILITY) == {"shown_free_but_taken": 2, "shown_taken_but_free": 1}


def test_what_was_shown_may_have_changed_meanwhile():
    story = Story(slot=1)
    story.books(1, 2)
    for places in (0, 1):
        story.tells("read", (0.5, 1.5), code="SHOWN", answer={"shown": {"slot": places}})
    assert story.findings(AVAILABILITY) == {}


@pytest.mark.parametrize(
    "door, kind, code, status",
    [
        ("http", "book", "VALIDATION_ERROR", 400),
        ("sql", "book", "42501", None),
        ("sql", "book", "23503", None),
        ("sql", "book", "SK001", None),
        ("owner", "book", "42P01", None),
        ("http", "cancel", "BOOKING_NOT_FOUND", 404),
        ("http", "cancel", "BOOKING_CONFLICT", 409),
        ("http", "book", "IDEMPOTENCY_CONFLICT", 409),
        ("http", "read", "SLOT_NOT_FOUND", 404),
    ],
)
def test_an_answer_that_this_question_cannot_get_is_refused(door, kind, code, status):
    story = Story()
    story.tells(kind, (1, 2), "fail", code, door=door, status=status, slots=["slot"])
    assert story.findings(CODES) == {"unexpected_answer": 1}


@pytest.mark.parametrize(
    "code, status", [("TEAPOT", 418), ("BOOKING_CONFLICT", 422), ("OOPS", 500)]
)
def test_a_code_that_is_not_documented_with_this_status_is_refused(code, status):
    story = Story()
    result = "unknown" if status >= 500 else "fail"
    story.tells("book", (1, 2), result, code, status=status)
    assert story.findings(CODES) == {"undocumented_answer": 1}


def test_documented_answers_are_accepted():
    story = Story()
    story.refused(1, 2, status=409)
    story.refused(1, 2, status=409, code="INVENTORY_LOCKED")
    story.refused(1, 2, door="sql", code="55P03")
    story.refused(1, 2, door="owner", code="23P01")
    story.refused(1, 2, code="IDEMPOTENCY_CONFLICT", key="k", status=409)
    assert story.findings(CODES) == {}


def test_a_500_is_refused_even_while_something_is_broken():
    story = Story()
    story.faults.append(("kill", 0.0, 9.0))
    story.tells("book", (1, 2), "unknown", "INTERNAL_ERROR", status=500)
    assert story.findings(FAILURES) == {"server_error": 1}


def test_an_outage_needs_a_fault_that_was_going_on_or_just_over():
    story = Story()
    story.tells("book", (1, 2), "unknown", "SERVICE_UNAVAILABLE", status=503)
    story.tells("book", (1, 2), "unknown", "RemoteDisconnected")
    story.tells("book", (100, 101), "unknown", "TRANSACTION_TIMEOUT", status=504)
    story.tells("book", (1, 2), "unknown", "HUNG_UP")
    told = {"outage_without_fault": 2, "no_answer_without_fault": 1}
    assert story.findings(FAILURES) == told
    story.faults.append(("kill", 1.5, 1.6))
    assert story.findings(FAILURES) == {"outage_without_fault": 1}


def trespasses(story, name, code, result="fail", door="owner"):
    more = {"trespass": name, "slot_id": "slot"}
    story.tells("trespass", (3, 4), result, code, door=door, **more)


def test_trespassers_refused_by_their_law_are_accepted():
    story = Story()
    trespasses(story, "book half", "23503")
    trespasses(story, "rewrite history", "SK006")
    trespasses(story, "lose the claims", "40P01")
    trespasses(story, "delete a booking", "NO_ROWS")
    trespasses(story, "drop a law", "42501", door="role")
    assert story.findings(TRESPASSERS) == {}


def test_trespassers_who_succeed_or_meet_another_refusal_are_refused():
    story = Story()
    trespasses(story, "book half", "SUCCEEDED", result="ok")
    trespasses(story, "rewrite history", "42P01")
    trespasses(story, "drop a law", "SUCCEEDED", result="ok", door="role")
    trespasses(story, "remove a claim", "NO_ROWS", door="role")
    assert story.findings(TRESPASSERS) == {"trespass_succeeded": 2, "refused_by_no_law": 2}


def test_what_is_forbidden_only_under_bookings_is_judged_by_whether_there_was_one():
    story = Story()
    trespasses(story, "delete a slot under bookings", "SUCCEEDED")
    assert story.findings(TRESPASSERS) == {}
    story.books(1, 2)
    assert story.findings(TRESPASSERS) == {"trespass_succeeded": 1}


def test_a_run_that_nobody_lost_or_nobody_won_proves_nothing():
    won, lost, both = Story(), Story(), Story()
    won.books(1, 2)
    lost.refused(1, 2)
    both.books(1, 2)
    both.refused(1, 2)
    nothing = {"nothing_contended": 1}
    assert [s.findings(CONTENDED) for s in (won, lost, both)] == [nothing, nothing, {}]


def test_what_a_workload_is_made_for_must_have_happened():
    story = Story()
    checker = happened("lapses", "Somebody came too late.", "code = 'HOLD_EXPIRED'")
    assert story.findings(checker) == {"never_happened": 1}
    story.tells("confirm", (1, 2), "fail", "HOLD_EXPIRED")
    assert story.findings(checker) == {}


def test_a_block_whose_answer_was_lost_is_a_reason_as_large_as_it_is():
    story = Story(slot=6)
    asked = {"provider_id": "provider", "slots": ["slot"], "token": "lost"}
    story.tells("block", (1, 2), "unknown", "RemoteDisconnected", **asked)
    story.there["b"] = There("b", "lost", ["slot"], 6, "confirmed", "{[1,7)}", kind="block")
    story.refused(3, 4, quantity=6)
    assert story.findings(REFUSALS) == {}
