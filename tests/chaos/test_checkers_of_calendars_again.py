"""Time that is given back, wanted again, offered instead: what checkers refuse, and accept."""

from __future__ import annotations

import pytest

from chaos.checkers.acknowledged import ACKNOWLEDGED
from chaos.checkers.calendars import CLOSED, KEPT, OPEN, SHOWN
from chaos.checkers.keys import KEYS
from tests.chaos.practice import AFTERNOON, MORNING, Practice, all_findings, at


def cancelled_by_ten():
    """Anna has 14 to 15 booked, cancelled at 3 to 4."""
    anna = Practice()
    booking = anna.gets(14, 15, 1, 2)
    anna.cancelled(booking, 3, 4)
    return anna, booking


@pytest.mark.parametrize(
    "change, when, found",
    [
        (lambda anna, *when: anna.opens(MORNING, *when), (5, 6), {"booked_though_closed": 1}),
        (lambda anna, *when: anna.opens(MORNING, *when), (5, 8), {}),
        (lambda anna, *when: anna.opens(AFTERNOON, *when), (5, 6), {}),
        (lambda anna, *when: anna.is_off(14, 15, *when), (5, 6), {"booked_though_busy": 1}),
        (lambda anna, *when: anna.is_off(14, 15, *when), (7.5, 8), {}),
    ],
)
def test_whoever_has_cancelled_does_not_get_closed_time_again(change, when, found):
    anna, booking = cancelled_by_ten()
    change(anna, *when)
    anna.wants_again(booking, 7, 9)
    assert anna.findings(CLOSED) == found


def test_whoever_confirms_what_was_confirmed_before_it_was_closed_claims_nothing():
    anna, booking = cancelled_by_ten()
    anna.wants_again(booking, 5, 6)
    anna.opens(MORNING, 7, 8)
    anna.wants_again(booking, 9, 10)
    assert anna.findings(CLOSED) == {}
    # Nobody knows whether the first was heard; it may have been done.
    anna, booking = cancelled_by_ten()
    anna.wants_again(booking, 5, 6, result="unknown", code="RemoteDisconnected")
    anna.opens(MORNING, 7, 8)
    anna.wants_again(booking, 9, 10)
    assert anna.findings(CLOSED) == {}
    # And what was never cancelled stands.
    anna = Practice()
    booking = anna.gets(14, 15, 1, 2)
    anna.opens(MORNING, 3, 4)
    anna.wants_again(booking, 5, 6)
    assert anna.findings(CLOSED) == {}


def test_whoever_has_cancelled_is_refused_only_if_it_is_taken_again():
    anna, booking = cancelled_by_ten()
    anna.wants_again(booking, 5, 6, result="fail", code="BOOKING_CONFLICT")
    assert anna.findings(OPEN) == {"refused_though_open_and_free": 1}
    anna, booking = cancelled_by_ten()
    # Of slots that have changed since nobody has a claim; of those that have not everybody has.
    anna.opens(MORNING, 4.2, 4.4)
    anna.opens([["09:00", "17:00"]], 4.5, 4.8)
    anna.wants_again(booking, 5, 6, result="fail", code="SLOT_NOT_FOUND")
    anna.gets(14, 15, 7, 8)
    anna.wants_again(booking, 9, 10, result="fail", code="BOOKING_CONFLICT")
    assert all_findings(anna) == {}


@pytest.mark.parametrize(
    "when, by_sql, found",
    [
        (None, False, {"gone_though_nothing_changed": 1}),
        ((7, 8), False, {"gone_though_nothing_changed": 1}),
        ((5.5, 8), False, {}),
        # Slots that bookings keep follow late.
        ((0, 0.5), False, {}),
        # Whom we do not hear of.
        (None, True, {}),
    ],
)
def test_slots_are_gone_only_if_something_was_changed(when, by_sql, found):
    anna = Practice(by_sql=by_sql)
    anna.cancelled(anna.gets(14, 15, 1, 2), 3, 4)
    if when:
        anna.opens(AFTERNOON, *when)
    anna.wants_again("booking 1", 5, 6, result="fail", code="SLOT_NOT_FOUND")
    assert anna.findings(OPEN) == found


