"""The checker refuses bad histories written by hand, each for its own reason, and no good one."""

from __future__ import annotations

from itertools import count

import pytest

from chaos.checker import check
from chaos.history import Booking, Operation, most_at_once

SLOT, OTHER = "the slot", "another slot"
PLACES = {SLOT: 2, OTHER: 1}


class Story:
    """A history and the bookings it leaves, told in a few words; `at` is (began, ended)."""

    def __init__(self):
        self.history: list[Operation] = []
        self.bookings: dict[str, Booking] = {}
        self._numbers = count(1)

    def tells(self, kind, at, result, code, *, quantity=1, slot=SLOT, door="http", status=None):
        number = next(self._numbers)
        began, ended = at
        operation = Operation(number, f"user {number}", door, kind, slot, quantity, began)
        operation.ended, operation.result, operation.code = ended, result, code
        operation.status = status
        self.history.append(operation)
        return operation

    def booked(self, *at, quantity=1, slot=SLOT, status="confirmed"):
        """Somebody booked, was told so, and the booking is there; its id."""
        operation = self.tells("book", at, "ok", "CONFIRMED", quantity=quantity, slot=slot)
        operation.token = f"token {operation.number}"
        operation.booking_id = f"booking {operation.number}"
        self.leaves(operation.booking_id, operation.token, slot, quantity, status)
        return operation.booking_id

    def refused(self, *at, code="BOOKING_CONFLICT", quantity=1, slot=SLOT, **more):
        """Somebody was refused."""
        operation = self.tells("book", at, "fail", code, quantity=quantity, slot=slot, **more)
        operation.token = f"token {operation.number}"
        return operation

    def cancelled(self, booking_id, *at, result="ok", code="CANCELLED"):
        """Somebody cancelled; the booking is cancelled if that is certain."""
        operation = self.tells("cancel", at, result, code)
        operation.booking_id = booking_id
        if result == "ok":
            self.becomes(booking_id, "cancelled")

    def leaves(self, booking_id, token, slot=SLOT, quantity=1, status="confirmed"):
        self.bookings[booking_id] = Booking(booking_id, token, slot, quantity, status)

    def becomes(self, booking_id, status):
        was = self.bookings[booking_id]
        self.leaves(booking_id, was.token, was.slot_id, was.quantity, status)

    def findings(self):
        found = check(self.history, list(self.bookings.values()), PLACES)
        return {finding.kind for finding in found}


@pytest.fixture
def story():
    """One place is booked early, and somebody is refused another time: a run that proves much."""
    begun = Story()
    begun.booked(0, 1, slot=OTHER)
    begun.refused(2, 3, slot=OTHER)
    return begun


def test_a_history_in_which_all_fits_is_accepted(story):
    first = story.booked(1, 2)
    story.booked(1.5, 3)
    story.refused(4, 5)
    story.refused(4, 5, code="INSUFFICIENT_INVENTORY", quantity=2)
    story.refused(4, 5, code="INVENTORY_LOCKED")
    story.cancelled(first, 6, 7)
    story.cancelled(first, 6.5, 8)
    story.booked(6.2, 9)
    assert story.findings() == set()


def test_what_is_unknown_may_have_been_done_or_not(story):
    there = story.tells("book", (1, None), "unknown", "", quantity=2)
    there.token = "token of somebody who never heard"
    story.leaves("booking unheard of", there.token, quantity=2)
    story.tells("book", (1, None), "unknown", "").token = "token of nothing"
    story.refused(2, 3)
    assert story.findings() == set()


def test_a_cancellation_nobody_heard_of_may_have_been_done_or_not(story):
    stays, goes = story.booked(1, 2), story.booked(1, 2)
    story.cancelled(stays, 3, 4, result="unknown", code="")
    story.cancelled(goes, 3, None, result="unknown", code="")
    story.becomes(goes, "cancelled")
    story.booked(3.5, 5)
    story.refused(6, 7)
    assert story.findings() == set()


def test_more_bookings_standing_than_places_are_refused(story):
    for _ in range(3):
        story.booked(1, 2)
    assert story.findings() == {"place_taken_twice", "place_given_twice"}


def test_larger_bookings_count_with_all_their_places(story):
    story.booked(1, 2, quantity=2)
    story.booked(1, 2)
    assert story.findings() == {"place_taken_twice", "place_given_twice"}


def test_a_place_given_twice_is_refused_though_one_of_the_two_is_cancelled_by_the_end(story):
    first = story.booked(1, 2, quantity=2)
    story.booked(3, 4)
    story.cancelled(first, 5, 6)
    assert story.findings() == {"place_given_twice"}


