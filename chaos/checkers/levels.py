"""How many places of a slot were taken at each moment, and how many it had."""

from __future__ import annotations

import json
import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from chaos.checkers.registers import ANSWERED_WITHIN_SECONDS
from chaos.checkers.stands import prepare
from chaos.evidence import WHOLE, Evidence, Span

CAPACITY_ACTS = """
    SELECT o.kind, o.began, o.ended, o.result, o.asked, o.answer FROM aims a
    JOIN operations o ON o.n = a.n
    WHERE a.slot_id = ? AND o.kind IN ('resize', 'delete_slot') AND o.result <> 'fail'
      -- Of a slot that is there in the end, what nobody heard of deleted nothing.
      AND (o.kind = 'resize' OR o.result = 'ok'
           OR NOT EXISTS (SELECT 1 FROM slots s WHERE s.id = a.slot_id))
    ORDER BY o.began
"""
PUBLISHED = """
    SELECT o.began, o.ended, o.answer FROM operations o
    WHERE o.kind = 'publish' AND o.result = 'ok'
"""
SURE = """
    SELECT began, ended, quantity, starts, ends FROM sure
    WHERE slot_id = ? AND starts < ? AND ends > ?
"""
BOUNDS = "SELECT starts FROM may WHERE slot_id = ? UNION SELECT ends FROM may WHERE slot_id = ?"
# The slots whose places can be counted: those that the run has published, and was told of.
KNOWN = """
    SELECT slot_id FROM stage
    UNION SELECT json_extract(made.value, '$[0]')
    FROM operations, json_each(answer, '$.published') AS made
    WHERE kind = 'publish' AND result = 'ok'
"""
Row = tuple[Any, ...]


class Steps:
    """A number that changes at moments, such as places taken. It falls before it rises."""

    def __init__(self, stretches: Iterable[tuple[float, float, int]]) -> None:
        edges = []
        for begin, end, places in stretches:
            edges.append((begin, 1, places))
            if end < math.inf:
                edges.append((end, 0, -places))
        edges.sort()
        self.moments, self.levels = array("d"), array("q")
        level = 0
        for moment, _, change in edges:
            level += change
            self.moments.append(moment)
            self.levels.append(level)

    def between(self, begin: float, end: float) -> Iterator[int]:
        """The number at `begin`, and every other it becomes until `end`."""
        index = bisect_left(self.moments, begin)
        yield self.levels[index - 1] if index else 0
        last = bisect_right(self.moments, end)
        while index < last:
            yield self.levels[index]
            index += 1

    def reaches(self, places: int, begin: float, end: float) -> bool:
        """Whether so many were taken at some moment."""
        return any(level >= places for level in self.between(begin, end))

    def falls_to(self, places: int, begin: float, end: float) -> bool:
        """Whether no more than so many were taken at some moment."""
        return any(level <= places for level in self.between(begin, end))


class Peaks(Steps):
    """The most places taken in any part of a span, whoever takes which part of it.

    `rows`: began, ended, quantity, starts, ends. Heads are counted, at each time of the slot: who
    has which unit is nobody's business.
    """

    def __init__(self, rows: Iterable[Row], span: Span) -> None:
        those = [(*row[:3], max(row[3], span[0]), min(row[4], span[1])) for row in rows]
        bounds = sorted({bound for row in those for bound in row[3:]})
        if len(bounds) <= 2:
            super().__init__(row[:3] for row in those)
            return
        place = {bound: index for index, bound in enumerate(bounds)}
        edges = []
        for begin, end, places, starts, ends in those:
            edges.append((begin, 1, places, place[starts], place[ends]))
            if end < math.inf:
                edges.append((end, 0, -places, place[starts], place[ends]))
        edges.sort()
        self.moments, self.levels = array("d"), array("q")
        levels = [0] * (len(bounds) - 1)
        for moment, _, change, first, last in edges:
            for cell in range(first, last):
                levels[cell] += change
            self.moments.append(moment)
            self.levels.append(max(levels))


@dataclass(frozen=True, slots=True)
class Size:
    """A slot had this capacity at some moment of [began, ended], or may have had: from then on."""

    began: float
    ended: float
    surely: bool
    capacity: int


