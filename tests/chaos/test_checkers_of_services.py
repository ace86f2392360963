"""Services booked by their start, and searched: what checkers refuse, and what they accept.

Anna and Bea cut hair for an hour and tidy up for another; Anna is preferred. For a massage there
must be a room as well. All are there for eight hours.
"""

from __future__ import annotations

import pytest

from chaos.checkers.acknowledged import ACKNOWLEDGED
from chaos.checkers.all import CHECKERS
from chaos.checkers.places import GIVEN, PLACES
from chaos.checkers.services import ALL_HELD, IN_ORDER, NEVER_IN_VAIN, SERVICES, TIMES
from tests.chaos.story import HOUR, Story, There

ALTERNATIVES = next(one for one in CHECKERS if one.name == "alternatives_were_free")
ALL = (*SERVICES, GIVEN, PLACES, ACKNOWLEDGED, ALTERNATIVES)
RULES = {"before": 0, "duration": 60, "after": 60, "step": 60}
CUT = {"name": "cut", **RULES, "needs": [{"anna": 1, "bea": 2}]}
MASSAGE = {"name": "massage", **RULES, "needs": [{"anna": 1, "bea": 1}, {"room": 1}]}


def at(hour):
    return f"1970-01-01T{hour:02}:00:00+00:00"


def wish(service, hour, token, **more):
    time = {"start": at(hour), "end": at(hour + 1), "before": 0, "after": 60}
    return {"service_id": service, **time, "quantity": 1, "token": token, **more}


class Salon(Story):
    def __init__(self, **capacities):
        super().__init__(**({"anna": 1, "bea": 1, "room": 1} | capacities))
        self.header["services"] = {"cut": CUT, "massage": MASSAGE}
        for name in self.slots:
            for slots in (self.slots, self.slots_at_first):
                slots[name][:3] = [name, 0, 8 * HOUR]

    def gets(self, service, hour, *when, by=("anna",), heard=True, **more):
        """Somebody was given the service by those, who are there for it; and the next hour, too."""
        number = len(self.operations) + 1
        token, booking_id = f"token {number}", f"booking {number}"
        answer = {"booking_id": booking_id, "quantity": 1, "slots": list(by)}
        answer["time"] = [at(hour), at(hour + 1)]
        told = ("ok", "CONFIRMED") if heard else ("unknown", "RemoteDisconnected")
        asked = wish(service, hour, token, **more)
        self.tells("book", when, *told, answer=answer if heard else {}, **asked)
        there = There(booking_id, token, list(by), 1, "confirmed", "{[1,2)}")
        there.claim_count, there.part = len(by), (hour * HOUR, (hour + 2) * HOUR)
        there.begins()
        self.there[booking_id] = there
        return there

    def is_refused(self, service, hour, *when, **more):
        asked = wish(service, hour, f"token {len(self.operations) + 1}", **more)
        self.tells("book", when, "fail", "BOOKING_CONFLICT", **asked)

    def offers(self, service, needs, *when, result="ok"):
        asked = {"service_id": service, "needs": [list(need.items()) for need in needs]}
        self.tells("offer", when, result, "OFFERED", **asked)

    def shows(self, service, times, *when, **more):
        """Of the first three hours: `times` are hour, and providers of each option."""
        shown = [[at(hour), [[list(one), 1] for one in options]] for hour, *options in times]
        asked = {"service_id": service, "from": at(0), "to": at(3), "quantity": 1, **more}
        self.tells("search", when, code="FOUND", answer={"times": shown, "more": False}, **asked)


def all_findings(story):
    return {checker.name: found for checker in ALL if (found := story.findings(checker))}


def test_services_given_one_after_another_with_whoever_is_free_are_accepted():
    salon = Salon()
    salon.gets("cut", 1, 1, 2)
    salon.gets("cut", 1, 3, 4, by=["bea"])
    salon.gets("massage", 4, 5, 6, by=["anna", "room"])
    salon.is_refused("cut", 2, 7, 8)
    assert all_findings(salon) == {}


