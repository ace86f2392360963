"""Time that vendors open and close: what is closed or busy is nobody's, what is free is anybody's.

Reckoned from what was asked for and answered: hours, exceptions, time off, calendars, bookings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chaos.checkers import Checker, Finding
from chaos.checkers.openings import BY_TIME, HALF_HOUR, Openings, cells, of_cell
from chaos.checkers.places import OCCUPYING, units_of
from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS, Moments
from chaos.evidence import Evidence, moment

# Of a booking by time nobody was told the slots: who wants a cancelled one again names none.
AGAIN = """
    o.kind = 'confirm' AND o.ended IS NOT NULL AND json_extract(o.asked, '$.start') IS NOT NULL
    AND json_array_length(o.asked, '$.slots') = 0
"""
# It was cancelled when they asked: surely by then, and nobody else can have confirmed it since.
GIVEN_BACK = f"""
    EXISTS (
        SELECT 1 FROM operations gone
        WHERE gone.booking_id = o.booking_id AND gone.kind = 'cancel' AND gone.result = 'ok'
          AND gone.ended <= o.began AND NOT EXISTS (
            SELECT 1 FROM operations other
            WHERE other.booking_id = o.booking_id AND other.kind = 'confirm' AND other.n <> o.n
              AND other.result <> 'fail' AND other.began <= o.ended
              AND CASE other.result WHEN 'ok' THEN other.ended
                  ELSE other.began + {ANSWERED_WITHIN_SECONDS} END >= gone.began))
"""
BOOKED = f"""
    SELECT n, attacker, began, ended, json_extract(asked, '$.provider_id'), starts, ends
    FROM operations WHERE {BY_TIME} AND result = 'ok'
    UNION ALL
    SELECT o.n, o.attacker, o.began, o.ended, b.provider_id, o.starts, o.ends
    FROM operations o JOIN bookings b ON b.id = o.booking_id
    WHERE {AGAIN} AND o.result = 'ok' AND {GIVEN_BACK}
"""
# Who asks while slots become others may find them gone, and is to ask again: once somebody
# publishes whom we do not hear of, and not while anybody does of whom we do. Both times it must
# have been there.
NOT_THERE = {"SLOT_NOT_FOUND", "VALIDATION_ERROR"}
REFUSED = f"""
    SELECT n, attacker, CASE WHEN code IN ('SLOT_NOT_FOUND', 'VALIDATION_ERROR') THEN first
                        ELSE began END AS began,
           ended, provider, starts, ends, code, quantity, json_extract(answer, '$.available')
    FROM (
        SELECT n, attacker, began, ended, result, asked, answer, starts, ends, code, quantity,
               json_extract(asked, '$.provider_id') AS provider,
               lag(began, 1, began) OVER (PARTITION BY attacker ORDER BY n) AS first
        FROM operations WHERE {BY_TIME})
    WHERE result = 'fail' AND (
        code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY')
        OR code IN ('SLOT_NOT_FOUND', 'VALIDATION_ERROR') AND json_extract(asked, '$.again'))
    UNION ALL
    SELECT o.n, o.attacker, o.began, o.ended, b.provider_id, o.starts, o.ends, o.code, o.quantity,
           json_extract(o.answer, '$.available')
    FROM operations o JOIN bookings b ON b.id = o.booking_id
    WHERE {AGAIN} AND o.result = 'fail'
      AND o.code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY')
    ORDER BY 5, 6, 7
"""
# What was asked to be had again is gone only if the vendor has changed something. Slots follow late
# when bookings have kept them, so nothing must have changed since the run began.
GONE = f"""
    SELECT o.n, o.attacker, o.ended, b.provider_id
    FROM operations o JOIN bookings b ON b.id = o.booking_id
    WHERE {AGAIN} AND o.result = 'fail' AND o.code = 'SLOT_NOT_FOUND'
"""
OFFERED = """
    SELECT n, attacker, began, ended, quantity, answer FROM operations
    WHERE kind IN ('book', 'confirm') AND result = 'fail' AND answer LIKE '%"alternatives"%'
      AND starts > 0
"""
READ = """
    SELECT n, attacker, began, ended, asked, answer FROM operations
    WHERE kind = 'read' AND result = 'ok' AND json_extract(asked, '$.provider_id') IN (
        SELECT key FROM json_each((SELECT value FROM run WHERE key = 'calendars')))
    ORDER BY began
