"""What breaks underneath: faults that begin, hit something, and are over by themselves.

A fault strikes a `Ground`, says what it hit, and has healed everything when it returns. Processes
are ended by pid, and only those that this program started; everything is on this machine.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from chaos.faults.proxy import Proxy

# What was hit, and how many of it; all zero: the fault did not happen.
Hit = dict[str, int]


class FaultError(Exception):
    """The fault cannot be made here; the message says why."""


@dataclass(slots=True)
class Ground:
    """What faults may strike. `over` is set when the attack has ended: then nothing lasts longer.

    `clients` and `storage` stand between the clients and the server, and between the server and its
    database. `demo` and `server` are processes that this program started, `disk` a small disk of
    its own with the database's files.
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
    over: threading.Event = field(default_factory=threading.Event)

    def last(self, seconds: float) -> None:
        """Let it go on for so long, or until the attack has ended."""
        self.over.wait(seconds)


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
