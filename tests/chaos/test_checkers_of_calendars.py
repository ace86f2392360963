"""Time that a provider opens and closes: what checkers refuse, and what they accept.

Anna has one place, on the first two days of the epoch, from nine to five.
"""

from __future__ import annotations

import pytest

from chaos.checkers.acknowledged import ACKNOWLEDGED
from chaos.checkers.answers import CODES
from chaos.checkers.calendars import CLOSED, KEPT, OPEN, SHOWN
from tests.chaos.practice import AFTERNOON, MORNING, Practice, all_findings
from tests.chaos.story import HOUR, There


def test_time_that_opens_and_closes_with_those_who_have_it_and_those_who_do_not_is_accepted():
    anna = Practice()
    anna.gets(9, 10, 1, 2)
    anna.is_refused(9, 10.5, 3, 4)
    anna.opens(MORNING, 5, 6)
    anna.is_refused(14, 15, 7, 8, code="SLOT_NOT_FOUND", again=True)
    anna.excepts("extra", [["17:00", "19:00"]], 9, 10)
    anna.gets(17, 19, 11, 12)
    anna.imports([(10, 11, 2)], 13, 14)
    anna.is_blocked(10, 11, "token 7")
    anna.is_blocked(34, 35, "token 7")
    anna.shows([(11, 12)], 15, 16)
    anna.shows([(33, 34), (35, 36)], 15, 16, day=1)
    anna.is_refused(10, 12, 17, 18)
    assert all_findings(anna) == {}


@pytest.mark.parametrize(
    "start, end, when, found",
    [
        (14, 15, (7, 8), {"booked_though_closed": 1}),
        (11, 13, (7, 8), {"booked_though_closed": 1}),
        (38, 39, (7, 8), {"booked_though_closed": 1}),
        (14, 15, (5.5, 8), {}),
        (14, 15, (3, 4), {}),
        (9, 12, (7, 8), {}),
    ],
)
def test_nobody_is_booked_in_time_that_was_closed(start, end, when, found):
    anna = Practice()
    anna.opens(MORNING, 5, 6)
    anna.gets(start, end, *when)
    assert anna.findings(CLOSED) == found


@pytest.mark.parametrize(
    "kind, hours, hour, found",
    [
        ("closed", [], 10, {"booked_though_closed": 1}),
        ("closed", [], 34, {}),
        ("other", AFTERNOON, 10, {"booked_though_closed": 1}),
        ("other", AFTERNOON, 14, {}),
        ("extra", [["18:00", "19:00"]], 18, {}),
        ("extra", [["18:00", "19:00"]], 10, {}),
        ("extra", [["18:00", "19:00"]], 42, {"booked_though_closed": 1}),
    ],
)
def test_the_week_does_not_hold_on_a_day_that_is_excepted(kind, hours, hour, found):
    anna = Practice()
    anna.excepts(kind, hours, 1, 2)
    anna.gets(hour, hour + 1, 3, 4)
    assert anna.findings(CLOSED) == found


def test_a_change_that_nobody_was_answered_may_have_been_made_or_not():
    anna = Practice()
    anna.opens(MORNING, 1, 2, result="unknown")
    anna.gets(14, 15, 3, 4)
    anna.is_refused(14, 15, 5, 6, code="SLOT_NOT_FOUND", again=True)
    anna.opens(AFTERNOON, 7, 8, result="fail")
    anna.gets(10, 11, 9, 10)
    assert all_findings(anna) == {}


@pytest.mark.parametrize(
    "hour, when, found",
    [
        (10, (3, 4), {"booked_though_busy": 1}),
        (10, (1.5, 4), {}),
        (11, (3, 4), {}),
        (34, (3, 4), {"booked_though_busy": 1}),
        (10, (7, 8), {}),
        (10, (5.5, 8), {}),
    ],
)
def test_nobody_is_booked_in_busy_time_as_often_as_it_comes(hour, when, found):
    anna = Practice()
    anna.imports([(10, 11, 2)], 1, 2)
    anna.imports([], 1, 2, name="club")
    anna.gets(hour, hour + 1, *when)
    anna.imports([], 5, 6)
    assert anna.findings(CLOSED) == found


def test_what_one_calendar_says_no_more_another_may_say_all_the_same():
    anna = Practice()
    anna.imports([(10, 12, 1)], 1, 2)
    anna.is_off(10, 11, 1, 2)
    anna.imports([], 3, 4)
    anna.gets(10, 11, 5, 6)
    assert anna.findings(CLOSED) == {"booked_though_busy": 1}
    assert anna.findings(KEPT) == {}