class Capacity:
    """The least and the most that a slot's capacity may have been, at each moment."""

    def __init__(self, sizes: list[Size]) -> None:
        self._constant = sizes[0].capacity if len(sizes) == 1 else None
        self._moments, self._least, self._most = array("d"), array("q"), array("q")
        if self._constant is None:
            self._walk(sizes)

    def _walk(self, sizes: list[Size]) -> None:
        edges = [(size.began, 0, index) for index, size in enumerate(sizes)]
        edges += [(size.ended, 1, index) for index, size in enumerate(sizes) if size.surely]
        possible: dict[int, Size] = {}
        for moment, ending, index in sorted(edges):
            if ending:
                # What came before this one, if at all, is over now.
                for other in [i for i, s in possible.items() if s.ended <= sizes[index].began]:
                    if other != index:
                        del possible[other]
            else:
                possible[index] = sizes[index]
            self._moments.append(moment)
            self._least.append(min(size.capacity for size in possible.values()))
            self._most.append(max(size.capacity for size in possible.values()))

    def least(self, begin: float, end: float) -> int:
        """No smaller at any moment of the time."""
        return self._constant if self._constant is not None else min(self._seen(begin, end)[0])

    def most(self, begin: float, end: float) -> int:
        """No larger at any moment of the time."""
        return self._constant if self._constant is not None else max(self._seen(begin, end)[1])

    def lowest_most(self, begin: float, end: float) -> int:
        """It surely came down to this somewhere in [begin, end), what begins at `end` left out."""
        if self._constant is not None:
            return self._constant
        first = max(bisect_right(self._moments, begin) - 1, 0)
        last = max(bisect_left(self._moments, end), first + 1)
        return min(self._most[first:last])

    def _seen(self, begin: float, end: float) -> tuple[array[int], array[int]]:
        first = max(bisect_right(self._moments, begin) - 1, 0)
        last = max(bisect_right(self._moments, end), first + 1)
        return self._least[first:last], self._most[first:last]


class Slots:
    """Every slot of the run with its capacity over time; slots that nobody knows are left out."""

    def __init__(self, evidence: Evidence) -> None:
        prepare(evidence)
        self._evidence = evidence
        self._sized: tuple[str, Capacity] | None = None
        always = -math.inf
        self.first: dict[str, Size] = {
            slot_id: Size(always, always, True, capacity)  # noqa: FBT003 - a field, not a flag
            for slot_id, capacity in evidence.query("SELECT slot_id, capacity FROM stage")
        }
        for began, ended, answer in evidence.query(PUBLISHED):
            for slot_id, capacity in json.loads(answer)["published"]:
                self.first[slot_id] = Size(began, ended, surely=True, capacity=capacity)

    def capacity(self, slot_id: str) -> Capacity:
        """How large the slot was."""
        if self._sized is None or self._sized[0] != slot_id:
            self._sized = (slot_id, self._capacity(slot_id))
        return self._sized[1]

    def _capacity(self, slot_id: str) -> Capacity:
        sizes = [self.first[slot_id]]
        for kind, began, ended, result, asked, answer in self._evidence.query(
            CAPACITY_ACTS, [slot_id]
        ):
            wanted = json.loads(answer).get("capacity") or json.loads(asked).get("capacity")
            places = 0 if kind == "delete_slot" else wanted
            told = result == "ok"
            until = ended if told else began + ANSWERED_WITHIN_SECONDS
            sizes.append(Size(began, until, told, places))
        return Capacity(sizes)

    def surely(self, slot_id: str, span: Span = WHOLE) -> Steps:
        """The most of its places that were surely taken at any time of the span."""
        rows = self._evidence.query(SURE, [slot_id, span[1], span[0]])
        return Peaks(rows, span)

    def possibly(self, slot_id: str, span: Span = WHOLE, *, lapsing: bool = True) -> Steps:
        """The most that may have been. `lapsing`: whether holds end by themselves."""
        end = "ended" if lapsing else "longer"
        statement = f"""
            SELECT began, {end}, quantity, starts, ends FROM may
            WHERE slot_id = ? AND starts < ? AND ends > ?
        """
        return Peaks(self._evidence.query(statement, [slot_id, span[1], span[0]]), span)

    def cells(self, slot_id: str, span: Span) -> Iterator[Span]:
        """The span, cut wherever somebody's part of the slot begins or ends."""
        bounds = {bound for (bound,) in self._evidence.query(BOUNDS, [slot_id, slot_id])}
        inside = sorted({*span, *(bound for bound in bounds if span[0] < bound < span[1])})
        yield from pairwise(inside)


def by_part(slots: Slots, rows: Iterator[Row]) -> Iterator[tuple[str, Span, Iterator[Row]]]:
    """The rest of the rows by their first three columns: a slot that is known, and the part."""
    for (slot_id, starts, ends), those in groupby(rows, key=lambda row: row[:3]):
        if slot_id in slots.first:
            yield slot_id, (starts, ends), (row[3:] for row in those)
