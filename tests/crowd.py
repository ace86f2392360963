"""A crowd of racers: released together, seen to overlap in the database, counted and checked."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from chaos.sweep import sweep
from tests.doors import Answer, Deed, Door
from tests.patience import wait_until
from tests.shop import Shop


@dataclass
class Crowd:
    """Racers with a door each. `at_once_max`: how many the doors let into the database together."""

    shop: Shop
    database_name: str
    monitor: psycopg.Connection
    open_door: Callable[[int], Door]
    at_once_max: int
    doors: list[Door] = field(default_factory=list)

    def race(
        self, deeds: Sequence[Deed], *, gate: Iterable[uuid.UUID], waiting_min: int = 1000
    ) -> list[Answer]:
        """Do all deeds at the same moment and return their answers, in order.

        The slots of `gate` are locked until as many racers as can be (or `waiting_min`) are seen to
        wait for them in one and the same moment: their transactions are then all open.
        """
        expected = min(len(deeds), self.at_once_max, waiting_min)
        with ThreadPoolExecutor(len(deeds)) as threads:
            start = threading.Barrier(len(deeds) + 1)
            with self.shop.owner.transaction():
                self.shop.owner.execute(
                    "SELECT FROM slots WHERE id = ANY (%s) ORDER BY id FOR UPDATE", [list(gate)]
                )
                racing = [
                    threads.submit(self._run, number, deed, start)
                    for number, deed in enumerate(deeds)
                ]
                start.wait()
                wait_until(
                    lambda: self.waiting() >= expected,
                    f"fewer than {expected} transactions at once",
                )
            answers = [racer.result() for racer in racing]
        print(f"{len(deeds)} racers, {expected} transactions at once: {counts(answers)}")
        self.check()
        return answers

    def rush(self, deeds: Sequence[Sequence[Deed]], *, at_once_min: int) -> list[Answer]:
        """Let each racer do its deeds one after the other, all racers at once, without a gate.

        At least `at_once_min` deeds must have been under way at one moment, by the clock that each
        door keeps; a SQL door's clock is the database's, read inside the transaction.
        """
        with ThreadPoolExecutor(len(deeds)) as threads:
            start = threading.Barrier(len(deeds))

            def run(number: int) -> list[Answer]:
                door = self.door(number)
                start.wait()
                return [door.do(deed) for deed in deeds[number]]

            answers = [a for found in threads.map(run, range(len(deeds))) for a in found]
        together = most_at_once(answers)
        print(f"{len(answers)} deeds, {together} at once: {counts(answers)}")
        assert together >= at_once_min
        self.check()
        return answers

    def door(self, number: int) -> Door:
        """The door of one racer."""
        return self.doors[number]

    def assemble(self, size: int) -> None:
        """Open a door for each racer, before the race."""
        while len(self.doors) < size:
            self.doors.append(self.open_door(len(self.doors)))

    def _run(self, number: int, deed: Deed, start: threading.Barrier) -> Answer:
        start.wait()
        return self.doors[number].do(deed)

    def waiting(self) -> int:
        """How many transactions wait for a lock in this database at this moment."""
        found: int = self.monitor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'",
            [self.database_name],
        ).fetchone()[0]
        return found

    def check(self) -> None:
        """Assert that nothing is wrong with the vendor's data, by the independent checker."""
        assert sweep(self.shop.owner, self.shop.vendor_id) == []

    def disperse(self) -> None:
        """Close every door."""
        for door in self.doors:
            door.close()


def counts(answers: Sequence[Answer]) -> dict[str, int]:
    """How many answers there were of each code."""
    return dict(sorted(Counter(answer.code for answer in answers).items()))


def most_at_once(answers: Sequence[Answer]) -> int:
    """The largest number of answers whose times all share a moment."""
    edges = [(a.began, 1) for a in answers] + [(a.ended, -1) for a in answers]
    running = most = 0
    for _, change in sorted(edges):
        running += change
        most = max(most, running)
    return most
