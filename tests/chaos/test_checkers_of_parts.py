"""Parts of slots, joined slots, joint providers: what checkers refuse, and what they accept."""

from __future__ import annotations

import json

import pytest

from chaos.checkers.offers import ALTERNATIVES, AVAILABILITY
from chaos.checkers.parts import HELD_AS_ASKED, NEVER_ABORTED
from chaos.checkers.places import GIVEN, PLACES
from chaos.checkers.refusals import REFUSALS
from tests.chaos.story import HOUR, Story

ALL = (GIVEN, PLACES, HELD_AS_ASKED, REFUSALS, ALTERNATIVES, AVAILABILITY, NEVER_ABORTED)


def at(hour):
    return f"1970-01-01T{hour:02}:00:00+00:00"


def part(first, last):
    return {"start": at(first), "end": at(last)}


def day(capacity=1):
    """One slot of eight hours, from midnight."""
    story = Story(slot=capacity)
    story.slots["slot"][2] = 8 * HOUR
    return story


def books_part(story, first, last, *when, units="{[1,2)}", slots=("slot",), **how):
    booking = story.books(*when, slots=slots, units=units, **part(first, last), **how)
    story.there[booking].part = (first * HOUR, last * HOUR)
    return booking


def all_findings(story):
    return {checker.name: found for checker in ALL if (found := story.findings(checker))}


def test_parts_beside_each_other_are_accepted():
    story = day()
    books_part(story, 0, 2, 1, 2)
    books_part(story, 2, 4, 1, 2)
    books_part(story, 7, 8, 1, 2)
    assert all_findings(story) == {}


def test_an_hour_that_two_have_is_refused_though_the_rows_show_it_no_more():
    story = day()
    first = books_part(story, 0, 3, 1, 2)
    books_part(story, 2, 4, 3, 4)
    story.cancelled(first, 5, 6)
    assert all_findings(story) == {"no_place_given_twice": {"place_given_twice": 1}}


def test_three_parts_of_which_two_at_a_time_overlap_fit_in_two_places():
    story = day(2)
    books_part(story, 0, 3, 1, 2)
    books_part(story, 2, 5, 1, 2, units="{[2,3)}")
    books_part(story, 4, 6, 1, 2)
    assert all_findings(story) == {}
    books_part(story, 4, 5, 1, 2, units="{[2,3)}")
    assert story.findings(GIVEN) == {"place_given_twice": 1}


def test_all_of_a_slot_and_a_part_of_it_are_the_same_place():
    story = day()
    story.books(1, 2)
    books_part(story, 3, 4, 1, 2)
    assert story.findings(GIVEN) == {"place_given_twice": 1}


@pytest.mark.parametrize(
    "hours, found",
    [((1, 3), {}), ((0, 8), {}), ((3, 5), {"refused_for_no_reason": 1})],
)
def test_a_part_is_refused_for_whoever_has_some_of_it_and_for_nobody_else(hours, found):
    story = day()
    books_part(story, 0, 2, 1, 2)
    story.refused(3, 4, **part(*hours))
    assert story.findings(REFUSALS) == found


def test_who_needs_one_place_all_day_is_refused_only_when_all_are_taken_at_one_time():
    story = day(2)
    books_part(story, 0, 1, 1, 2)
    books_part(story, 6, 7, 1, 2, units="{[2,3)}")
    story.refused(3, 4)
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 1}
    books_part(story, 6, 8, 1, 2)
    assert story.findings(REFUSALS) == {}


def test_one_of_two_providers_that_is_taken_then_is_reason_enough_and_neither_is_none():
    story = Story(therapist=1, room=1)
    story.slots["therapist"] = ["therapist", 0, 8 * HOUR, 1]
    story.slots["room"] = ["room", 0, 8 * HOUR, 1]
    books_part(story, 0, 2, 1, 2, slots=("room",))
    story.refused(3, 4, slots=("therapist", "room"), **part(1, 3))
    assert story.findings(REFUSALS) == {}
    story.refused(3, 4, slots=("room", "therapist"), **part(2, 3))
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 1}


def joint():
    story = Story(therapist=1, room=1)
    story.slots["therapist"] = ["therapist", 0, 8 * HOUR, 1]
    story.slots["room"] = ["room", 0, 8 * HOUR, 1]
    return story, books_part(story, 1, 3, 1, 2, slots=("room", "therapist"))


