"""No place twice, no half booking: what the checkers of places refuse, and what they accept."""

from __future__ import annotations

import pytest

from chaos.checkers.places import BOOKINGS, GIVEN, PLACES
from chaos.history import Outcome
from tests.chaos.story import HOUR, Story

ALL = (GIVEN, PLACES, BOOKINGS)


def test_one_after_another_is_accepted():
    story = Story(slot=1)
    for begin in range(0, 30, 10):
        booking = story.books(begin, begin + 1)
        if begin < 20:
            story.cancelled(booking, begin + 2, begin + 3)
    assert [story.findings(checker) for checker in ALL] == [{}, {}, {}]


def test_places_beside_each_other_and_stays_are_accepted():
    story = Story(first=2, second=2, third=2)
    story.books(1, 2, slots=("first", "second"), units="{[1,2)}")
    story.books(1, 2, slots=("first", "second", "third"), units="{[2,3)}")
    assert [story.findings(checker) for checker in ALL] == [{}, {}, {}]


def test_two_who_hold_one_place_are_refused():
    story = Story(slot=1)
    story.books(1, 2)
    story.books(1.5, 3)
    assert story.findings(GIVEN) == {"place_given_twice": 1}
    assert story.findings(PLACES) == {"unit_claimed_twice": 1, "beyond_capacity": 1}


def test_a_place_given_twice_is_refused_though_one_of_the_two_is_cancelled_by_the_end():
    story = Story(slot=2)
    first = story.books(1, 2, quantity=2, units="{[1,3)}")
    story.books(3, 4)
    story.cancelled(first, 5, 6)
    assert story.findings(GIVEN) == {"place_given_twice": 1}
    assert story.findings(PLACES) == {}


def test_a_cancellation_under_way_may_have_made_room():
    story = Story(slot=1)
    first = story.books(1, 2)
    story.books(3, 4)
    story.cancelled(first, 3.5, 6)
    assert story.findings(GIVEN) == {}


def test_a_cancellation_nobody_heard_of_may_have_made_room():
    story = Story(slot=1)
    first = story.books(1, 2)
    story.moves("cancel", first, 3, None, to="cancelled")
    story.books(4, 5)
    assert story.findings(GIVEN) == {}


def test_a_hold_that_has_lapsed_makes_room_and_one_that_has_not_does_not():
    story = Story(slot=1)
    held = story.books(1, 1.1, hold=2)
    story.there[held].moves("expired")
    story.books(2.9, 3.2)
    assert story.findings(GIVEN) == {}
    story = Story(slot=1)
    held = story.books(1, 1.1, hold=2)
    story.there[held].moves("expired")
    story.books(2, 2.1)
    assert story.findings(GIVEN) == {"place_given_twice": 1}


def test_a_hold_that_was_confirmed_stays():
    story = Story(slot=1)
    held = story.books(1, 1.1, hold=2)
    story.moves("confirm", held, 2, 2.1, code="CONFIRMED", to="confirmed")
    story.books(5, 6)
    assert story.findings(GIVEN) == {"place_given_twice": 1}


def test_a_booking_claimed_again_holds_its_place_again():
    story = Story(slot=1)
    first = story.books(1, 2)
    story.cancelled(first, 3, 4)
    story.books(5, 6)
    story.moves("confirm", first, 7, 8, code="CONFIRMED", to="confirmed")
    assert story.findings(GIVEN) == {"place_given_twice": 1}


def test_a_slot_that_shrank_has_fewer_places_and_one_that_grew_has_more():
    story = Story(slot=2)
    story.tells("resize", (1, 2), code="RESIZED", slots=["slot"], slot_id="slot", capacity=1)
    story.books(3, 4, units="{[1,2)}")
    story.books(3, 4, units="{[2,3)}")
    assert story.findings(GIVEN) == {"place_given_twice": 1}
    story.operations[0].asked["capacity"] = 3
    assert story.findings(GIVEN) == {}
    story.operations[0].asked["capacity"] = 1
    story.operations[0].end(3.5, Outcome("ok", "RESIZED"))
    assert story.findings(GIVEN) == {"place_given_twice": 1}


def two_who_stand(cancelled=9):
    story = Story(slot=2)
    first = story.books(1, 2)
    story.books(1, 2, units="{[2,3)}")
    story.cancelled(first, cancelled, cancelled + 1)
    return story


