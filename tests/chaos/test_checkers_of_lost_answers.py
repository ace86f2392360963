"""What nobody was answered may come two minutes later, and then no more: it excuses no longer."""

from __future__ import annotations

import pytest

from chaos.checkers.acknowledged import ACKNOWLEDGED
from chaos.checkers.calendars import CLOSED
from chaos.checkers.holds import HOLDS
from chaos.checkers.offers import AVAILABILITY
from chaos.checkers.parts import HELD_AS_ASKED
from chaos.checkers.places import GIVEN
from chaos.checkers.refusals import REFUSALS
from tests.chaos.practice import MORNING, Practice
from tests.chaos.story import Story, There
from tests.chaos.test_checkers_of_refusals import publishes

LOST = {"result": "unknown", "code": "RemoteDisconnected"}
NO_REASON = {"refused_for_no_reason": 1}
NEW = {"answer": {"published": [["new", 1]]}}


@pytest.mark.parametrize(
    "status, when, found",
    [
        ("expired", 110, {}),
        ("expired", 900, {"refused_for_a_lapsed_hold": 1}),
        ("held", 110, {}),
        ("held", 900, {"refused_for_a_lapsed_hold": 1}),
        # Somebody has confirmed it, of whom nobody was told either.
        ("confirmed", 900, {}),
    ],
)
def test_a_hold_nobody_heard_of_lapses_too(status, when, found):
    story = Story(slot=1)
    held = story.books(1, 2, hold=2, heard=False)
    story.there[held].status = status
    if status == "confirmed":
        story.moves("confirm", held, 3, None, **LOST)
    story.refused(when, when + 1)
    assert story.findings(REFUSALS) == found


@pytest.mark.parametrize("read_at, found", [(40, {"expired_too_early": 1}), (62, {})])
def test_a_hold_nobody_heard_of_is_not_over_before_its_time_either(read_at, found):
    story = Story()
    story.header["rows_read_at"] = read_at
    story.there[story.books(1, 2, hold=60, heard=False)].moves("expired")
    assert story.findings(HOLDS) == found


@pytest.mark.parametrize(
    "status, when, found",
    [("cancelled", 110, {}), ("cancelled", 130, NO_REASON), ("confirmed", 900, {})],
)
def test_what_is_cancelled_in_the_end_was_so_two_minutes_after_it_was_asked_for(
    status, when, found
):
    story = Story(slot=1)
    booking = story.books(1, 2)
    story.moves("cancel", booking, 3, None, to=status, **LOST)
    story.refused(when, when + 1)
    assert story.findings(REFUSALS) == found


@pytest.mark.parametrize("when, found", [(100, {}), (130, {"place_given_twice": 1})])
def test_a_cancellation_nobody_heard_of_ends_nothing_that_is_confirmed_long_after(when, found):
    story = Story(slot=1)
    booking = story.books(1, 2)
    story.moves("cancel", booking, 3, None, **LOST)
    story.moves("confirm", booking, when, when + 1, code="CONFIRMED")
    story.books(140, 141)
    assert story.findings(GIVEN) == found


@pytest.mark.parametrize("status, found", [("cancelled", NO_REASON), ("confirmed", {})])
def test_who_may_have_claimed_again_has_cancelled_if_that_is_the_end_of_it(status, found):
    story = Story(slot=1)
    booking = story.books(1, 2)
    story.cancelled(booking, 3, 4)
    story.moves("confirm", booking, 5, None, **LOST)
    story.moves("cancel", booking, 50, 51, code="CANCELLED")
    story.refused(40, 41)
    story.refused(60, 61)
    story.there[booking].status = status
    assert story.findings(REFUSALS) == found


@pytest.mark.parametrize("when, found", [(50, {}), (130, NO_REASON)])
def test_a_slot_that_may_have_shrunk_is_as_large_as_somebody_is_told_long_after(when, found):
    story = Story(slot=2)
    story.books(1, 2)
    story.tells("resize", (3, 4), *LOST.values(), slots=["slot"], capacity=1)
    story.refused(100, 101)
    story.tells("resize", (when, when + 1), code="RESIZED", slots=["slot"], capacity=2)
    story.refused(140, 141)
    assert story.findings(REFUSALS) == found


@pytest.mark.parametrize("when, found", [(50, {}), (130, {"place_given_twice": 1})])
def test_a_slot_that_may_have_grown_too(when, found):
    story = Story(slot=1)
    story.tells("resize", (3, 4), *LOST.values(), slots=["slot"], capacity=2)
    story.tells("resize", (when, when + 1), code="RESIZED", slots=["slot"], capacity=1)
    story.books(140, 141)
    story.books(142, 143, units="{[2,3)}")
    assert story.findings(GIVEN) == found


