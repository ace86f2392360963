"""Who has which units of a calendar until when, in runs of units: a claim of billions costs no more
than one of two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, TypeVar

Time = TypeVar("Time", int, datetime)
Run = tuple[int, int]


class Territory(Generic[Time]):
    """The units of one calendar, for claims that come in order of their beginning."""

    def __init__(self) -> None:
        # Apart and in order: first unit, end, until when, and who has them.
        self._runs: list[tuple[int, int, Time, str]] = []

    def take(self, run: Run, begins: Time, ends: Time, who: str) -> Iterator[tuple[int, str]]:
        """Whoever still has some of the run: the first such unit of theirs, and who they are.

        The run is taken when all have been told.
        """
        first, end = run
        if first >= end:
            return
        low = bisect_right(self._runs, first, key=lambda known: known[0])
        low -= bool(low and self._runs[low - 1][1] > first)
        high = bisect_left(self._runs, end, key=lambda known: known[0])
        pieces: list[tuple[int, int, Time, str]] = []
        reached = first
        for begin, over, until, other in self._runs[low:high]:
            start, stop = max(begin, first), min(over, end)
            if begins < until:
                yield start, other
            pieces += [(begin, start, until, other), (reached, start, ends, who)]
            stays = ends < until
            pieces.append((start, stop, until if stays else ends, other if stays else who))
            pieces.append((stop, over, until, other))
            reached = stop
        pieces.append((reached, end, ends, who))
        self._runs[low:high] = sorted(
            (piece for piece in pieces if piece[0] < piece[1]), key=lambda piece: piece[0]
        )
