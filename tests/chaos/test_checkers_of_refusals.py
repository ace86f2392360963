"""Refusals and lists: what the checkers that read what was said refuse, and what they accept."""

from __future__ import annotations

import pytest

from chaos.checkers.offers import AVAILABILITY
from chaos.checkers.refusals import REFUSALS
from tests.chaos.story import Story


def at(hour):
    return f"1970-01-01T{hour:02}:00:00+00:00"


@pytest.mark.parametrize(
    "code, said, found",
    [
        ("INSUFFICIENT_INVENTORY", 1, {}),
        ("INSUFFICIENT_INVENTORY", 2, {"said_to_be_left_but_taken": 1}),
        ("INSUFFICIENT_INVENTORY", None, {}),
        ("INSUFFICIENT_INVENTORY", 0, {"refused_for_no_reason": 1, "refused_in_contradiction": 1}),
        (
            "INSUFFICIENT_INVENTORY",
            3,
            {"refused_in_contradiction": 1, "said_to_be_left_but_taken": 1},
        ),
        ("BOOKING_CONFLICT", 0, {"refused_for_no_reason": 1}),
        ("BOOKING_CONFLICT", 1, {"refused_for_no_reason": 1, "refused_in_contradiction": 1}),
    ],
)
def test_how_many_are_left_is_told_truly(code, said, found):
    story = Story(slot=3)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    answer = {} if said is None else {"available": said}
    story.refused(3, 4, code=code, quantity=3, answer=answer)
    assert story.findings(REFUSALS) == found


def test_fewer_left_than_may_have_been_is_refused_too():
    story = Story(slot=5)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    few = {"code": "INSUFFICIENT_INVENTORY", "quantity": 4}
    story.refused(3, 4, **few, answer={"available": 2})
    assert story.findings(REFUSALS) == {"refused_for_no_reason": 1}
    story.books(3.5, 5, units="{[3,4)}")
    assert story.findings(REFUSALS) == {}


def test_some_are_left_where_surely_all_were_taken_is_refused():
    story = Story(slot=1)
    first = story.books(1, 2)
    story.refused(3, 4, code="INSUFFICIENT_INVENTORY", quantity=2)
    assert story.findings(REFUSALS) == {"said_to_be_left_but_taken": 1}
    story.cancelled(first, 3.5, 5)
    assert story.findings(REFUSALS) == {}


@pytest.mark.parametrize("capacity, found", [(1, {}), (2, {"in_use_by_nobody": 1})])
def test_a_slot_that_would_hold_all_who_are_there_may_shrink(capacity, found):
    story = Story(slot=5)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    story.tells("resize", (3, 4), "fail", "SLOT_IN_USE", slots=["slot"], capacity=capacity)
    assert story.findings(REFUSALS) == found


def test_who_writes_by_hand_may_be_in_the_way_of_a_slot_that_shrinks():
    story = Story(slot=5)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    story.tells("resize", (3, 4), "fail", "SLOT_IN_USE", slots=["slot"], capacity=2)
    by_hand = {"door": "owner", "slots": ["slot"], "quantity": 1, "token": "undone"}
    story.tells("book", (3.5, 5), "fail", "ROLLED_BACK", **by_hand)
    assert story.findings(REFUSALS) == {}


def publishes(story, when, result="fail", code="SLOT_OVERLAP", *, hours=(0, 1), answer=()):
    anew = {"start": at(hours[0]), "end": at(hours[1]), "capacity": 1}
    asked = {"provider_id": "provider", "published": [anew]}
    return story.tells("publish", when, result, code, answer=answer, **asked)


def test_an_overlap_needs_a_slot_that_may_have_been_there():
    story = Story(slot=1)
    publishes(story, (1, 2))
    story.tells("delete_slot", (3, 4), code="DELETED", slots=["slot"])
    publishes(story, (3.5, 5))
    assert story.findings(REFUSALS) == {}
    publishes(story, (5, 6))
    publishes(story, (1, 2), hours=(1, 2))
    assert story.findings(REFUSALS) == {"overlaps_nothing": 2}


def test_what_somebody_publishes_meanwhile_or_nobody_heard_of_is_in_the_way():
    story = Story(slot=1)
    story.tells("delete_slot", (1, 2), code="DELETED", slots=["slot"])
    publishes(story, (3, 6), "ok", "PUBLISHED", answer={"published": [["new", 1]]})
    publishes(story, (4, 5))
    publishes(story, (3, 4), "unknown", "RemoteDisconnected", hours=(5, 6))
    publishes(story, (90, 91), hours=(5, 6))
    assert story.findings(REFUSALS) == {}