"""
HELD = f"""
    SELECT b.id, b.provider_id, o.starts, o.ends, c.starts, c.ends, c.provider_id
    FROM (SELECT token, starts, ends FROM operations WHERE {BY_TIME}) AS o
    JOIN bookings b ON b.token = o.token LEFT JOIN claims c ON c.booking_id = b.id
    WHERE b.status IN {OCCUPYING!r} ORDER BY b.id, c.starts
"""
LAST = "SELECT max(max(began, COALESCE(ended, began))) FROM operations"
CLAIMED = """
    SELECT c.starts, c.ends, c.units, b.kind FROM claims c JOIN bookings b ON b.id = c.booking_id
    WHERE c.provider_id = ?
"""


def _in_closed_time(evidence: Evidence) -> Iterator[Finding]:
    openings = Openings.of(evidence)
    for n, attacker, began, ended, provider, starts, ends in evidence.query(BOOKED):
        calendar, when = openings.calendars[provider], (began, ended)
        wanted = {*cells((starts, ends))}
        about = f"operation {n} by {attacker}: {provider} from {starts} to {ends}"
        if not wanted <= calendar.possibly_open(when):
            yield Finding("booked_though_closed", about)
        if wanted & calendar.surely_busy(when):
            yield Finding("booked_though_busy", about)


def _refused_in_vain(evidence: Evidence) -> Iterator[Finding]:
    openings = Openings.of(evidence)
    for n, attacker, began, ended, provider, *span, code, quantity, left in evidence.query(REFUSED):
        calendar, when, (starts, ends) = openings.calendars[provider], (began, ended), span
        wanted, time = {*cells((starts, ends))}, (starts, ends)
        about = f"operation {n} by {attacker}: {quantity} of {provider} from {starts} to {ends}"
        if (
            wanted <= calendar.surely_open(when)
            and not wanted & calendar.possibly_busy(when)
            and not (code in NOT_THERE and calendar.changing(when))
            and not openings.possibly(provider, time).reaches(
                _taken_at_least(code, calendar.capacity, quantity, left), *when
            )
        ):
            yield Finding("refused_though_open_and_free", f"{about}: {code}, {left} left")
        if left and not openings.surely(provider, time).falls_to(calendar.capacity - left, *when):
            yield Finding("said_to_be_left_but_taken", f"{about}: {code}, {left} left")
    for n, attacker, ended, provider in evidence.query(GONE):
        if openings.calendars[provider].untouched(ended):
            about = f"operation {n} by {attacker}: what {provider} had is said to have changed"
            yield Finding("gone_though_nothing_changed", about)


def _taken_at_least(code: str, capacity: int, quantity: int, left: int | None) -> int:
    """How many places others must have had at some moment of the time, where most were taken."""
    if code == "BOOKING_CONFLICT":
        return capacity
    return capacity - (quantity - 1 if left is None else left)


def _shown_otherwise(evidence: Evidence) -> Iterator[Finding]:
    openings = Openings.of(evidence)
    for n, attacker, began, ended, text, said in evidence.query(READ):
        asked = json.loads(text)
        window = range(*(moment(asked[name]) // HALF_HOUR for name in ("start", "end")))
        shown, day = _places(json.loads(said)), _Day(openings, asked["provider_id"], (began, ended))
        for cell in window:
            kind = day.untrue(cell, shown.get(cell, 0))
            if kind:
                words = f"operation {n} by {attacker}: {shown.get(cell, 0)} at {of_cell(cell)[0]}"
                yield Finding(kind, words)
    yield from _offered_otherwise(evidence, openings)


def _offered_otherwise(evidence: Evidence, openings: Openings) -> Iterator[Finding]:
    """What is offered instead of a time, of whomever: open, not busy and free at some moment."""
    for n, attacker, began, ended, quantity, said in evidence.query(OFFERED):
        for _, places, *part in json.loads(said)["alternatives"]:
            # Of whole slots it is not said when they are, nor whose.
            if len(part) < 3 or part[2] not in openings.calendars:
                continue
            day = _Day(openings, part[2], (began, ended))
            kinds = (
                day.untrue(cell, max(places, quantity or 1))
                for cell in cells((moment(part[0]), moment(part[1])))
            )
            kind = next((kind for kind in kinds if kind.startswith("shown_")), "")
            if kind:
                words = f"operation {n} by {attacker}: {places} of {part[2]} at {part[0]}"
                yield Finding(kind.replace("shown", "offered"), words)


def _places(answer: dict[str, Any]) -> dict[int, int]:
    """By half hour, how many places a list shows to be free."""
    return {
        cell: places
        for slot in answer.get("parts", {}).values()
        for start, end, places in slot["free"]
        for cell in cells((moment(start), moment(end)))
    }


class _Day:
    """What a list could show of a provider's time while somebody looked."""

    def __init__(self, openings: Openings, provider: str, when: Moments) -> None:
        self._openings, self._provider, self._when = openings, provider, when
        calendar = openings.calendars[provider]
        self._capacity = calendar.capacity
        self._possible = calendar.possibly_open(when)
        self._busy = calendar.surely_busy(when)
        self._sure = calendar.surely_open(when) - calendar.possibly_busy(when)

    def untrue(self, cell: int, places: int) -> str:
        """What is wrong with so many places' being shown in the half hour; nothing if it was so."""
        span, when = of_cell(cell), self._when
        if places:
            if cell not in self._possible:
                return "shown_though_closed"
            if cell in self._busy:
                return "shown_though_busy"
            taken = self._openings.surely(self._provider, span)
            if not taken.falls_to(self._capacity - places, *when):
                return "shown_though_taken"
        if cell in self._sure:
            possible = max(self._openings.possibly(self._provider, span).between(*when))
            if places < self._capacity - possible:
                return "free_but_not_shown"
        return ""


