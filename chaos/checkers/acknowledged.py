"""What the clients were told of each booking fits what is there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import groupby

from chaos.checkers import Checker, Finding
from chaos.checkers.levels import Slots
from chaos.checkers.places import OCCUPYING
from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS
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
        SELECT 1 FROM operations o
        WHERE o.token = b.token AND o.kind IN ('time_off', 'take_off', 'calendar'))
    GROUP BY b.token HAVING count(*) > 1
"""
OTHER_QUANTITY = """
    SELECT n, attacker, kind, json_extract(asked, '$.quantity'), json_extract(answer, '$.quantity')
    FROM operations
    WHERE kind = 'book' AND result = 'ok'
      AND json_extract(asked, '$.quantity') <> json_extract(answer, '$.quantity')
"""
# A block, when it was asked for, by when it was made, and each slot of it; one slot after another.
BLOCKS = f"""
    SELECT s.id, b.id, b.quantity, min(o.began),
           COALESCE(min(CASE o.result WHEN 'ok' THEN o.ended END),
                    max(o.began) + {ANSWERED_WITHIN_SECONDS})
    FROM bookings b
    JOIN json_each(b.slot_ids) AS named JOIN slots s ON s.id = named.value
    JOIN operations o ON o.token = b.token AND o.kind = 'block' AND o.result <> 'fail'
    WHERE b.kind = 'block' GROUP BY s.id, b.id ORDER BY s.id
"""
CHANGES = f"""
    SELECT o.booking_id, b.guests, o.began, o.result = 'ok',
           CASE o.result WHEN 'ok' THEN o.ended ELSE o.began + {ANSWERED_WITHIN_SECONDS} END,
           json_extract(o.asked, '$.guests')
    FROM operations o JOIN bookings b ON b.id = o.booking_id
    WHERE o.kind = 'change' AND o.result <> 'fail'
      AND json_extract(o.asked, '$.guests') IS NOT NULL
    ORDER BY o.booking_id, o.began
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
    for n, attacker, kind, asked, told in evidence.query(OTHER_QUANTITY):
        about = f"operation {n} by {attacker}, {kind}: {asked} asked for, {told} acknowledged"
        yield Finding("another_quantity_acknowledged", about)
    yield from _blocks_of_another_size(evidence)
    yield from _changes_lost(evidence)


def _compared(
    story: Story, status: str, quantity: int, slot_ids: str, kind: str
) -> Iterator[Finding]:
    about = f"booking {story.booking_id} is a {kind}, {status}"
    if quantity != story.quantity or json.loads(slot_ids) != list(story.slots):
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


def _blocks_of_another_size(evidence: Evidence) -> Iterator[Finding]:
    """A block takes all places that its slots have at that moment."""
    slots = Slots(evidence)
    for slot_id, booking_id, quantity, began, ended in evidence.query(BLOCKS):
        if slot_id not in slots.first:
            continue
        capacity = slots.capacity(slot_id)
        if not capacity.least(began, ended) <= quantity <= capacity.most(began, ended):
            about = f"block {booking_id} takes {quantity} places of slot {slot_id}"
            yield Finding("not_all_is_blocked", about)


def _changes_lost(evidence: Evidence) -> Iterator[Finding]:
    """What somebody was told to have changed is as they asked, unless others changed it later."""
    for (booking_id, guests), rows in groupby(evidence.query(CHANGES), key=lambda row: row[:2]):
        acts = [row[2:] for row in rows]
        last_sure = max((began for began, surely, *_ in acts if surely), default=-math.inf)
        possible = {wanted for *_, ended, wanted in acts if ended > last_sure}
        if last_sure > -math.inf and guests not in possible:
            about = f"booking {booking_id} is for {guests} guests, not {sorted(possible)}"
            yield Finding("change_lost", about)


ACKNOWLEDGED = Checker(
    "acknowledged_is_there",
    "No acknowledged booking is lost or another, none that was refused is there, none twice, and"
    " none that nobody asked for; each is in a state that its clients were told of, a block of all"
    " places.",
    _lost_or_invented,
    "SELECT count(*) FROM operations WHERE kind IN ('book', 'block') AND result <> 'fail'",
    required=True,
)
