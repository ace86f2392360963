"""What the clients were told of each booking fits what is there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from chaos.checkers import Checker, Finding
from chaos.checkers.places import OCCUPYING
from chaos.checkers.stands import Story, stories
from chaos.checkers.states import TARGETS
from chaos.evidence import Evidence

THERE = "SELECT status, quantity, slot_ids, kind FROM bookings WHERE id = ?"
REFUSED = """
    SELECT o.n, o.attacker, o.code, b.id FROM operations o JOIN bookings b ON b.token = o.token
    WHERE o.kind IN ('book', 'block') AND o.result = 'fail' AND NOT EXISTS (
        SELECT 1 FROM operations other WHERE other.token = o.token AND other.result <> 'fail')
"""
STRANGERS = """
    SELECT b.id FROM bookings b
    WHERE b.token IS NULL OR NOT EXISTS (SELECT 1 FROM operations o WHERE o.token = b.token)
"""
# One busy time has as many blocks as it takes.
TWICE = """
    SELECT b.token, count(*) FROM bookings b
    WHERE b.kind <> 'block' OR NOT EXISTS (
        SELECT 1 FROM operations o WHERE o.token = b.token AND o.kind IN ('time_off', 'calendar'))
    GROUP BY b.token HAVING count(*) > 1
"""


def _lost_or_invented(evidence: Evidence) -> Iterator[Finding]:
    for story in stories(evidence):
        row = evidence.connection.execute(THERE, [story.booking_id]).fetchone()
        if row is None:
            if story.told < math.inf:
                yield Finding("acknowledged_but_lost", f"booking {story.booking_id} is not there")
            continue
        yield from _compared(story, *row)
    for n, attacker, code, booking_id in evidence.query(REFUSED):
        about = f"operation {n} by {attacker}: {code}, but booking {booking_id} is there"
        yield Finding("refused_but_there", about)
    for (booking_id,) in evidence.query(STRANGERS):
        yield Finding("asked_for_by_nobody", f"booking {booking_id}")
    for token, number in evidence.query(TWICE):
        yield Finding("booked_twice", f"request {token}: {number} bookings")


def _compared(
    story: Story, status: str, quantity: int, slot_ids: str, kind: str
) -> Iterator[Finding]:
    about = f"booking {story.booking_id} is {status}"
    same = kind == "block" or quantity == story.quantity
    if not same or json.loads(slot_ids) != list(story.slots):
        yield Finding("another_than_acknowledged", f"{about}: {quantity} of {slot_ids}")
    possible = possible_ends(story)
    if status in possible:
        return
    words = f"{about}, but can only be {' or '.join(sorted(possible))}"
    if status not in OCCUPYING and possible <= set(OCCUPYING):
        yield Finding("acknowledged_but_lost", words)
    elif status in OCCUPYING and not possible & set(OCCUPYING):
        yield Finding("cancelled_but_there", words)
    else:
        yield Finding("another_state_than_acknowledged", words)


def possible_ends(story: Story) -> set[str]:
    """The statuses that the booking can have in the end: those of whatever may have come last."""
    first = "confirmed" if story.hold is None else "held"
    acts = [(story.begun, story.told, first)]
    acts += [(act.began, act.ended, TARGETS[act.kind]) for act in story.acts]
    # An act that was surely done surely comes after every act that ended before it began. (Whoever
    # names a booking knows of it: nothing comes before its making.)
    last_sure = max((act.began for act in story.acts if act.surely), default=-math.inf)
    ends = {target for _, ended, target in acts[1:] if ended > last_sure}
    if not any(act.surely for act in story.acts):
        ends.add(first)
    if first in ends and first == "held":
        ends.add("expired")
    return ends


ACKNOWLEDGED = Checker(
    "acknowledged_is_there",
    "No acknowledged booking is lost or another, none that was refused is there, none twice, and"
    " none that nobody asked for; each is in a state that its clients were told of.",
    _lost_or_invented,
    "SELECT count(*) FROM operations WHERE kind IN ('book', 'block') AND result <> 'fail'",
)