def _disagreeing(evidence: Evidence) -> Iterator[Finding]:
    openings = Openings.of(evidence)
    for booking_id, rows in groupby(evidence.query(HELD), key=lambda row: str(row[0])):
        yield from _held(booking_id, list(rows))
    last = evidence.one(LAST) or 0.0
    for provider, calendar in openings.calendars.items():
        for cell, taken in openings.all_taken(provider):
            if taken.reaches(calendar.capacity + 1, 0, last):
                words = f"{provider} at {of_cell(cell)[0]}"
                yield Finding("more_than_there_are_places", words)
        yield from _blocked(evidence, openings, provider, (last, last))


def _held(booking_id: str, rows: list[tuple[Any, ...]]) -> Iterator[Finding]:
    """Slots may have been cut since; the claims join, and are all of the time asked for."""
    _, provider, starts, ends, *_ = rows[0]
    claims = [row[4:] for row in rows]
    reached = starts
    for begin, end, whose in claims:
        if begin != reached or whose != provider:
            break
        reached = end
    if reached != ends:
        yield Finding("another_time_than_asked", f"booking {booking_id}: {claims}")


def _blocked(
    evidence: Evidence, openings: Openings, provider: str, when: Moments
) -> Iterator[Finding]:
    """In the end, when nobody asks for anything any more."""
    calendar = openings.calendars[provider]
    taken: dict[int, int] = {}
    blocked: set[int] = set()
    for starts, ends, units, kind in evidence.query(CLAIMED, [provider]):
        for cell in cells((starts, ends)):
            taken[cell] = taken.get(cell, 0) + sum(end - first for first, end in units_of(units))
            if kind == "block":
                blocked.add(cell)
    for cell in sorted(calendar.surely_open(when) & calendar.surely_busy(when)):
        if taken.get(cell, 0) < calendar.capacity:
            words = f"{provider} at {of_cell(cell)[0]}: {taken.get(cell, 0)} taken"
            yield Finding("busy_but_left_open", words)
    for cell in sorted(blocked - calendar.possibly_busy(when)):
        yield Finding("blocked_though_not_busy", f"{provider} at {of_cell(cell)[0]}")


CLOSED = Checker(
    "closed_time_is_nobodys",
    "Nobody is booked, for the first time or again, in time that was surely closed, or surely busy,"
    " all the time between question and answer.",
    _in_closed_time,
    f"SELECT count(*) FROM ({BOOKED})",
)
OPEN = Checker(
    "open_time_is_anybodys",
    "Nobody is refused time that was surely open, free and not busy all the time between question"
    " and answer, is told wrongly how many places are left, or hears of slots that have gone where"
    " nothing was ever changed.",
    _refused_in_vain,
    f"SELECT count(*) FROM ({REFUSED})",
)
SHOWN = Checker(
    "open_time_is_shown",
    "What an availability list shows of a provider's time, or is offered instead, was open, not"
    " busy and free at some moment between question and answer, and what a list leaves out was not"
    " at some moment.",
    _shown_otherwise,
    f"SELECT count(*) FROM ({READ})",
)
KEPT = Checker(
    "calendars_are_kept",
    "No more is acknowledged of a provider's time than there are places, whoever has some has just"
    " that, and in the end blocks stand in busy time and nowhere else.",
    _disagreeing,
    f"SELECT count(*) FROM operations WHERE {BY_TIME} AND result = 'ok'",
)
CALENDARS = (CLOSED, OPEN, SHOWN, KEPT)
