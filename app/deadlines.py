"""Ends what hangs: when something is not done in time, a thread of its own lets go of its socket.

Whoever waits on the socket then gets an error, as if the other side had hung up. What is done in
time costs two steps in a dictionary.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
TICK_SECONDS = 0.25


class Deadlines(Generic[Thing]):
    """Calls `end` with each thing that was begun and is not done within `seconds`.

    `end` is never called with what is already done: `done` waits while it is being ended. Nor with
    a thing that does not `hang`: that is looked at again until it is done, or hangs.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        end: Callable[[Thing], None],
        hangs: Callable[[Thing], bool] = lambda _: True,
    ) -> None:
        self._seconds, self._end, self._hangs = seconds, end, hangs
        self._running: dict[Hashable, tuple[float, Thing]] = {}
        self._ending = threading.Lock()
        threading.Thread(target=self._watch, name=name, daemon=True).start()

    def begin(self, key: Hashable, thing: Thing) -> None:
        """From now on `thing` has its time; `key` names it until it is done."""
        self._running[key] = (time.monotonic() + self._seconds, thing)

    def renew(self, key: Hashable) -> None:
        """What was begun with `key` has all its time again; nothing if it has been ended."""
        running = self._running.get(key)
        if running is not None:
            self._running[key] = (time.monotonic() + self._seconds, running[1])

    def done(self, key: Hashable) -> bool:
        """It is done; whether in time. Also for what was never begun."""
        if self._running.pop(key, None) is not None:
            return True
        with self._ending:
            return False

    def _watch(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            if self._running:
                self._end_late()

    def _end_late(self) -> None:
        now = time.monotonic()
        for key, running in self._running.copy().items():
            if running[0] > now:
                continue
            with self._ending:
                # Renewed or begun anew since, it has its time before it.
                if self._running.get(key) is running and self._hangs(running[1]):
                    self._running.pop(key, None)
                    self._end(running[1])


def hang_up(descriptor: int) -> None:
    """Shut the socket down for everybody who has it; nothing if there is none any more."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as same:
        same.shutdown(socket.SHUT_RDWR)