@pytest.mark.parametrize("hour, found", [(1, {}), (2, {}), (4, {"refused": 1}), (0, {})])
def test_nobody_is_refused_while_somebody_is_free_with_the_time_around_it(hour, found):
    salon = Salon()
    salon.gets("cut", 1, 1, 2)
    salon.gets("cut", 2, 1, 2, by=["bea"])
    salon.is_refused("cut", hour, 3, 4)
    # At 0 Anna is taken from 1 on, and Bea, who tidies up until 2, is free.
    found = {0: {"refused": 1}}.get(hour, found)
    kinds = salon.findings(NEVER_IN_VAIN)
    assert kinds == {f"{kind}_though_somebody_was_free": n for kind, n in found.items()}


def test_who_may_have_been_taken_at_some_moment_excuses_a_refusal():
    salon = Salon()
    booking = salon.gets("cut", 1, 1, 2, by=["anna"])
    salon.gets("cut", 1, 1, 6, by=["bea"])
    salon.cancelled(booking.id, 3, 4)
    salon.is_refused("cut", 1, 3.5, 5)
    assert salon.findings(NEVER_IN_VAIN) == {}
    salon.is_refused("cut", 1, 4.5, 5)
    assert salon.findings(NEVER_IN_VAIN) == {"refused_though_somebody_was_free": 1}


def test_without_a_room_a_massage_is_refused_whoever_is_free():
    salon = Salon()
    salon.gets("massage", 1, 1, 2, by=["anna", "room"])
    salon.is_refused("massage", 2, 3, 4)
    assert salon.findings(NEVER_IN_VAIN) == {}
    salon.is_refused("massage", 3, 3, 4)
    assert salon.findings(NEVER_IN_VAIN) == {"refused_though_somebody_was_free": 1}


def test_who_wants_one_provider_is_refused_when_that_one_is_taken():
    salon = Salon()
    salon.gets("cut", 1, 1, 2)
    salon.is_refused("cut", 1, 3, 4, provider_id="anna")
    assert salon.findings(NEVER_IN_VAIN) == {}
    salon.is_refused("cut", 1, 3, 4, provider_id="bea")
    assert salon.findings(NEVER_IN_VAIN) == {"refused_though_somebody_was_free": 1}


@pytest.mark.parametrize(
    "code, left, found",
    [
        ("INSUFFICIENT_INVENTORY", 2, {}),
        ("INSUFFICIENT_INVENTORY", 1, {"left_otherwise_than_said": 1}),
        ("BOOKING_CONFLICT", 0, {"left_otherwise_than_said": 1}),
        ("INSUFFICIENT_INVENTORY", 3, {"left_otherwise_than_said": 1}),
        # Nobody knows.
        ("INSUFFICIENT_INVENTORY", None, {}),
    ],
)
def test_how_many_are_left_of_somebody_is_told_truly(code, left, found):
    salon = Salon(anna=3, bea=3)
    for by in ("anna", "bea"):
        salon.gets("cut", 1, 1, 2, by=[by])
    salon.is_refused("cut", 1, 3, 4, quantity=3)
    salon.operations[-1].code = code
    salon.operations[-1].answer = {} if left is None else {"available": left}
    assert salon.findings(NEVER_IN_VAIN) == found


def test_what_is_left_may_be_told_of_whomever_and_of_any_moment():
    salon = Salon(anna=3, bea=3)
    for _ in range(3):
        salon.gets("cut", 1, 1, 2, by=["bea"])
    salon.gets("cut", 1, 4, 6)
    for code, left in (("BOOKING_CONFLICT", 0), ("INSUFFICIENT_INVENTORY", 2)):
        salon.is_refused("cut", 1, 3, 5, quantity=3)
        salon.operations[-1].code, salon.operations[-1].answer = code, {"available": left}
    assert salon.findings(NEVER_IN_VAIN) == {}
    salon.is_refused("cut", 1, 3, 5, quantity=3, provider_id="anna")
    assert salon.findings(NEVER_IN_VAIN) == {"left_otherwise_than_said": 1}


