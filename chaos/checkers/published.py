"""Which slots a provider had, from when to when, by the clients' clock."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS
from chaos.evidence import Evidence, Span, moment

STAGE = "SELECT slot_id, provider_id, starts, ends FROM stage"
PUBLISHED = """
    SELECT began, ended, result, asked, answer FROM operations
    WHERE kind = 'publish' AND result <> 'fail' ORDER BY began
"""
# From when on a slot may be gone, and from when on it surely is. Of one that is there in the end,
# what nobody heard of deleted nothing.
ENDS = """
    SELECT a.slot_id, min(o.began),
           COALESCE(min(CASE WHEN o.result = 'ok' THEN o.ended END), 9e999)
    FROM operations o JOIN aims a ON a.n = o.n
    WHERE o.kind = 'delete_slot' AND (
        o.result = 'ok'
        OR o.result = 'unknown' AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.id = a.slot_id))
    GROUP BY a.slot_id
"""
NEVER = (math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Published:
    """A slot. `slot_id` is empty where nobody was told it.

    It may have been there from `begun` to `gone`, and surely was from `told` to `going`.
    """

    slot_id: str
    provider_id: str
    span: Span
    begun: float
    told: float
    going: float
    gone: float

    def meets(self, span: Span) -> bool:
        """Whether they share a moment of the calendar."""
        return self.span[0] < span[1] and span[0] < self.span[1]


class Calendars:
    """The slots of all providers, for whoever asks in the order of the run's clock.

    What is gone for good is forgotten as the questions go on: a time that is published anew again
    and again costs no more than one that stays.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._ends = {slot_id: (going, gone) for slot_id, going, gone in evidence.query(ENDS)}
        self._coming = sorted(self._published(evidence), key=lambda slot: slot.begun)
        self._next = 0
        self._there: dict[str, list[Published]] = defaultdict(list)

    def between(self, provider_id: str, begin: float, end: float) -> list[Published]:
        """Those that may have been there at some moment of it; no `begin` before the last one."""
        while self._next < len(self._coming) and self._coming[self._next].begun <= end:
            slot = self._coming[self._next]
            self._there[slot.provider_id].append(slot)
            self._next += 1
        there = self._there[provider_id]
        there[:] = [slot for slot in there if slot.gone >= begin]
        return [slot for slot in there if slot.begun <= end]

    def is_gone(self, slot_id: str, at: float) -> bool:
        """Whether the slot surely was not there any more at that moment."""
        gone: float = self._ends.get(slot_id, NEVER)[1]
        return gone < at

    def _published(self, evidence: Evidence) -> Iterator[Published]:
        for slot_id, provider_id, starts, ends in evidence.query(STAGE):
            always = (-math.inf, -math.inf)
            until = self._ends.get(slot_id, NEVER)
            yield Published(slot_id, provider_id, (starts, ends), *always, *until)
        published = [
            (began, ended, result, json.loads(asked), json.loads(answer).get("published", ()))
            for began, ended, result, asked, answer in evidence.query(PUBLISHED)
        ]
        # By provider and time: when somebody surely published it, and so found it empty.
        empty: dict[tuple[str, Span], list[tuple[float, float]]] = defaultdict(list)
        for began, ended, result, wanted, _ in published:
            for one in wanted["published"] if result == "ok" else ():
                empty[wanted["provider_id"], _time(one)].append((began, ended))
        for began, ended, result, wanted, made in published:
            # Of several in one answer it is not said which is which.
            known = result == "ok" and len(wanted["published"]) == len(made) == 1
            slot_id, told = (made[0][0], ended) if known else ("", math.inf)
            until = self._ends.get(slot_id, NEVER)
            for one in wanted["published"]:
                span = _time(one)
                if result == "unknown":
                    until = (math.inf, _gone(began, empty[wanted["provider_id"], span]))
                yield Published(slot_id, wanted["provider_id"], span, began, told, *until)


def _time(published: dict[str, str]) -> Span:
    return moment(published["start"]), moment(published["end"])


def _gone(began: float, empty: list[tuple[float, float]]) -> float:
    """By when what nobody heard of was not there, or not any more."""
    index = bisect_left(empty, began + ANSWERED_WITHIN_SECONDS, key=lambda one: one[0])
    return empty[index][1] if index < len(empty) else math.inf