def test_a_place_given_while_it_was_being_cancelled_is_accepted(story):
    first = story.booked(1, 2, quantity=2)
    story.cancelled(first, 3, 6)
    story.booked(4, 5)
    assert story.findings() == set()


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_an_acknowledged_booking_that_does_not_stand_is_refused(story, status):
    story.booked(1, 2, status=status)
    assert story.findings() == {"acknowledged_but_lost"}


def test_an_acknowledged_booking_that_is_nowhere_is_refused(story):
    del story.bookings[story.booked(1, 2)]
    assert story.findings() == {"acknowledged_but_lost"}


def test_a_booking_that_a_failed_cancellation_undid_is_refused(story):
    booking = story.booked(1, 2)
    story.cancelled(booking, 3, 4, result="fail", code="INVENTORY_LOCKED")
    story.becomes(booking, "cancelled")
    assert story.findings() == {"acknowledged_but_lost"}


def test_a_booking_of_something_else_than_acknowledged_is_refused(story):
    booking = story.booked(1, 2)
    story.leaves(booking, story.bookings[booking].token, quantity=2)
    assert story.findings() == {"another_than_acknowledged"}


def test_a_refused_booking_that_is_there_is_refused(story):
    story.booked(0, 1, quantity=1)
    story.booked(0, 1, quantity=1)
    refused = story.refused(2, 3)
    story.leaves("booking of the refused", refused.token, status="cancelled")
    assert story.findings() == {"refused_but_there"}


def test_a_cancelled_booking_that_stands_is_refused(story):
    booking = story.booked(1, 2)
    story.cancelled(booking, 3, 4)
    story.becomes(booking, "confirmed")
    assert story.findings() == {"cancelled_but_there"}


def test_two_bookings_of_one_request_are_refused(story):
    booking = story.booked(1, 2)
    story.leaves("its twin", story.bookings[booking].token)
    assert story.findings() == {"booked_twice"}


def test_a_booking_that_nobody_asked_for_is_refused(story):
    story.leaves("a booking out of nothing", None)
    assert story.findings() == {"asked_for_by_nobody"}


def test_a_refusal_while_there_was_room_all_the_time_is_refused(story):
    story.booked(1, 2)
    story.refused(3, 4)
    assert story.findings() == {"refused_for_no_reason"}


def test_a_refusal_after_everything_was_given_back_is_refused(story):
    booking = story.booked(1, 2, quantity=2)
    story.cancelled(booking, 3, 4)
    story.refused(5, 6, code="INSUFFICIENT_INVENTORY", quantity=2)
    assert story.findings() == {"refused_for_no_reason"}


def test_a_refusal_with_a_full_moment_while_it_was_asked_for_is_accepted(story):
    booking = story.booked(3, 5, quantity=2)
    story.cancelled(booking, 6, 7)
    story.refused(1, 3.5)
    story.refused(6.5, 9)
    assert story.findings() == set()


@pytest.mark.parametrize("result", ["ok", "fail", "unknown"])
def test_an_error_of_the_server_is_refused_whatever_came_of_it(story, result):
    operation = story.tells("book", (1, 2), result, "INTERNAL_ERROR", status=503)
    operation.token = operation.booking_id = "token and booking"
    story.leaves("token and booking", "token and booking")
    assert "server_error" in story.findings()


@pytest.mark.parametrize(
    "kind, door, code",
    [
        ("book", "http", "VALIDATION_ERROR"),
        ("book", "sql", "42501"),
        ("book", "sql", "23P01"),
        ("book", "hand", "42P01"),
        ("cancel", "http", "BOOKING_NOT_FOUND"),
        ("cancel", "http", "BOOKING_CONFLICT"),
    ],
)
def test_an_answer_that_this_attack_cannot_get_is_refused(story, kind, door, code):
    operation = story.tells(kind, (1, 2), "fail", code, door=door)
    operation.token = "token of the astonished"
    assert "unexpected_answer" in story.findings()


def test_a_law_that_refuses_a_row_written_by_hand_is_accepted(story):
    story.refused(1, 2, code="23P01", door="hand")
    assert story.findings() == set()


def test_a_run_that_nobody_lost_or_nobody_won_proves_nothing():
    won, lost = Story(), Story()
    won.booked(1, 2)
    lost.refused(1, 2, code="INVENTORY_LOCKED")
    assert won.findings() == lost.findings() == Story().findings() == {"nothing_contended"}


def test_operations_without_an_end_are_under_way_ever_after(story):
    story.tells("book", (0.5, None), "unknown", "")
    story.tells("book", (2.5, 2.7), "unknown", "")
    assert most_at_once(story.history) == 3
