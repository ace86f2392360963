"""People who are erased: what the checker refuses, and what it accepts."""

from __future__ import annotations

import pytest

from chaos.checkers.erased import ERASED
from tests.chaos.story import Story


class Guests(Story):
    """Ada, who is a customer, and whoever books for her or erases her."""

    def __init__(self):
        super().__init__(slot=5)
        self.header["run_id"] = "abcd1234"
        self.erased = {"ada": 0}
        self.whose: dict[str, str] = {}
        self.remains: list[tuple] = []

    def books_for(self, who, *at, named="customer_id", **how):
        """Somebody booked for them, and it is theirs."""
        booking = self.books(*at, **how)
        self.operations[-1].asked[named] = who
        self.whose[booking] = who
        return booking

    def erases(self, *at, who="ada", result="ok", there=True, needed=()):
        """Somebody asked for an erasure; it is done in the end, if `there`."""
        code = {"ok": "ERASED", "fail": "CUSTOMER_IN_USE", "unknown": "TimeoutError"}[result]
        answer = {"bookings": list(needed)} if result == "fail" else {}
        self.tells("erase", at, result, code, answer=answer, customer_id=who)
        self.erased[who] = int(there and result != "fail")

    def misses(self, *at, kind="book", code="CUSTOMER_NOT_FOUND"):
        """Somebody was told that she is not there."""
        self.tells(kind, at, "fail", code, customer_id="ada", token="missed", slots=["slot"])

    def left(self, place, row, words="Sick of abcd1234-7", what="notes"):
        self.remains.append((place, row, "ada", what, words))

    def found(self):
        self.extra_rows = {
            "people": list(self.erased.items()),
            "guests": list(self.whose.items()),
            "remains": self.remains,
        }
        return self.findings(ERASED)


@pytest.fixture
def story():
    return Guests()


def test_who_is_erased_with_all_that_was_booked_given_back_is_gone(story):
    booking = story.books_for("ada", 1, 2)
    story.erases(3, 4, result="fail", needed=[booking])
    story.cancelled(booking, 5, 6)
    story.erases(7, 8)
    story.misses(9, 10)
    story.misses(9, 10, kind="confirm")
    story.misses(9, 10, kind="meet")
    story.erases(11, 12)
    assert story.found() == {}


def test_a_run_in_which_nobody_is_erased_proves_nothing_of_it(story):
    story.left("bookings", "booking 1")
    assert story.found() == {}


def test_a_word_that_is_left_is_refused(story):
    booking = story.books_for("ada", 1, 2)
    story.cancelled(booking, 3, 4)
    story.erases(5, 6)
    story.left("bookings", booking)
    assert story.found() == {"word_left": 1}
    story.left("customers", "ada", "Ada", "name")
    assert story.found() == {"word_left": 2}


@pytest.mark.parametrize("when, found", [((3, 4), 1), ((5.5, 9), 0), ((7, 8), 0)])
def test_what_was_written_while_she_was_erased_or_later_may_be_left(story, when, found):
    booking = story.books_for("ada", 1, 2)
    story.cancelled(booking, 2, 3)
    story.moves("change", booking, *when, code="CHANGED", notes="abcd1234-7")
    story.erases(5, 6)
    story.left("bookings", booking)
    assert story.found() == ({"word_left": 1} if found else {})


@pytest.mark.parametrize("place", ["events", "idempotency_keys", "import_refs"])
def test_a_word_where_there_are_none_of_anybody_is_refused_even_before(story, place):
    story.erases(1, 2, result="unknown", there=False)
    story.left(place, "row")
    assert story.found() == {"told_where_nobody_is": 1}


def test_an_erasure_in_words_only_is_refused_and_one_that_nobody_heard_of_is_not(story):
    story.erases(1, 2, result="unknown", there=False)
    assert story.found() == {}
    story.erases(3, 4, there=False)
    assert story.found() == {"erased_in_words_only": 1}
    del story.erased["ada"]
    assert story.found() == {"customer_lost": 1}


def test_who_is_erased_though_every_erasure_was_refused_is_missed(story):
    booking = story.books_for("ada", 1, 2)
    story.erases(3, 4, result="fail", needed=[booking])
    story.erased["ada"] = 1
    assert story.found() == {"erased_by_nobody": 1}