@pytest.mark.parametrize(
    "when, result, found", [((3, 4), "ok", {}), ((5, 8), "ok", {}), ((3, 4), "unknown", {})]
)
def test_who_may_do_the_service_no_more_need_not_be_asked(when, result, found):
    salon = Salon()
    salon.gets("cut", 1, 1, 2)
    salon.offers("cut", [{"anna": 1}], *when, result=result)
    salon.is_refused("cut", 1, 6, 7)
    assert salon.findings(NEVER_IN_VAIN) == found
    salon.offers("cut", [{"anna": 1, "bea": 1}], 8.5, 9)
    salon.is_refused("cut", 1, 10, 11)
    # A change that nobody was answered may still come.
    after = {} if result == "unknown" else {"refused_though_somebody_was_free": 1}
    assert salon.findings(NEVER_IN_VAIN) == after


def test_the_time_around_a_service_is_given_once():
    salon = Salon()
    salon.gets("cut", 1, 1, 2)
    second = salon.gets("cut", 2, 3, 4)
    second.part = (3 * HOUR, 4 * HOUR)
    assert salon.findings(GIVEN) == {"place_given_twice": 1}
    assert salon.findings(ALL_HELD) == {"another_time_than_asked": 1}


@pytest.mark.parametrize(
    "by, found",
    [
        (["anna", "room"], {}),
        (["bea", "room"], {}),
        (["anna"], {"provider_left_out": 2}),
        (["room"], {"provider_left_out": 2}),
        (["anna", "bea", "room"], {"too_many_providers": 2}),
        (["anna", "unknown"], {"provider_left_out": 2}),
    ],
)
def test_a_massage_has_one_provider_of_each_need(by, found):
    salon = Salon()
    salon.gets("massage", 1, 1, 2, by=by)
    kinds = salon.findings(ALL_HELD)
    assert {kind: n for kind, n in kinds.items() if kind != "another_time_than_asked"} == found


def test_a_massage_that_claims_the_room_for_another_time_is_refused():
    salon = Salon()
    massage = salon.gets("massage", 1, 1, 2, by=["anna", "room"])
    massage.claims = ["anna"]
    assert salon.findings(ALL_HELD) == {"another_time_than_asked": 1}


def test_a_service_is_given_by_whom_it_was_asked_of_and_when():
    salon = Salon()
    salon.gets("cut", 1, 1, 2, provider_id="bea")
    assert salon.findings(ALL_HELD) == {"provider_left_out": 2}
    salon = Salon()
    salon.gets("cut", 1, 1, 2)
    salon.operations[0].answer["time"] = [at(2), at(3)]
    assert salon.findings(ALL_HELD) == {"another_time_than_asked": 1}


def test_a_service_is_given_as_often_as_it_was_asked_for():
    salon = Salon(anna=2)
    salon.gets("cut", 1, 1, 2).quantity = 2
    assert salon.findings(ALL_HELD) == {"another_quantity_than_asked": 1}


def test_a_service_that_nobody_was_answered_but_is_there_has_all_it_needs():
    salon = Salon()
    salon.gets("massage", 1, 1, 2, by=["anna", "room"], heard=False)
    assert all_findings(salon) == {}
    salon.gets("massage", 4, 1, 2, by=["anna"], heard=False)
    assert salon.findings(ALL_HELD) == {"provider_left_out": 1}


@pytest.mark.parametrize("later, found", [(0, {}), (200, {"provider_left_out": 1})])
def test_what_nobody_was_answered_may_be_done_after_the_client_has_given_up(later, found):
    salon = Salon()
    salon.gets("cut", 1, 1, 2, by=["bea"], heard=False)
    salon.offers("cut", [{"anna": 1}], 0, 0.5)
    salon.offers("cut", [{"bea": 1}], later + 2.1, later + 2.3)
    assert salon.findings(ALL_HELD) == found


def test_who_is_preferred_and_free_is_not_passed_over():
    salon = Salon()
    salon.gets("cut", 1, 1, 1.1, by=["bea"])
    assert salon.findings(IN_ORDER) == {"preferred_was_passed_over": 1}
    salon = Salon()
    salon.gets("cut", 1, 1, 3)
    salon.gets("cut", 1, 2, 4, by=["bea"])
    salon.offers("cut", [{"anna": 2, "bea": 1}], 5, 6)
    salon.gets("cut", 4, 5.5, 5.6, by=["bea"])
    salon.gets("cut", 6, 8, 8.1, by=["bea"])
    assert salon.findings(IN_ORDER) == {}