def test_a_joint_booking_of_both_providers_is_accepted():
    story, _ = joint()
    assert all_findings(story) == {}


def test_a_joint_booking_of_one_provider_only_is_refused_though_it_is_whole_in_itself():
    story, booking = joint()
    story.there[booking].claims = ["room"]
    story.there[booking].claim_count = 1
    assert all_findings(story) == {"time_is_held_as_asked": {"provider_left_out": 1}}


def test_joined_slots_are_held_up_to_the_seam_and_from_there_on():
    story = Story(morning=1, noon=1)
    story.slots["noon"][2] = 4 * HOUR
    booking = story.books(1, 2, slots=("morning", "noon"), start=at(0), end=at(3))
    story.there[booking].part = (0, 3 * HOUR)
    assert all_findings(story) == {}
    story.there[booking].claims = ["noon"]
    assert story.findings(HELD_AS_ASKED) == {"slot_left_out": 1}


@pytest.mark.parametrize("hours", [(0, 1), (0, 4), (1, 3)])
def test_another_time_than_was_asked_for_is_refused(hours):
    story = day()
    booking = books_part(story, 0, 2, 1, 2)
    story.there[booking].part = tuple(hour * HOUR for hour in hours)
    assert story.findings(HELD_AS_ASKED) == {"another_part_than_asked": 1}


def test_what_was_cancelled_holds_nothing_and_need_not():
    story, booking = joint()
    story.cancelled(booking, 3, 4)
    assert all_findings(story) == {}


@pytest.mark.parametrize("hours, found", [((2, 4), {}), ((1, 3), {"alternative_was_taken": 1})])
def test_a_part_that_is_offered_instead_was_free(hours, found):
    story = day()
    books_part(story, 0, 2, 1, 2)
    offered = [[["slot"], 1, at(hours[0]), at(hours[1])]]
    story.refused(3, 4, **part(0, 2), answer={"alternatives": offered})
    assert story.findings(ALTERNATIVES) == found


@pytest.mark.parametrize(
    "free, found",
    [
        ([(2, 8, 1)], {}),
        ([(0, 8, 1)], {"shown_free_but_taken": 1}),
        ([(1, 8, 1)], {"shown_free_but_taken": 1}),
        ([(3, 8, 1)], {"shown_taken_but_free": 1}),
        ([(2, 4, 1), (5, 8, 1)], {"shown_taken_but_free": 1}),
        ([], {"shown_taken_but_free": 1}),
    ],
)
def test_a_list_shows_just_the_parts_that_are_free(free, found):
    story = day()
    books_part(story, 0, 2, 1, 2)
    stretches = [[at(first), at(last), places] for first, last, places in free]
    shown = {"slot": {"start": at(0), "end": at(8), "free": stretches}}
    story.tells("read", (3, 4), code="SHOWN", answer={"parts": shown})
    assert story.findings(AVAILABILITY) == found


def test_who_has_a_part_and_who_has_the_next_may_both_be_missing_from_a_list():
    story = day()
    books_part(story, 0, 4, 1, 2)
    books_part(story, 4, 8, 1, 2)
    shown = {"slot": {"start": at(0), "end": at(8), "free": []}}
    story.tells("read", (3, 4), code="SHOWN", answer={"parts": shown})
    assert story.findings(AVAILABILITY) == {}


@pytest.mark.parametrize("code", ["40P01", "CONCURRENCY_ABORT"])
def test_claims_that_deadlock_are_refused_unless_somebody_writes_by_hand(code):
    story, _ = joint()
    story.refused(3, 4, code=code, door="sql", slots=("therapist", "room"))
    assert story.findings(NEVER_ABORTED) == {"aborted": 1}
    story.tells("cancel", (5, 6), "fail", "NO_ROWS", door="owner", booking_id="nobody's")
    assert story.findings(NEVER_ABORTED) == {}


def test_times_are_kept_in_the_history_as_people_write_them():
    story = day()
    books_part(story, 0, 2, 1, 2)
    evidence = story.evidence()
    asked, starts, ends = next(evidence.query("SELECT asked, starts, ends FROM operations"))
    evidence.close()
    assert json.loads(asked)["start"] == at(0)
    assert (starts, ends) == (0, 2 * HOUR)