def test_who_is_needed_is_not_erased(story):
    booking = story.books_for("ada", 1, 2)
    story.erases(3, 4)
    assert story.found() == {"erased_though_needed": 1, "needed_though_erased": 1}
    story.cancelled(booking, 5, 6)
    assert story.found() == {"erased_though_needed": 1, "needed_though_erased": 1}


def test_who_gives_back_while_she_is_erased_may_have_been_first(story):
    booking = story.books_for("ada", 1, 2)
    story.cancelled(booking, 3, 6)
    story.erases(4, 5)
    assert story.found() == {}


def test_a_booking_that_slips_in_while_she_is_erased_is_refused(story):
    story.books_for("ada", 1, 4)
    story.erases(2, 3)
    assert story.found() == {"needed_though_erased": 1}


def test_what_is_completed_stays_though_she_is_erased(story):
    booking = story.books_for("ada", 1, 2)
    story.moves("complete", booking, 3, 4, code="COMPLETED", to="completed")
    story.erases(5, 6)
    assert story.found() == {}


def test_a_hold_is_needed_until_it_lapses(story):
    story.books_for("ada", 1, 2, hold=5.0)
    story.erases(8, 9)
    assert story.found() == {}
    story.operations[-1].began, story.operations[-1].ended = 3, 4
    assert story.found() == {"erased_though_needed": 1, "needed_though_erased": 1}


@pytest.mark.parametrize("named", ["customer_id", "customer"])
def test_nobody_is_booked_for_who_is_erased(story, named):
    story.erases(1, 2)
    booking = story.books_for("ada", 3, 4)
    if named == "customer":
        story.operations[-1].asked.pop("customer_id")
    story.cancelled(booking, 5, 6)
    assert story.found() == {"booked_for_the_erased": 1, "needed_though_erased": 1}


def test_nobody_is_booked_again_for_who_is_erased(story):
    booking = story.books_for("ada", 1, 2)
    story.cancelled(booking, 3, 4)
    story.erases(5, 6)
    story.moves("confirm", booking, 7, 8, code="CONFIRMED", to="confirmed")
    assert story.found() == {"booked_for_the_erased": 1}


def test_a_booking_is_for_whom_it_was_asked_for(story):
    story.erases(1, 2, result="unknown", there=False)
    story.books_for("ada", 3, 4)
    story.whose["booking 2"] = "bob"
    story.erased["bob"] = 0
    assert story.found() == {"for_another_than_asked": 1}


def test_who_sends_a_request_again_is_told_of_the_booking_and_not_of_her(story):
    booking = story.books_for("ada", 1, 2, key="key")
    story.cancelled(booking, 3, 4)
    story.erases(5, 6)
    story.again(booking, 7, 8, key="key")
    assert story.found() == {}
    story.operations[-1].answer |= {"customer_id": "ada", "known": True}
    assert story.found() == {"told_of_the_erased": 1}


def test_who_asks_for_her_is_told_of_her_until_she_is_erased(story):
    story.tells("meet", (1, 2), code="MET", customer_id="ada")
    story.erases(3, 4)
    assert story.found() == {}
    story.tells("meet", (5, 6), code="MET", customer_id="ada")
    assert story.found() == {"told_of_the_erased": 1}


def test_nobody_misses_her_before_anybody_may_have_erased_her(story):
    story.misses(1, 2)
    story.erases(3, 4, result="unknown")
    story.misses(3, 5)
    assert story.found() == {"not_found_though_there": 1}


def test_who_is_in_use_has_a_booking_that_may_have_stood(story):
    booking = story.books_for("ada", 1, 2)
    story.cancelled(booking, 3, 4)
    story.erases(5, 6, result="fail", needed=[booking])
    assert story.found() == {"in_use_by_nobody": 1}
    story.operations[-1].began = 3.5
    assert story.found() == {}
    story.operations[-1].answer = {"bookings": []}
    assert story.found() == {"in_use_by_nobody": 1}


def test_who_is_erased_already_is_never_in_use(story):
    story.erases(1, 2)
    booking = story.books_for("ada", 1, 2, heard=False)
    story.erases(3, 4, result="fail", needed=[booking])
    story.erased["ada"] = 1
    assert story.found() == {"in_use_though_erased": 1}
