"""What a checker says to have examined is what it can judge: of nothing it proves nothing."""

from __future__ import annotations

from chaos.checkers import judge
from chaos.checkers.all import CHECKERS
from chaos.checkers.calendars import CALENDARS, CLOSED, KEPT, OPEN, SHOWN
from chaos.checkers.keys import KEYS
from chaos.checkers.offers import ALTERNATIVES, AVAILABILITY
from chaos.checkers.parts import HELD_AS_ASKED
from chaos.checkers.places import GIVEN
from chaos.checkers.refusals import REFUSALS
from chaos.checkers.services import IN_ORDER, NEVER_IN_VAIN, SERVICES
from tests.chaos.practice import Practice, at
from tests.chaos.story import Story

OF_SLOTS = {one.name for one in (GIVEN, HELD_AS_ASKED, REFUSALS, ALTERNATIVES, AVAILABILITY)}
KEY = "a key of sixteen or more"


def examined(story):
    """By checker, of how much it says to have looked at it."""
    evidence = story.evidence()
    try:
        verdicts = judge(evidence, (*CHECKERS, *CALENDARS, *SERVICES))
    finally:
        evidence.close()
    assert not any(verdict.count for verdict in verdicts), verdicts
    return {verdict.checker: verdict.examined for verdict in verdicts}


def test_who_judges_slots_has_looked_at_nothing_where_time_comes_from_schedules():
    anna = Practice()
    booking = anna.gets(14, 15, 1, 2)
    said = {"available": 0, "alternatives": [[["slot"], 1, at(10), at(11), "provider"]]}
    anna.is_refused(14, 15, 3, 4, answer=said)
    anna.shows([(9, 14), (15, 17)], 5, 6)
    anna.is_refused(18, 19, 7, 8, code="SLOT_NOT_FOUND")
    anna.is_off(16, 17, 8, 9, key=KEY)
    anna.is_blocked(16, 17, "token 5")
    anna.cancelled(booking, 9, 10)
    anna.wants_again(booking, 11, 12)
    found = examined(anna)
    assert {name for name in OF_SLOTS if found[name]} == set()
    assert found[KEYS.name] == 0
    # Booked, and booked again; refused; seen.
    assert {one.name: found[one.name] for one in CALENDARS} == {
        CLOSED.name: 2,
        OPEN.name: 1,
        SHOWN.name: 1,
        KEPT.name: 1,
    }


def test_who_judges_calendars_and_services_has_looked_at_nothing_where_slots_are_booked():
    story = Story(slot=1, other=1)
    story.books(1, 2, key=KEY)
    story.refused(3, 4, answer={"alternatives": [[["other"], 1]]})
    days = {"start": at(0), "end": at(2)}
    shown = {"shown": {"slot": 0, "other": 1}}
    story.tells("read", (5, 6), code="SHOWN", answer=shown, provider_id="provider", **days)
    found = examined(story)
    assert {name: found[name] for name in OF_SLOTS} == {
        GIVEN.name: 1,
        HELD_AS_ASKED.name: 1,
        REFUSALS.name: 1,
        ALTERNATIVES.name: 1,
        AVAILABILITY.name: 2,
    }
    assert found[KEYS.name] == 1
    assert {one.name for one in (*CALENDARS, *SERVICES) if found[one.name]} == set()


def test_who_had_to_wait_and_who_names_somebody_is_asked_of_nobody_who_came_first():
    needs = {"one": [{"anna": 1}], "two": [{"anna": 1}, {"room": 1}]}
    minutes = {"before": 0, "duration": 60, "after": 0, "step": 60}
    story = Story(slot=9)
    story.header["services"] = {
        name: {"name": name, "needs": some, **minutes} for name, some in needs.items()
    }
    evidence = told(story)
    try:
        assert evidence.one(IN_ORDER.examined) == 1
        assert evidence.one(NEVER_IN_VAIN.examined) == 1
    finally:
        evidence.close()


def told(story):
    """One who is looked at, and four who are not; one refusal, and a lock."""
    time = {"start": at(0), "end": at(1), "quantity": 1}
    for service, begin, more in (
        ("one", 1.0, {}),
        ("two", 1.0, {}),
        ("one", 0.1, {}),
        ("one", 1.0, {"provider_id": "anna"}),
    ):
        story.tells("book", (begin, 1.1), "ok", "CONFIRMED", service_id=service, **time, **more)
    for code in ("BOOKING_CONFLICT", "INVENTORY_LOCKED"):
        story.tells("book", (2, 3), "fail", code, service_id="one", **time)
    return story.evidence()