@pytest.mark.parametrize("kind, code", [("resize", "RESIZED"), ("delete_slot", "DELETED")])
def test_a_slot_that_shrinks_or_goes_under_bookings_cancelled_later_is_refused(kind, code):
    story = two_who_stand()
    story.tells(kind, (3, 4), code=code, slots=["slot"], capacity=1)
    assert story.findings(GIVEN) == {"place_given_twice": 1}


@pytest.mark.parametrize("kind, code", [("resize", "RESIZED"), ("delete_slot", "DELETED")])
def test_a_slot_that_may_have_shrunk_or_gone_after_them_is_accepted(kind, code):
    story = two_who_stand(cancelled=3)
    if kind == "delete_slot":
        story.cancelled("booking 2", 3, 4)
    story.tells(kind, (3, 5), code=code, slots=["slot"], capacity=1)
    assert story.findings(GIVEN) == {}
    story = two_who_stand()
    story.tells(kind, (3, 4), "unknown", "RemoteDisconnected", slots=["slot"], capacity=1)
    assert story.findings(GIVEN) == {}


def test_a_slot_that_grew_again_before_the_second_came_is_accepted():
    story = Story(slot=2)
    story.books(1, 2)
    story.tells("resize", (3, 4), code="RESIZED", slots=["slot"], capacity=1)
    story.tells("resize", (5, 6), code="RESIZED", slots=["slot"], capacity=2)
    story.books(5, 7, units="{[2,3)}")
    assert story.findings(GIVEN) == {}


def test_a_booking_in_a_deleted_slot_is_refused():
    story = Story(slot=2)
    story.tells("delete_slot", (1, 2), code="DELETED", slots=["slot"], slot_id="slot")
    story.books(3, 4)
    del story.slots["slot"]
    assert story.findings(GIVEN) == {"place_given_twice": 1}
    assert story.findings(PLACES) == {"claim_of_no_slot": 1}


def test_units_of_one_time_that_overlap_in_part_are_refused():
    story = Story(slot=4)
    story.books(1, 2, quantity=2, units="{[1,2),[3,4)}")
    story.books(1, 2, quantity=2, units="{[2,4)}")
    assert story.findings(PLACES) == {"unit_claimed_twice": 1}


def test_slots_that_overlap_are_refused():
    story = Story(first=1, second=1)
    story.slots["second"][1] -= 1
    assert story.findings(PLACES) == {"slots_overlap": 1}


@pytest.mark.parametrize(
    "units, shape, kind",
    [
        ("{[2,3)}", {}, "claim_of_no_such_unit"),
        ("{[0,1)}", {}, "claim_of_no_such_unit"),
        ("{}", {}, "claim_of_no_such_unit"),
        (None, {}, "claim_of_no_such_unit"),
        ("{[1,2)}", {"ends": HOUR + 1}, "claim_outside_slot"),
        ("{[1,2)}", {"starts": -1}, "claim_outside_slot"),
        ("{[1,2)}", {"starts": None}, "claim_without_times"),
        ("{[1,2)}", {"provider": "another"}, "claim_of_other_provider"),
        ("{[1,2)}", {"slot": "nowhere"}, "claim_of_no_slot"),
    ],
)
def test_a_claim_that_does_not_fit_its_slot_is_refused(units, shape, kind):
    story = Story(slot=1)
    booking = story.books(1, 2)
    story.there[booking].claims = []
    full = {"slot": "slot", "provider": "provider", "starts": 0, "ends": HOUR} | shape
    times = (full["starts"], full["ends"])
    story.extra_claims.append((booking, 1, full["slot"], full["provider"], *times, units))
    assert story.findings(PLACES) == {kind: 1}


@pytest.mark.parametrize(
    "change, kind",
    [
        ({"claims": []}, "half_booking"),
        ({"claims": ["first"]}, "half_booking"),
        ({"claim_count": 3}, "half_booking"),
        ({"status": "cancelled", "claims": ["first", "second"]}, "idle_but_claiming"),
        ({"quantity": 2}, "wrong_quantity"),
        ({"claims": ["first", "third"]}, "claim_of_another_slot"),
    ],
)
def test_a_booking_that_is_not_whole_is_refused(change, kind):
    story = Story(first=1, second=1, third=1)
    booking = story.books(1, 2, slots=("first", "second"))
    for name, value in change.items():
        setattr(story.there[booking], name, value)
    assert set(story.findings(BOOKINGS)) == {kind}


def test_claims_of_no_booking_are_refused():
    story = Story(slot=1)
    story.extra_claims.append(("nobody", 1, "slot", "provider", 0, HOUR, "{[1,2)}"))
    assert story.findings(BOOKINGS) == {"claim_of_no_booking": 1}
