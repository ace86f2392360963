"""When which fault strikes: decided by the seed, one at a time, for as long as the attack lasts."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Self

import psycopg

from chaos.faults import Fault, Ground
from chaos.faults.record import (
    BROKEN_OFF,
    OVER,
    Struck,
    announce_no_more,
    begin,
    end,
    read_struck,
    striking,
)
from chaos.history import Clock
from chaos.run import HISTORY, read_run

# In the first round all come soon; a long run meets them again at a distance at which most of the
# time nothing is broken, and nothing excuses a failure.
PAUSES_FIRST, PAUSES_LATER = (0.5, 1.2), (25.0, 40.0)
# By itself, however busy the machine: the report says how long it really took.
BACK_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.05


def planned(faults: Sequence[Fault], seed: int) -> Iterator[tuple[float, Fault]]:
    """What strikes one after another, each after so many seconds of peace; without end.

    Every fault strikes once before any strikes again. The same faults and seed: the same plan.
    """
    dice, pauses = random.Random(f"{seed} faults"), PAUSES_FIRST
    while faults:
        for fault in dice.sample(faults, len(faults)):
            yield dice.uniform(*pauses), fault
        pauses = PAUSES_LATER


class Injector:
    """Strikes in a thread of its own from when the run in `folder` begins until the block ends.

    It strikes as `planned` for the seed; a run that is taken up goes on where its plan was.
    """

    def __init__(self, faults: Sequence[Fault], ground: Ground, folder: Path, seed: int) -> None:
        self._faults, self._ground, self._folder, self._seed = faults, ground, folder, seed
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
        clock = Clock(header["clock_zero"])
        # Of whose slots come and go, all that are there.
        self._ground.slots = [*stage.slots, *stage.calendars]
        self._ground.providers = [*stage.providers]
        number, done = self._taken_up(clock)
        for pause, fault in islice(planned(self._faults, self._seed), done, None):
            if over.wait(pause):
                return
            number += 1
            with striking(self._folder) as allowed:
                if not allowed:
                    return
                begin(self._folder, clock, number, fault.name)
                struck = self._struck(fault, number)
                if struck.back_seconds is None and over.is_set():
                    # Somebody broke the run off meanwhile, and what then was not back is to be.
                    return
                end(self._folder, clock, number, struck)
            if struck.back_seconds is None:
                # Nothing that follows would say anything; the attack ends, and is convicted.
                return

    def _taken_up(self, clock: Clock) -> tuple[int, int]:
        """How many faults there were before the run was taken up again, and how many of the plan
        are done: one that broke off with the run is to strike once more. All are over now.
        """
        earlier = read_struck(self._folder)
        for number, one in enumerate(earlier, 1):
            if one.end is None:
                # Whoever made it was killed with the run.
                one.hit, one.back_seconds = {BROKEN_OFF: 1}, self._seconds_until_back()
                if one.back_seconds is None and self._ground.over.is_set():
                    continue
                end(self._folder, clock, number, one)
        return len(earlier), sum(BROKEN_OFF not in one.hit for one in earlier)

    def _struck(self, fault: Fault, number: int) -> Struck:
        struck = Struck(fault.name, 0.0)
        try:
            struck.hit = fault.strike(self._ground, random.Random(f"{self._seed} fault {number}"))
        except Exception as error:  # noqa: BLE001 - one that never ends excuses all that follows
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
        opener.open(f"{ground.url}/readyz", timeout=10) as answer,
        psycopg.connect(ground.database_url, connect_timeout=10) as connection,
    ):
        return bool(answer.status == 200 and connection.execute("SELECT 1").fetchone())
    return False