def test_who_is_preferred_and_locked_may_be_passed_over_by_those_who_waited_for_the_lock():
    salon = Salon()
    salon.gets("cut", 1, 1, 1.25, by=["bea"])
    assert salon.findings(IN_ORDER) == {}


BOTH, ANNA, BEA = (["anna"], ["bea"]), (["anna"],), (["bea"],)


@pytest.mark.parametrize(
    "times, found",
    [
        # Anna is taken from 2 to 4: nobody can begin with her at 1, when she would tidy up at 2.
        ([(0, *BOTH), (1, *BEA), (2, *BEA)], {}),
        ([(0, *BOTH), (1, *BOTH), (2, *BEA)], {"shown_free_but_taken": 1}),
        ([(0, *BOTH), (1, *BEA), (2, *BOTH)], {"shown_free_but_taken": 1}),
        ([(0, *BOTH), (1, *BEA)], {"free_but_not_shown": 1}),
        ([(0, *ANNA), (1, *BEA), (2, *BEA)], {"free_but_not_shown": 1}),
        ([], {"free_but_not_shown": 4}),
        ([(0, *BOTH), (1, *BEA), (2, *BEA), (3, *BEA)], {"shown_beyond_what_was_asked": 1}),
        ([(0, *BOTH, ["room"]), (1, *BEA), (2, *BEA)], {"shown_with_others": 1}),
    ],
)
def test_a_search_shows_just_what_is_free(times, found):
    salon = Salon()
    salon.gets("cut", 2, 1, 2)
    salon.shows("cut", times, 3, 4)
    assert salon.findings(TIMES) == found


def test_a_service_is_shown_at_its_steps():
    salon = Salon()
    salon.shows("cut", [(0, *BOTH), (1, *BOTH), (2, *BOTH)], 1, 2)
    assert salon.findings(TIMES) == {}
    salon.operations[-1].answer["times"].append(["1970-01-01T01:30:00+00:00", [[["anna"], 1]]])
    assert salon.findings(TIMES) == {"shown_off_the_step": 1}


def test_what_changes_while_somebody_searches_may_be_shown_or_not():
    for times in ([(0, *BOTH), (1, *BOTH), (2, *BOTH)], [(0, *BOTH), (1, *BEA), (2, *BEA)]):
        salon = Salon()
        salon.shows("cut", times, 1, 4)
        salon.gets("cut", 2, 2, 3)
        assert salon.findings(TIMES) == {}


def test_therapist_and_room_that_were_free_only_one_after_the_other_are_not_shown():
    salon = Salon()
    first = salon.gets("cut", 0, 1, 2)
    shown = [(0, ["anna", "room"]), (1, ["bea", "room"]), (2, ["anna", "room"], ["bea", "room"])]
    salon.shows("massage", shown, 3, 10)
    salon.cancelled(first.id, 6, 7)
    salon.gets("massage", 0, 4, 5, by=["bea", "room"])
    # The room is surely taken from 5 on, and Anna surely until 6.
    assert "shown_free_but_taken" in salon.findings(TIMES)


def test_as_many_places_are_shown_as_are_free():
    salon = Salon(anna=3)
    salon.gets("cut", 0, 1, 2)
    salon.shows("cut", [(0, *BOTH), (1, *BOTH), (2, *BOTH)], 3, 4)
    options = salon.operations[-1].answer["times"]
    for hour, places in enumerate((2, 2, 3)):
        options[hour][1][0][1] = places
    assert salon.findings(TIMES) == {}
    options[0][1][0][1], options[2][1][0][1] = 3, 2
    assert salon.findings(TIMES) == {"shown_free_but_taken": 1, "shown_with_fewer_places": 1}


@pytest.mark.parametrize("hour, found", [(3, {}), (1, {"alternative_was_taken": 1})])
def test_what_is_offered_instead_was_free_with_the_time_around_it(hour, found):
    salon = Salon()
    salon.gets("cut", 2 if hour == 1 else 1, 1, 2)
    salon.is_refused("cut", 1, 3, 4)
    offered = [[["anna"], 1, at(hour), at(hour + 1)]]
    salon.operations[-1].answer["alternatives"] = offered
    assert salon.findings(ALTERNATIVES) == found