@pytest.mark.parametrize("there", [True, False])
def test_a_slot_that_is_there_in_the_end_was_never_deleted(there):
    story = Story(slot=1, other=1)
    story.tells("delete_slot", (1, 2), *LOST.values(), slots=["slot"])
    story.refused(3, 4)
    story.refused(5, 6, code="SLOT_NOT_FOUND")
    days = {"start": "1970-01-01T00:00:00+00:00", "end": "1970-01-01T02:00:00+00:00"}
    shown = {"shown": {"other": 1}}
    story.tells("read", (7, 8), code="SHOWN", answer=shown, provider_id="provider", **days)
    if not there:
        del story.slots["slot"]
    found = {"refused_for_no_reason": 1, "not_found_for_no_reason": 1} if there else {}
    assert story.findings(REFUSALS) == found
    assert story.findings(AVAILABILITY) == ({"left_out": 1} if there else {})


@pytest.mark.parametrize("when, found", [(50, {}), (130, {"overlaps_nothing": 1})])
def test_where_somebody_publishes_long_after_nothing_was_in_the_way(when, found):
    story = Story(slot=1)
    story.tells("delete_slot", (1, 2), code="DELETED", slots=["slot"])
    publishes(story, (3, 4), *LOST.values())
    publishes(story, (5, 6))
    publishes(story, (when, when + 1), "ok", "PUBLISHED", **NEW)
    story.tells("delete_slot", (132, 133), code="DELETED", slots=["new"])
    publishes(story, (134, 135))
    assert story.findings(REFUSALS) == found


@pytest.mark.parametrize("when, found", [(100, {}), (130, {"change_lost": 1})])
def test_a_change_nobody_heard_of_does_not_undo_one_that_was_made_long_after(when, found):
    story = Story()
    booking = story.books(1, 2)
    story.moves("change", booking, 3, None, guests=5, **LOST)
    story.moves("change", booking, when, when + 1, code="CHANGED", guests=2)
    story.there[booking].guests = 5
    assert story.findings(ACKNOWLEDGED) == found


@pytest.mark.parametrize("when, found", [(100, 0), (130, 1)])
def test_a_block_nobody_heard_of_is_of_what_was_there_within_two_minutes(when, found):
    story = Story(slot=2, other=2)
    closed = {"provider_id": "provider", "slots": ["slot", "other"], "token": "closed"}
    time = {"start": "1970-01-01T00:00:00+00:00", "end": "1970-01-01T02:00:00+00:00"}
    story.tells("block", (3, None), **closed, **time)
    story.there["block"] = There(
        "block", "closed", ["slot"], 3, "confirmed", "{[1,4)}", kind="block"
    )
    story.tells("resize", (when, when + 1), code="RESIZED", slots=["slot"], capacity=3)
    story.tells("delete_slot", (when, when + 1), code="DELETED", slots=["other"])
    assert story.findings(ACKNOWLEDGED) == ({"not_all_is_blocked": 1} if found else {})
    assert story.findings(HELD_AS_ASKED) == ({"slot_left_out": 1} if found else {})


@pytest.mark.parametrize("when, found", [(100, {}), (130, {"booked_though_closed": 1})])
def test_time_that_was_given_back_long_after_a_lost_answer_is_claimed_again(when, found):
    anna = Practice()
    booking = anna.gets(14, 15, 1, 2)
    anna.wants_again(booking, 5, 6, **LOST)
    anna.cancelled(booking, when, when + 1)
    anna.opens(MORNING, when + 2, when + 3)
    anna.wants_again(booking, when + 4, when + 5)
    assert anna.findings(CLOSED) == found


@pytest.mark.parametrize("when, found", [(50, {}), (300, {"in_use_by_nobody": 1})])
def test_who_wrote_by_hand_and_was_never_heard_of_again_is_in_the_way_for_a_while(when, found):
    story = Story(slot=5)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    by_hand = {"door": "owner", "slots": ["slot"], "quantity": 1, "token": "undone"}
    story.tells("book", (3, None), **by_hand)
    shrinks = {"slots": ["slot"], "capacity": 2}
    story.tells("resize", (when, when + 1), "fail", "SLOT_IN_USE", **shrinks)
    assert story.findings(REFUSALS) == found