@pytest.mark.parametrize(
    "code, again, found",
    [
        ("BOOKING_CONFLICT", False, 1),
        ("INSUFFICIENT_INVENTORY", False, 1),
        ("SLOT_NOT_FOUND", True, 1),
        ("VALIDATION_ERROR", True, 1),
        ("SLOT_NOT_FOUND", False, 0),
        ("INVENTORY_LOCKED", True, 0),
    ],
)
def test_nobody_is_refused_what_is_open_and_free(code, again, found):
    anna = Practice()
    anna.gets(9, 10, 1, 2)
    anna.is_refused(10, 12, 3, 4, code=code, **({"again": True} if again else {}))
    assert anna.findings(OPEN) == ({"refused_though_open_and_free": 1} if found else {})


@pytest.mark.parametrize(
    "change, when, found",
    [
        # It is being closed, was closed, or may have been taken; or it was not.
        (lambda anna, *when: anna.opens(MORNING, *when), (2, 3.5), 0),
        (lambda anna, *when: anna.opens(AFTERNOON, *when), (2, 3.5), 1),
        (lambda anna, *when: anna.opens(MORNING, *when), (1, 2), 0),
        (lambda anna, *when: anna.opens(AFTERNOON, *when), (1, 2), 1),
        (lambda anna, *when: anna.opens(MORNING, *when), (5, 6), 1),
        (lambda anna, *when: anna.is_off(14, 15, *when), (1, 2), 0),
        (lambda anna, *when: anna.is_off(15, 16, *when), (1, 2), 1),
        (lambda anna, *when: anna.excepts("closed", [], *when), (1, 2), 0),
        (lambda anna, *when: anna.gets(14, 14.5, *when), (1, 2), 0),
        (lambda anna, *when: anna.gets(14, 14.5, *when, heard=False), (1, 2), 0),
        (lambda anna, *when: anna.gets(15, 16, *when), (1, 2), 1),
    ],
)
def test_whatever_may_have_closed_or_taken_it_excuses_a_refusal(change, when, found):
    anna = Practice()
    change(anna, *when)
    anna.is_refused(14, 15, 3, 4)
    assert anna.findings(OPEN) == ({"refused_though_open_and_free": 1} if found else {})


def test_slots_that_become_others_just_then_may_be_gone_for_a_moment():
    for when, found in (((2, 3.5), {}), ((1, 2), {"refused_though_open_and_free": 1})):
        anna = Practice()
        anna.opens(AFTERNOON, *when)
        anna.is_refused(14, 15, 3, 4, code="SLOT_NOT_FOUND", again=True)
        assert anna.findings(OPEN) == found


def test_several_places_are_refused_only_when_so_many_may_be_taken():
    anna = Practice(3)
    anna.gets(9, 10, 1, 2)
    anna.is_refused(9, 10, 3, 4, quantity=2, code="INSUFFICIENT_INVENTORY")
    assert anna.findings(OPEN) == {"refused_though_open_and_free": 1}
    anna = Practice(3)
    anna.gets(9, 10, 1, 2, quantity=2, units="{[1,3)}")
    anna.is_refused(9, 10, 3, 4, quantity=2, code="INSUFFICIENT_INVENTORY")
    assert all_findings(anna) == {}


@pytest.mark.parametrize(
    "taken, code, left, found",
    [
        (3, "BOOKING_CONFLICT", 0, {}),
        (2, "INSUFFICIENT_INVENTORY", 1, {}),
        (1, "INSUFFICIENT_INVENTORY", 2, {}),
        (1, "BOOKING_CONFLICT", 0, {"refused_though_open_and_free": 1}),
        (1, "INSUFFICIENT_INVENTORY", 1, {"refused_though_open_and_free": 1}),
        (2, "INSUFFICIENT_INVENTORY", 2, {"said_to_be_left_but_taken": 1}),
        (3, "INSUFFICIENT_INVENTORY", 2, {"said_to_be_left_but_taken": 1}),
    ],
)
def test_how_many_are_left_of_a_time_is_told_truly(taken, code, left, found):
    anna = Practice(3)
    for unit in range(1, taken + 1):
        anna.gets(9, 10, 1, 2, units=f"{{[{unit},{unit + 1})}}")
    # What comes or goes meanwhile may be counted or not.
    anna.gets(13, 14, 1, 2)
    anna.is_refused(9, 12, 3, 4, quantity=3, code=code, answer={"available": left})
    anna.gets(13, 14, 5, 7, units="{[2,3)}")
    for some in (1, 2):
        told = {"code": "INSUFFICIENT_INVENTORY", "answer": {"available": some}}
        anna.is_refused(13, 14, 6, 8, quantity=3, **told)
    assert anna.findings(OPEN) == found