def waits(story, *when, code="INVENTORY_LOCKED"):
    story.tells("cancel", when, "fail", code, booking_id="booking 1", slots=["slot"])


def test_who_is_told_at_once_or_alone_that_others_held_it_for_too_long_was_told_untruly():
    story = Story(slot=2)
    story.books(1, 9)
    waits(story, 2, 2.1)
    waits(story, 20, 23.1, code="55P03")
    assert story.findings(REFUSALS) == {"locked_by_nobody": 2}


def test_who_waited_while_others_were_at_work_was_told_truly():
    story = Story(slot=2)
    story.books(1, 9)
    waits(story, 2, 5.1)
    story.books(20, 20.6)
    story.books(20.5, 21.2)
    waits(story, 20, 23.1)
    # Nobody knows how long the server was at it.
    story.tells("book", (40, 41), "unknown", "HUNG_UP", slots=["slot"], quantity=1, token="?")
    waits(story, 60, 63.1)
    assert story.findings(REFUSALS) == {}


@pytest.mark.parametrize(
    "aborted, others, found",
    # The worker may have been at it, whom nobody hears of, but it is not always.
    [
        (3, 0, {}),
        (4, 0, {"made_way_for_nobody": 4}),
        (4, 400, {}),
        (5, 400, {"made_way_for_nobody": 5}),
    ],
)
def test_who_works_with_schedules_makes_way_for_the_worker_once_in_a_while(aborted, others, found):
    story = Story()
    for number in range(aborted + others):
        told = ("fail", "CONCURRENCY_ABORT") if number < aborted else ("ok", "SET")
        story.tells("hours", (number, number + 0.05), *told, provider_id="provider")
    assert story.findings(REFUSALS) == found


@pytest.mark.parametrize("code", ["CONCURRENCY_ABORT", "40P01"])
def test_who_makes_way_for_others_was_not_alone(code):
    story = Story(slot=2)
    waits(story, 2, 2.1, code=code)
    assert story.findings(REFUSALS) == {"made_way_for_nobody": 1}
    story.books(2.05, 2.2)
    assert story.findings(REFUSALS) == {}


def test_where_schedules_publish_the_worker_may_have_been_at_work():
    story = Story(slot=2)
    time = {"provider_id": "provider", "start": "1970-01-01T00:00Z", "end": "1970-01-01T01:00Z"}
    story.tells("book", (2, 5.1), "fail", "INVENTORY_LOCKED", **time, quantity=1, token="?")
    story.tells("hours", (12, 15.1), "fail", "CONCURRENCY_ABORT", **time)
    assert story.findings(REFUSALS) == {}
    story.tells("hours", (22, 22.1), "fail", "INVENTORY_LOCKED", **time)
    assert story.findings(REFUSALS) == {"locked_by_nobody": 1}


def test_who_only_reads_keeps_nobody_waiting_and_a_fault_may():
    story = Story(slot=2)
    for kind, code in (("read", "SHOWN"), ("search", "FOUND"), ("list", "LISTED")):
        story.tells(kind, (1, 9), code=code)
    waits(story, 2, 5.1)
    assert story.findings(REFUSALS) == {"locked_by_nobody": 1}
    story.faults.append(("hold_lock", 1.0, 1.5))
    assert story.findings(REFUSALS) == {}


def test_a_list_has_every_slot_that_was_there_all_the_time():
    story = Story(slot=1, other=1)
    asked = {"provider_id": "provider", "start": at(0), "end": at(2)}
    story.tells("read", (3, 4), code="SHOWN", answer={"shown": {"slot": 1}}, **asked)
    assert story.findings(AVAILABILITY) == {"left_out": 1}
    story.operations[0].asked["end"] = at(1)
    assert story.findings(AVAILABILITY) == {}
    story.operations[0].asked["end"] = at(2)
    story.tells("delete_slot", (3.5, 5), code="DELETED", slots=["other"])
    assert story.findings(AVAILABILITY) == {}


def test_a_list_shows_nothing_that_is_gone():
    story = Story(slot=1, other=1)
    story.tells("delete_slot", (1, 2), code="DELETED", slots=["other"])
    asked = {"provider_id": "provider", "start": at(0), "end": at(2)}
    shown = {"shown": {"slot": 1, "other": 0}}
    story.tells("read", (1.5, 2.5), code="SHOWN", answer=shown, **asked)
    assert story.findings(AVAILABILITY) == {}
    story.tells("read", (3, 4), code="SHOWN", answer=shown, **asked)
    assert story.findings(AVAILABILITY) == {"shown_but_gone": 1}