@pytest.mark.parametrize(
    "start, end, found",
    [
        (10, 11, {}),
        (9, 10, {"offered_though_taken": 1}),
        (12, 14, {"offered_though_busy": 1}),
        (16, 18, {"offered_though_closed": 1}),
    ],
)
def test_what_is_offered_instead_of_a_time_was_open_and_free(start, end, found):
    anna = Practice()
    anna.gets(9, 10, 1, 2)
    anna.is_off(12, 13, 1, 2)
    anna.is_refused(
        9, 10, 3, 4, answer={"alternatives": [[["slot"], 1, at(start), at(end), "provider"]]}
    )
    assert anna.findings(SHOWN) == found


def test_time_off_that_is_taken_and_given_back_is_busy_in_between():
    anna = Practice()
    off = {"start": at(10), "end": at(11), "token": "away", "key": "away------------"}
    anna.sets("take_off", 1, 2, result="unknown", **off)
    anna.sets("take_off", 3, 4, **off)
    anna.gets(10, 11, 5, 6)
    assert anna.findings(CLOSED) == {"booked_though_busy": 1}
    anna.sets("end_off", 7, 8, time_off="id", taken="away")
    # Told once more, it is not taken once more.
    anna.sets("take_off", 8, 9, answer={"replayed": True}, **off)
    anna.gets(10, 11, 9, 10)
    assert anna.findings(CLOSED) == {"booked_though_busy": 1}
    assert anna.findings(KEYS) == {}
    for when in ((10, 10.5), (10.5, 11)):
        anna.is_blocked(*when, "away")
    assert anna.findings(ACKNOWLEDGED) == {}


@pytest.mark.parametrize("asked_before", [False, True])
def test_time_off_is_taken_when_it_is_first_told_though_as_something_told_again(asked_before):
    anna = Practice()
    off = {"start": at(10), "end": at(11), "token": "away", "key": "away------------"}
    # A server that lost its database on the way asks it again by itself, and so may its client.
    if asked_before:
        anna.sets("take_off", 1, 2, result="unknown", **off)
    anna.sets("take_off", 3, 4, answer={"replayed": True}, **off)
    anna.is_blocked(10, 11, "away")
    anna.is_refused(10, 11, 5, 6)
    anna.shows([(9, 10), (11, 17)], 7, 8)
    assert all_findings(anna) == {}
    anna.gets(10, 11, 300, 301)
    anna.shows([(9, 17)], 302, 303)
    assert anna.findings(CLOSED) == {"booked_though_busy": 1}
    assert anna.findings(SHOWN) == {"shown_though_busy": 2}
    anna.sets("end_off", 310, 311, time_off="id", taken="away")
    anna.sets("take_off", 312, 313, answer={"replayed": True}, **off)
    anna.gets(10, 11, 500, 501)
    assert anna.findings(CLOSED) == {"booked_though_busy": 1}


def test_time_off_that_was_being_given_back_when_it_was_told_again_may_be_taken_or_not():
    anna = Practice()
    off = {"start": at(10), "end": at(11), "token": "away", "key": "away------------"}
    anna.sets("take_off", 1, 2, result="unknown", **off)
    anna.sets("end_off", 3, 4, time_off="id", taken="away", result="unknown")
    anna.sets("take_off", 3, 5, answer={"replayed": True}, **off)
    anna.gets(10, 11, 6, 7)
    anna.is_refused(10, 11, 8, 9)
    assert anna.findings(CLOSED) == anna.findings(OPEN) == {}


def test_a_hold_over_several_slots_may_leave_busy_time_open_when_it_lapses():
    anna = Practice()
    held = anna.there[anna.gets(10, 11, 1, 2)]
    anna.operations[-1].asked["hold"] = 1.0
    held.status, held.claim_count = "expired", 2
    anna.is_off(10, 12, 1, 2)
    anna.is_blocked(11, 12, "token 2")
    anna.gets(10, 10.5, 5, 6)
    assert anna.findings(CLOSED) == anna.findings(KEPT) == {}
    held.claim_count = 1
    assert anna.findings(CLOSED) == {"booked_though_busy": 1}
    assert anna.findings(KEPT) == {"busy_but_left_open": 1}


def test_who_asks_again_must_have_been_refused_in_vain_both_times():
    for opened, found in (((1.5, 2), {"refused_though_open_and_free": 1}), ((2.5, 3.5), {})):
        anna = Practice()
        anna.opens(MORNING, 1, 1.2)
        anna.opens([["09:00", "17:00"]], *opened)
        for when in ((3, 4), (4, 5)):
            anna.is_refused(14, 15, *when, code="SLOT_NOT_FOUND", again=when[0] == 4)
            anna.operations[-1].attacker = "Ada"
        assert anna.findings(OPEN) == found