@pytest.mark.parametrize(
    "free, found",
    [
        ([(10, 12)], {}),
        ([(9, 12)], {"shown_though_taken": 2}),
        ([(10, 14)], {"shown_though_closed": 2, "shown_though_busy": 2}),
        ([(10, 12.5)], {"shown_though_busy": 1}),
        ([(10, 11)], {"free_but_not_shown": 2}),
        ([], {"free_but_not_shown": 4}),
    ],
)
def test_a_list_shows_just_what_is_open_and_free(free, found):
    anna = Practice()
    anna.opens([["09:00", "13:00"]], 1, 2)
    anna.gets(9, 10, 1, 2)
    anna.imports([(12, 13, 1)], 1, 2)
    anna.shows(free, 3, 4)
    assert anna.findings(SHOWN) == found


def test_what_changes_while_somebody_looks_may_be_shown_or_not():
    for free in ([(9, 17)], [(9, 12)]):
        anna = Practice()
        anna.shows(free, 1, 4)
        anna.opens(MORNING, 2, 3)
        assert anna.findings(SHOWN) == {}


def test_whoever_publishes_as_the_schedule_says_may_do_so_unheard():
    anna = Practice(by_sql=True)
    anna.sets("apply", 1, 2, hours=[["09:00", "12:00"], ["18:00", "19:00"]])
    anna.gets(14, 15, 3, 4)
    anna.is_refused(18, 19, 3, 4)
    anna.is_refused(15, 16, 3, 4)
    assert all_findings(anna) == {}
    anna.gets(20, 21, 5, 6)
    anna.is_refused(9, 10, 5, 6)
    assert anna.findings(CLOSED) == {"booked_though_closed": 1}
    assert anna.findings(OPEN) == {"refused_though_open_and_free": 1}


def test_time_is_given_no_more_often_than_there_are_places():
    anna = Practice(2)
    anna.gets(9, 11, 1, 2)
    anna.gets(10, 12, 1, 2, units="{[2,3)}")
    assert all_findings(anna) == {}
    anna.gets(10.5, 11, 3, 4, units="{[3,4)}")
    assert anna.findings(KEPT) == {"more_than_there_are_places": 1}


def test_whoever_has_time_has_all_of_it_and_no_more():
    anna = Practice()
    booking = anna.there[anna.gets(9, 11, 1, 2)]
    # Cut in two since; which is all the same.
    booking.claims, booking.claim_count, booking.slots = ["one", "two"], 2, ["one", "two"]
    anna.slots["one"] = ["provider", 0, 10 * HOUR, 1]
    anna.slots["two"] = ["provider", 10 * HOUR, 24 * HOUR, 1]
    del anna.slots["slot"]
    assert anna.findings(KEPT) == {}
    booking.claims = ["one"]
    assert anna.findings(KEPT) == {"another_time_than_asked": 1}
    anna.slots["two"][1] = 10.5 * HOUR
    booking.claims = ["one", "two"]
    assert anna.findings(KEPT) == {"another_time_than_asked": 1}


@pytest.mark.parametrize(
    "blocks, found",
    [
        ([(9, 11)], {}),
        ([(9, 10)], {"busy_but_left_open": 2}),
        ([], {"busy_but_left_open": 2}),
        ([(9, 12)], {"blocked_though_not_busy": 2}),
    ],
)
def test_in_the_end_blocks_stand_where_it_is_busy_and_nowhere_else(blocks, found):
    anna = Practice(2)
    anna.is_off(9, 11, 1, 2)
    # Who came before keeps a place.
    anna.gets(9, 10, 0, 0.5, units="{[1,2)}")
    for start, end in blocks:
        anna.is_blocked(start, min(end, 10), "token 1", units="{[2,3)}")
        if end > 10:
            anna.is_blocked(10, end, "token 1", units="{[1,3)}", quantity=2)
    if not blocks:
        found = {"busy_but_left_open": 4}
    assert anna.findings(KEPT) == found


def test_a_busy_time_may_have_several_blocks_and_a_request_only_one_booking():
    anna = Practice()
    anna.is_off(9, 11, 1, 2)
    anna.is_blocked(9, 10, "token 1")
    anna.is_blocked(10, 11, "token 1")
    assert anna.findings(ACKNOWLEDGED) == {}
    anna.is_blocked(12, 13, "token of nobody")
    assert anna.findings(ACKNOWLEDGED) == {"asked_for_by_nobody": 1}
    first = anna.gets(13, 14, 3, 4)
    anna.there["again"] = There("again", anna.there[first].token, ["slot"], 1, "confirmed", "{}")
    assert anna.findings(ACKNOWLEDGED)["booked_twice"] == 1


def test_closed_time_may_be_answered_as_such_and_named_slots_may_not():
    anna = Practice()
    anna.is_refused(20, 21, 1, 2, code="VALIDATION_ERROR")
    assert anna.findings(CODES) == {}
    anna.refused(3, 4, code="VALIDATION_ERROR")
    assert anna.findings(CODES) == {"unexpected_answer": 1}
