"""How many places of a slot were taken at each moment, and how many it had."""

from __future__ import annotations

import json
import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chaos.checkers.stands import prepare
from chaos.evidence import Evidence

CAPACITY_ACTS = """
    SELECT o.kind, o.began, o.ended, o.result, o.asked, o.answer FROM aims a
    JOIN operations o ON o.n = a.n
    WHERE a.slot_id = ? AND o.kind IN ('resize', 'delete_slot') AND o.result <> 'fail'
    ORDER BY o.began
"""
PUBLISHED = """
    SELECT o.began, o.ended, o.answer FROM operations o
    WHERE o.kind = 'publish' AND o.result = 'ok'
"""


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


@dataclass(frozen=True, slots=True)
class Size:
    """A slot had this capacity at some moment of [began, ended], or may have had."""

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
        edges += [(s.ended, 1, i) for i, s in enumerate(sizes) if s.surely and s.ended < math.inf]
        possible: dict[int, Size] = {}
        for moment, ending, index in sorted(edges):
            if ending:
                # What surely came before this one is over now.
                for other in [i for i, s in possible.items() if s.ended <= sizes[index].began]:
                    if sizes[other].surely and other != index:
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

    def _seen(self, begin: float, end: float) -> tuple[array[int], array[int]]:
        first = max(bisect_right(self._moments, begin) - 1, 0)
        last = max(bisect_right(self._moments, end), first + 1)
        return self._least[first:last], self._most[first:last]


class Slots:
    """Every slot of the run with its capacity over time; slots that nobody knows are left out."""

    def __init__(self, evidence: Evidence) -> None:
        prepare(evidence)
        self._evidence = evidence
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
        sizes = [self.first[slot_id]]
        for kind, began, ended, result, asked, answer in self._evidence.query(
            CAPACITY_ACTS, [slot_id]
        ):
            wanted = json.loads(answer).get("capacity") or json.loads(asked).get("capacity")
            places = 0 if kind == "delete_slot" else wanted
            told = result == "ok"
            sizes.append(Size(began, ended if told else math.inf, told, places))
        return Capacity(sizes)

    def surely(self, slot_id: str) -> Steps:
        """How many of its places were surely taken."""
        statement = "SELECT began, ended, quantity FROM sure WHERE slot_id = ?"
        return Steps(self._evidence.query(statement, [slot_id]))

    def possibly(self, slot_id: str, *, lapsing: bool = True) -> Steps:
        """How many may have been. `lapsing`: whether holds end by themselves."""
        end = "ended" if lapsing else "longer"
        statement = f"SELECT began, {end}, quantity FROM may WHERE slot_id = ?"
        return Steps(self._evidence.query(statement, [slot_id]))
