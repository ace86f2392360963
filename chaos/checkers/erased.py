"""Of whoever has been erased nothing is left, and nobody is booked for them; the rest stays."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.stands import Story, stories
from chaos.checkers.states import Answer, possible_states
from chaos.evidence import Evidence

# While a booking is in one of these its customer is needed; all of a run's are to come.
OPEN = {"requested", "held", "confirmed"}
ERASURES = "SELECT count(*) FROM operations WHERE kind = 'erase'"
ASKED = """
    SELECT json_extract(asked, '$.customer_id'), n, attacker, door, began, ended, result, code,
           answer
    FROM operations WHERE kind = 'erase' ORDER BY began
"""
PEOPLE = "SELECT id, erased FROM people"
# Written into a booking of theirs, with the last moment at which that may have been done.
REMAINS = """
    SELECT r.place, r.id, r.customer_id, r.field, r.words,
           (SELECT max(CASE o.result WHEN 'ok' THEN o.ended ELSE 9e999 END) FROM operations o
            WHERE o.booking_id = r.id AND o.kind IN ('change', 'cancel') AND o.result <> 'fail'
              AND (instr(r.words, json_extract(o.asked, '$.notes'))
                   OR instr(r.words, json_extract(o.asked, '$.reason'))))
    FROM remains r
"""
# Bookings made or wanted again, and their customers: who is asked for, and who it is.
BOOKED = """
    SELECT o.n, o.attacker, o.kind, o.door, o.began, g.customer_id,
           json_extract(o.asked, '$.customer_id'), json_extract(o.answer, '$.customer_id')
    FROM operations o JOIN guests g ON g.booking_id = o.booking_id
    WHERE o.result = 'ok' AND o.kind IN ('book', 'confirm') AND NOT o.replayed
"""
TOLD = """
    SELECT n, attacker, kind, door, began,
           COALESCE(json_extract(answer, '$.customer_id'), json_extract(asked, '$.customer_id'))
    FROM operations
    WHERE result = 'ok'
      AND (json_extract(answer, '$.known') OR kind IN ('meet', 'register'))
"""
NOT_FOUND = """
    SELECT o.n, o.attacker, o.kind, o.door, o.ended, COALESCE(
        json_extract(o.asked, '$.customer_id'),
        (SELECT json_extract(first.answer, '$.customer_id') FROM operations first
         WHERE first.kind = 'register' AND first.token = o.token AND first.result = 'ok'))
    FROM operations o WHERE o.result = 'fail' AND o.code = 'CUSTOMER_NOT_FOUND'
