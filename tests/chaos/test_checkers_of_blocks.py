"""Blocks and changes: what the checkers of what was acknowledged refuse, and what they accept."""

from __future__ import annotations

from chaos.checkers.acknowledged import ACKNOWLEDGED
from chaos.checkers.parts import HELD_AS_ASKED
from tests.chaos.story import Story, There


def at(hour):
    return f"1970-01-01T{hour:02}:00:00+00:00"


def blocks(story, *when, slot="slot", hours=(0, 1), quantity=2, **how):
    asked = {"provider_id": "provider", "slots": [slot], "token": "closed"}
    asked |= {"start": at(hours[0]), "end": at(hours[1])}
    answer = {"booking_id": "block", "quantity": quantity}
    story.tells("block", when, "ok", "CONFIRMED", answer=answer, **asked)
    units = f"{{[1,{quantity + 1})}}"
    there = There("block", "closed", [slot], quantity, "confirmed", units, kind="block", **how)
    story.there["block"] = there
    return there


def test_a_block_closes_all_places_of_just_its_time():
    story = Story(slot=2, other=2)
    blocks(story, 1, 2)
    assert [story.findings(checker) for checker in (HELD_AS_ASKED, ACKNOWLEDGED)] == [{}, {}]
    # It stays as it is when the slot grows later.
    story.tells("resize", (3, 4), code="RESIZED", slots=["slot"], capacity=3)
    assert story.findings(ACKNOWLEDGED) == {}


def test_a_block_of_fewer_places_is_refused():
    story = Story(slot=2)
    blocks(story, 1, 2, quantity=1)
    assert story.findings(ACKNOWLEDGED) == {"not_all_is_blocked": 1}
    story.tells("resize", (0, 1.5), code="RESIZED", slots=["slot"], capacity=1)
    assert story.findings(ACKNOWLEDGED) == {}


def test_a_block_of_another_quantity_than_acknowledged_is_refused():
    story = Story(slot=2)
    blocks(story, 1, 2).quantity = 3
    assert set(story.findings(ACKNOWLEDGED)) == {"another_than_acknowledged", "not_all_is_blocked"}


def test_a_block_of_half_its_time_or_of_one_slot_of_two_is_refused():
    story = Story(slot=2, other=2)
    blocks(story, 1, 2, part=(0, 1_800_000_000))
    assert story.findings(HELD_AS_ASKED) == {"another_part_than_asked": 1}
    story = Story(slot=2, other=2)
    blocks(story, 1, 2, hours=(0, 2))
    assert story.findings(HELD_AS_ASKED) == {"slot_left_out": 1}
    story.tells("delete_slot", (0, 0.5), code="DELETED", slots=["other"])
    assert story.findings(HELD_AS_ASKED) == {}


def test_as_many_are_acknowledged_as_were_asked_for():
    story = Story(slot=2)
    booking = story.books(1, 2, quantity=2, units="{[1,3)}")
    story.operations[0].asked["quantity"] = 1
    assert story.findings(ACKNOWLEDGED) == {"another_quantity_acknowledged": 1}
    assert booking


def test_a_change_that_was_acknowledged_is_there_unless_another_came_later():
    story = Story()
    booking = story.books(1, 2)
    story.moves("change", booking, 3, 4, code="CHANGED", guests=3)
    assert story.findings(ACKNOWLEDGED) == {"change_lost": 1}
    story.moves("change", booking, 3.5, None, result="unknown", guests=5)
    story.there[booking].guests = 5
    assert story.findings(ACKNOWLEDGED) == {}
    story.there[booking].guests = 3
    assert story.findings(ACKNOWLEDGED) == {}
