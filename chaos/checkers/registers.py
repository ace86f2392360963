"""What a vendor has set: one value at a time, and which of them may have held at a moment."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Generic, TypeVar

# Whoever has not been answered for so long is answered no more, and nothing comes of it: a request
# that its client has given up stands in a queue, a statement waits for locks, but all of them run
# out of time long before (the role's statement_timeout is ten seconds).
ANSWERED_WITHIN_SECONDS = 120.0
Moments = tuple[float, float]
Value = TypeVar("Value")


class Register(Generic[Value]):
    """A value, and the changes that somebody was told of, or was not."""

    def __init__(self, first: Value) -> None:
        always = -math.inf
        # Began, ended, whether surely, and what holds from then on.
        self._changes: list[tuple[float, float, bool, Value]] = [(always, always, True, first)]
        # How long the longest of them took, or may have taken.
        self._longest = 0.0

    def change(self, began: float, ended: float | None, value: Value, *, surely: bool) -> None:
        """It was set, or may have been. In order of the beginning."""
        if not surely or ended is None:
            surely, ended = False, began + ANSWERED_WITHIN_SECONDS
        self._changes.append((began, ended, surely, value))
        self._longest = max(self._longest, ended - began)

    def versions(self, when: Moments) -> list[Value]:
        """All that may have held at some moment of the time; at least one."""
        superseded, found = -math.inf, []
        index = bisect_right(self._changes, when[1], key=lambda change: change[0])
        while index:
            index -= 1
            began, ended, surely, value = self._changes[index]
            # Unless another surely came after it, and was there before.
            if ended >= superseded:
                found.append(value)
            if surely and ended <= when[0]:
                superseded = max(superseded, began)
            if began + self._longest < superseded:
                break
        return found
