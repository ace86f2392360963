"""Which slots a provider had, from when to when, by the clients' clock."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from chaos.evidence import Evidence, Span, moment

STAGE = "SELECT slot_id, provider_id, starts, ends FROM stage"
PUBLISHED = """
    SELECT began, ended, result, asked, answer FROM operations
    WHERE kind = 'publish' AND result <> 'fail'
"""
# From when on a slot may be gone, and from when on it surely is.
ENDS = """
    SELECT a.slot_id, min(o.began),
           COALESCE(min(CASE WHEN o.result = 'ok' THEN o.ended END), 9e999)
    FROM operations o JOIN aims a ON a.n = o.n
    WHERE o.kind = 'delete_slot' AND o.result <> 'fail' GROUP BY a.slot_id
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
        for began, ended, result, asked, answer in evidence.query(PUBLISHED):
            wanted = json.loads(asked)
            made = json.loads(answer).get("published", ())
            # Of several in one answer it is not said which is which.
            known = result == "ok" and len(wanted["published"]) == len(made) == 1
            slot_id, told = (made[0][0], ended) if known else ("", math.inf)
            until = self._ends.get(slot_id, NEVER)
            for one in wanted["published"]:
                span = (moment(one["start"]), moment(one["end"]))
                yield Published(slot_id, wanted["provider_id"], span, began, told, *until)
