"""What breaks underneath: faults that begin, hit something, and are over by themselves.

A fault strikes a `Ground`, says what it hit, and has healed everything when it returns. Processes
are ended by pid, and only those that this program started; everything is on this machine.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from chaos.faults.proxy import Proxy

# What was hit, and how many of it; all zero: the fault did not happen.
Hit = dict[str, int]


# For so long a fault waits at most for somebody to come.
HITTING_SECONDS_MAX = 60.0


class FaultError(Exception):
    """The fault cannot be made here; the message says why."""


@dataclass(slots=True)
class Ground:
    """What faults may strike. `over` is set when the attack has ended: then nothing lasts longer.

    `clients` and `storage` stand between the clients and the server, and between the server and its
    database. `demo` and `server` are processes that this program started, `disk` a small disk of
    its own with the database's files. `slots`: those of the run's beginning, and providers whose
    slots come and go; `providers`: all.
    """

    url: str
    database_url: str
    owner_url: str = ""
    clients: Proxy | None = None
    storage: Proxy | None = None
    demo: psutil.Process | None = None
    server: psutil.Process | None = None
    disk: Path | None = None
    slots: list[str] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def last(self, seconds: float, hits: Callable[[], int] = lambda: 1) -> None:
        """Let it go on for so long, or until the attack has ended; and, on a machine that has much
        else to do, until it has hit something.
        """
        until = time.monotonic() + HITTING_SECONDS_MAX
        self.over.wait(seconds)
        while not hits() and time.monotonic() < until and not self.over.wait(0.05):
            pass


Strike = Callable[[Ground, random.Random], Hit]


@dataclass(frozen=True, slots=True)
class Fault:
    """`strike` makes it, lets it last for seconds, heals it and says what it hit.

    `needs`: members of Ground that must be there. Raises FaultError, psycopg.Error, OSError.
    """

    name: str
    about: str
    strike: Strike
    needs: tuple[str, ...] = ()