"""


@dataclass(slots=True)
class Person:
    """When a customer may have been erased first, and by when they surely were."""

    begun: float = math.inf
    gone: float = math.inf
    # When the first erasure of which somebody was told was asked for.
    asked: float = math.inf
    stories: list[Story] = field(default_factory=list)


def _find(evidence: Evidence) -> Iterator[Finding]:
    # (Evidence that was collected before there were erasures knows nothing of customers.)
    if not evidence.one(ERASURES):
        return
    people: dict[str, Person] = defaultdict(Person)
    answers = [_answered(row, people) for row in evidence.query(ASKED)]
    whose = dict(evidence.query("SELECT booking_id, customer_id FROM guests"))
    for story in stories(evidence):
        if story.booking_id in whose:
            people[whose[story.booking_id]].stories.append(story)
    yield from _left(evidence, people)
    yield from _booked(evidence, people)
    yield from _told(evidence, people)
    for customer_id, answer in answers:
        yield from _judged(customer_id, people[customer_id], answer)


def _answered(row: tuple[Any, ...], people: dict[str, Person]) -> tuple[str, Answer]:
    customer_id, n, attacker, door, began, ended, result, code, said = row
    last = math.inf if ended is None or result == "unknown" else ended
    person = people[customer_id]
    if result != "fail":
        person.begun = min(person.begun, began)
    if result == "ok" and last < person.gone:
        person.gone, person.asked = last, began
    told = json.loads(said)
    return customer_id, Answer(n, attacker, door, "erase", began, last, result, code, False, told)  # noqa: FBT003 - not replayed


def _left(evidence: Evidence, people: dict[str, Person]) -> Iterator[Finding]:
    """No word of those who are erased; where there are no words of anybody, not even of others."""
    there = set()
    for customer_id, erased in evidence.query(PEOPLE):
        there.add(customer_id)
        if customer_id in people and not erased and people[customer_id].gone < math.inf:
            yield Finding("erased_in_words_only", f"customer {customer_id}")
        if erased and customer_id in people and people[customer_id].begun == math.inf:
            yield Finding("erased_by_nobody", f"customer {customer_id}")
    for customer_id in people.keys() - there:
        yield Finding("customer_lost", f"customer {customer_id} is not there")
    for place, row_id, customer_id, what, words, written in evidence.query(REMAINS):
        about = f"{what} of {place} {row_id}, customer {customer_id}: {words}"
        if place not in {"customers", "bookings"}:
            yield Finding("told_where_nobody_is", about)
        # Whoever wrote meanwhile, or later, may have come after.
        elif customer_id in people and (written is None or written <= people[customer_id].asked):
            yield Finding("word_left", about)


def _booked(evidence: Evidence, people: dict[str, Person]) -> Iterator[Finding]:
    for n, attacker, kind, door, began, whose, asked, told in evidence.query(BOOKED):
        about = f"operation {n} by {attacker}, {kind} by {door}: it is for customer {whose}"
        if {asked, told} - {None, whose}:
            yield Finding("for_another_than_asked", f"{about}, not {asked or told}")
        if whose in people and people[whose].gone <= began:
            yield Finding("booked_for_the_erased", about)
    for customer_id, person in people.items():
        for story in person.stories:
            at = max(person.gone, story.told)
            if at < math.inf and _surely_open(story, at, at):
                about = f"booking {story.booking_id} stood for customer {customer_id}"
                yield Finding("needed_though_erased", f"{about} at {at:.6f} s")


def _told(evidence: Evidence, people: dict[str, Person]) -> Iterator[Finding]:
    for n, attacker, kind, door, began, customer_id in evidence.query(TOLD):
        if customer_id in people and people[customer_id].gone <= began:
            about = f"operation {n} by {attacker}, {kind} by {door}: customer {customer_id}"
            yield Finding("told_of_the_erased", about)
    for n, attacker, kind, door, ended, customer_id in evidence.query(NOT_FOUND):
        # Who was never told whom he has made cannot say whom he misses.
        if customer_id is not None and not people[customer_id].begun <= ended:
            about = f"operation {n} by {attacker}, {kind} by {door}: customer {customer_id}"
            yield Finding("not_found_though_there", about)


def _judged(customer_id: str, person: Person, answer: Answer) -> Iterator[Finding]:
    about = f"{answer.about}, customer {customer_id}"
    if answer.result == "ok" and person.begun >= answer.began:
        for story in person.stories:
            if story.told <= answer.began and _surely_open(story, answer.began, answer.ended):
                yield Finding("erased_though_needed", f"{about}, booking {story.booking_id}")
    elif answer.code == "CUSTOMER_IN_USE":
        if person.gone <= answer.began:
            yield Finding("in_use_though_erased", about)
        open_ones = {story.booking_id for story in person.stories if _maybe_open(story, answer)}
        for booking_id in set(answer.said["bookings"]) - open_ones:
            yield Finding("in_use_by_nobody", f"{about}, booking {booking_id}")
        if not answer.said["bookings"]:
            yield Finding("in_use_by_nobody", about)


def _surely_open(story: Story, began: float, ended: float) -> bool:
    """Whether it can only have been to come, all that time."""
    moment = Answer(0, "", "", "", began, ended, "ok", "", False, {})  # noqa: FBT003 - not replayed
    return possible_states(story, moment) <= OPEN


def _maybe_open(story: Story, answer: Answer) -> bool:
    return story.begun <= answer.ended and bool(possible_states(story, answer) & OPEN)


ERASED = Checker(
    "nobody_is_left_of_the_erased",
    "Of whoever is erased no word is left anywhere, nobody is booked for them or told of them, and"
    " only who has no booking to come is erased, or who has one refused.",
    _find,
    "SELECT count(*) FROM operations WHERE kind = 'erase' AND result = 'ok'",
)
