"""When which fault strikes: decided by the seed, one at a time, for as long as the attack lasts."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import psutil
import psycopg

from chaos.faults import Fault, FaultError, Ground
from chaos.faults.record import (
    BROKEN_OFF,
    OVER,
    Struck,
    announce_no_more,
    begin,
    end,
    have_struck,
    read_struck,
    striking,
)
from chaos.history import Clock
from chaos.run import HISTORY, read_run

# In the first round all come soon; a long run meets them again at this distance.
PAUSES_FIRST, PAUSES_LATER = (0.5, 1.2), (6.0, 12.0)
BACK_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.05


class Injector:
    """Strikes in a thread of its own from when the run in `folder` begins until the block ends.

    Every fault strikes once before any strikes again; their order is the seed's.
    """

    def __init__(self, faults: Sequence[Fault], ground: Ground, folder: Path, seed: int) -> None:
        self._faults, self._ground, self._folder = faults, ground, folder
        self._dice = random.Random(f"{seed} faults")
        self._thread = threading.Thread(target=self._work, name="faults")

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / OVER).unlink(missing_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ground.over.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            self._strike_until_over()
        finally:
            announce_no_more(self._folder)

    def _strike_until_over(self) -> None:
        over = self._ground.over
        while not (self._folder / HISTORY).exists():
            if over.wait(LOOK_SECONDS):
                return
        header, stage = read_run(self._folder)
        clock, pauses = Clock(header["clock_zero"]), PAUSES_FIRST
        self._ground.slots = list(stage.slots)
        number, struck_before = self._taken_up(clock), have_struck(self._folder)
        while True:
            for fault in self._dice.sample(self._faults, len(self._faults)):
                if fault.name in struck_before:
                    continue
                if over.wait(self._dice.uniform(*pauses)):
                    return
                number += 1
                with striking(self._folder) as allowed:
                    if not allowed:
                        return
                    begin(self._folder, clock, number, fault.name)
                    struck = self._struck(fault)
                    end(self._folder, clock, number, struck)
                if struck.back_seconds is None:
                    # Nothing that follows would say anything; the attack ends, and is convicted.
                    return
            pauses, struck_before = PAUSES_LATER, set()

    def _taken_up(self, clock: Clock) -> int:
        """How many faults there were before the run was taken up again; all are over now."""
        earlier = read_struck(self._folder)
        for number, one in enumerate(earlier, 1):
            if one.end is None:
                # Whoever made it was killed with the run.
                one.hit, one.back_seconds = {BROKEN_OFF: 1}, self._seconds_until_back()
                end(self._folder, clock, number, one)
        return len(earlier)

    def _struck(self, fault: Fault) -> Struck:
        struck = Struck(fault.name, 0.0)
        try:
            struck.hit = fault.strike(self._ground, self._dice)
        except (FaultError, psycopg.Error, OSError, psutil.Error) as error:
            struck.failed = f"{type(error).__name__}: {error}".strip()
        struck.back_seconds = self._seconds_until_back()
        return struck

    def _seconds_until_back(self) -> float | None:
        """How long it took from now until the service was there; None: too long."""
        healed = time.monotonic()
        while time.monotonic() < healed + BACK_SECONDS_MAX:
            if _serves(self._ground):
                return round(time.monotonic() - healed, 3)
            # Over before the judges have come: somebody broke the run off, and wants it to end.
            if self._ground.over.wait(LOOK_SECONDS):
                break
        return None


def _serves(ground: Ground) -> bool:
    """Whether the server says that it is ready, and its database answers us."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with (
        contextlib.suppress(OSError, psycopg.Error),
        opener.open(f"{ground.url}/readyz", timeout=5) as answer,
        psycopg.connect(ground.database_url, connect_timeout=5) as connection,
    ):
        return bool(answer.status == 200 and connection.execute("SELECT 1").fetchone())
    return False
