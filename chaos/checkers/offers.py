"""Nothing is offered or shown that was not there, and nothing that was there is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator

from chaos.checkers import Checker, Finding
from chaos.checkers.levels import KNOWN, Slots, Steps, by_part
from chaos.checkers.published import Calendars
from chaos.evidence import Evidence, moment

OFFERS = """
    SELECT f.slot_id, f.starts, f.ends, f.n, f.began, f.ended, f.places, o.quantity, o.attacker
    FROM offers f JOIN operations o ON o.n = f.n WHERE f.what = ?
    ORDER BY f.slot_id, f.starts, f.ends, f.began
"""
LISTS = """
    SELECT n, attacker, door, began, ended, asked, answer FROM operations
    WHERE kind = 'read' AND result = 'ok' AND json_extract(asked, '$.start') IS NOT NULL
    ORDER BY began
"""
# So many slots are on one page of a list; what comes after them nobody here asks for.
PAGE = 100


def _false_offers(evidence: Evidence) -> Iterator[Finding]:
    slots = Slots(evidence)
    for slot_id, span, rows in by_part(slots, evidence.query(OFFERS, ["alternative"])):
        capacity, taken = slots.capacity(slot_id), slots.surely(slot_id, span)
        for n, began, ended, places, quantity, attacker in rows:
            room = capacity.most(began, ended) - max(places, quantity or 1)
            if not taken.falls_to(room, began, ended):
                words = f"operation {n} by {attacker} was offered {places} of slot {slot_id}"
                yield Finding("alternative_was_taken", words)


def _false_showings(evidence: Evidence) -> Iterator[Finding]:
    slots = Slots(evidence)
    for what in ("shown", "part"):
        for slot_id, span, rows in by_part(slots, evidence.query(OFFERS, [what])):
            capacity, surely = slots.capacity(slot_id), slots.surely(slot_id, span)
            possibly = slots.possibly(slot_id, span)
            pieces: list[Steps] | None = None
            for n, began, ended, places, _, attacker in rows:
                words = f"operation {n} by {attacker} was shown {places} free of slot {slot_id}"
                if not surely.falls_to(capacity.most(began, ended) - places, began, ended):
                    yield Finding("shown_free_but_taken", words)
                least = capacity.least(began, ended) - places
                taken = [possibly]
                if what == "part" and not places:
                    # Nothing is free for a while: but not the same people need to have all of it.
                    cells = slots.cells(slot_id, span)
                    pieces = pieces or [slots.possibly(slot_id, cell) for cell in cells]
                    taken = pieces
                if not all(steps.reaches(least, began, ended) for steps in taken):
                    yield Finding("shown_taken_but_free", words)
    yield from _left_out(evidence)


def _left_out(evidence: Evidence) -> Iterator[Finding]:
    """A list of a provider's time has every slot of it, free or sold out, and none that is gone."""
    calendars = Calendars(evidence)
    for n, attacker, door, began, ended, asked, answer in evidence.query(LISTS):
        wanted, shown = json.loads(asked), json.loads(answer).get("shown", {})
        if len(shown) >= PAGE:
            continue
        window = (moment(wanted["start"]), moment(wanted["end"]))
        there = calendars.between(wanted["provider_id"], began, ended)
        about = f"operation {n} by {attacker}, a list by {door}"
        for slot in there:
            surely = slot.told <= began and ended <= slot.going
            if surely and slot.meets(window) and slot.slot_id not in shown:
                yield Finding("left_out", f"{about}: slot {slot.slot_id}")
        for slot_id in shown.keys() - {slot.slot_id for slot in there}:
            if calendars.is_gone(slot_id, began):
                yield Finding("shown_but_gone", f"{about}: slot {slot_id}")


ALTERNATIVES = Checker(
    "alternatives_were_free",
    "What is offered instead was free at some moment between question and answer.",
    _false_offers,
    f"SELECT count(*) FROM offers WHERE what = 'alternative' AND slot_id IN ({KNOWN})",
)
AVAILABILITY = Checker(
    "availability_was_true",
    "What an availability list shows was so at some moment between question and answer, and it"
    " leaves out no slot that was there.",
    _false_showings,
    f"SELECT count(*) FROM offers WHERE what IN ('shown', 'part') AND slot_id IN ({KNOWN})",
)
