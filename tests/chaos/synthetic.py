"""A history as long as one likes, in which all is well: to measure what judging it takes.

`python -m tests.chaos.synthetic 1000000 FOLDER` prints seconds and the most memory used.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from chaos.checkers import judge
from chaos.checkers.all import CHECKERS
from chaos.checkers.calendars import CALENDARS
from chaos.checkers.renewals import RENEWALS
from chaos.checkers.services import SERVICES
from chaos.evidence import Evidence
from chaos.history import read_history
from chaos.run import EVIDENCE, HISTORY
from tests.chaos.synthetic_days import DESCRIBED, SETTLED, Hours, Practice, Salon, Told, begun

# Those of workloads, but for what must have happened.
OWN = (*SERVICES, *CALENDARS, RENEWALS)
HEADER = {"seed": 1, **DESCRIBED}
# Of a hundred operations, so many are of each day; of a hundred who could, so many renew a token.
SHARES, RENEWED = {Hours: 6, Salon: 10, Practice: 12}, 2
SLOTS, CAPACITY, HOUR = 20, 5, 3_600_000_000
STEP = 0.0005


class Synthetic:
    """A vendor of a few slots, where everybody books, is refused, or cancels; 30 at once. And a day
    that is booked by the hour, one of services, and one of a schedule.
    """

    def __init__(self, operations: int, seed: int = 1):
        self.operations, self.dice = operations, random.Random(seed)
        self.standing: list[list[tuple[str, int]]] = [[] for _ in range(SLOTS)]
        self.bookings: dict[str, list] = {}
        self.number = 0
        # When each slot was last left by somebody.
        self._left: dict[int, int] = {}
        self._renewed: dict[str, int] = defaultdict(int)
        self._days = [day() for day in SHARES]

    def write(self, path: Path) -> None:
        """Both lines of every operation: answers come 30 operations after their questions."""
        under_way: list[str] = []
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"run": {"seed": 1}}) + "\n")
            for asked, answered in self._operations():
                file.write(asked)
                under_way.append(answered)
                if len(under_way) > 30:
                    file.write(under_way.pop(0))
            file.writelines(under_way)

    def _operations(self) -> Iterator[tuple[str, str]]:
        while self.number < self.operations:
            self.number += 1
            shares = [100 - sum(SHARES.values()), *SHARES.values()]
            (day,) = self.dice.choices([None, *self._days], shares)
            if day is not None:
                yield self._lines(*day.act(self.number, self.dice))
            else:
                yield self._of_a_slot(self.dice.randrange(SLOTS))

    def _of_a_slot(self, slot: int) -> tuple[str, str]:
        full = len(self.standing[slot]) == CAPACITY
        # What was booked or cancelled lately is still on its way to its client.
        settled = [s for s in self.standing[slot] if self.number - s[1] > SETTLED]
        if settled and self.dice.random() < RENEWED / 100:
            return self._renews(slot, settled[0][0])
        if settled and self.dice.random() < 0.25:
            return self._cancels(slot, settled[0])
        if full:
            kind = "block" if self.dice.random() < 0.1 else "book"
            return self._line(kind, slot, "fail", "BOOKING_CONFLICT", self._others())
        if self._rested(slot):
            return self._books(slot)
        return self._line("read", slot, "ok", "SHOWN", {"shown": {}})

    def _rested(self, slot: int) -> bool:
        return self.number - self._left.get(slot, -100) > SETTLED

    def _books(self, slot: int) -> tuple[str, str]:
        booking_id = f"b{self.number:09}"
        unit = min(set(range(1, 6)) - {u for _, _, u in self._units(slot)})
        self.standing[slot].append((booking_id, self.number))
        self.bookings[booking_id] = [slot, unit, "confirmed", f"t{self.number}"]
        answer = {"booking_id": booking_id, "quantity": 1}
        return self._line("book", slot, "ok", "CONFIRMED", answer)

    def _units(self, slot: int):
        return [(b, n, self.bookings[b][1]) for b, n in self.standing[slot]]

    def _cancels(self, slot: int, which: tuple[str, int]) -> tuple[str, str]:
        self.standing[slot].remove(which)
        self.bookings[which[0]][2] = "cancelled"
        self._left[slot] = self.number
        return self._line("cancel", slot, "ok", "CANCELLED", {}, booking_id=which[0])

    def _renews(self, slot: int, booking_id: str) -> tuple[str, str]:
        self._renewed[booking_id] += 1
        return self._line("renew", slot, "ok", "RENEWED", {}, booking_id=booking_id)

    def _others(self) -> dict:
        free = [n for n, s in enumerate(self.standing) if len(s) < CAPACITY][:3]
        return {"alternatives": [[[f"slot {n}"], 1] for n in free]}

    def _line(self, kind, slot, result, code, answer, **more) -> tuple[str, str]:
        asked = {"slots": [f"slot {slot}"], "quantity": 1, **more}
        if kind == "book":
            asked["token"] = f"t{self.number}"
        return self._lines(kind, asked, result, code, answer)

    def _lines(self, *told: *Told) -> tuple[str, str]:
        kind, asked, result, code, answer = told
        n, began = self.number, self.number * STEP
        first = {"op": n, "at": began, "attacker": f"A {n % 30}", "door": "sql"}
        second = {"op": n, "at": began + 29 * STEP, "result": result, "code": code}
        return (
            json.dumps({**first, "kind": kind, "asked": asked}) + "\n",
            json.dumps({**second, "answer": answer}) + "\n",
        )

    def rows(self) -> dict:
        """What the database holds at the end."""
        slots = [(f"slot {n}", "p", n * HOUR, (n + 1) * HOUR, CAPACITY) for n in range(SLOTS)]
        found = {
            "stage": [(slot[0], "p", CAPACITY, *slot[2:4]) for slot in slots],
            "slots": slots,
            "bookings": [*self._bookings()],
            "claims": [*self._claims()],
            "events": [*self._events()],
        }
        for day in self._days:
            for table, row in day.rows():
                found[table].append(row)
        return found

    def _bookings(self):
        for booking_id, (slot, _, status, token) in self.bookings.items():
            version = (1 if status == "confirmed" else 2) + self._renewed[booking_id]
            shape = (status, 1, 1, version, token, f'["slot {slot}"]', "p", None)
            yield (booking_id, "appointment", *shape)

    def _claims(self):
        for booking_id, (slot, unit, status, _) in self.bookings.items():
            if status == "confirmed":
                times = (slot * HOUR, (slot + 1) * HOUR)
                yield (booking_id, 1, f"slot {slot}", "p", *times, f"{{[{unit},{unit + 1})}}")

    def _events(self):
        for booking_id, (slot, _, status, _) in self.bookings.items():
            yield (booking_id, 1, "confirmed", json.dumps(begun(f"slot {slot}")))
            times = self._renewed[booking_id]
            for n in range(times):
                yield (booking_id, 2 + n, "changed", f'{{"token_version":{{"to":{n + 2}}}}}')
            if status == "cancelled":
                change = '{"status":{"from":"confirmed","to":"cancelled"}}'
                yield (booking_id, 2 + times, "cancelled", change)


def measure(operations: int, folder: Path):
    """Write, load and judge; the verdicts, and the processor's seconds that it took to load, to
    judge as every run is, and as runs of services and calendars are.
    """
    made = Synthetic(operations)
    made.write(folder / HISTORY)
    # What others do on this machine meanwhile is not the judges'.
    at = [time.process_time()]
    (folder / EVIDENCE).unlink(missing_ok=True)
    evidence = Evidence(folder / EVIDENCE)
    evidence.fill(HEADER, read_history(folder / HISTORY), made.rows())
    verdicts = []
    for checkers in ((), CHECKERS, OWN):
        verdicts += judge(evidence, checkers)
        at.append(time.process_time())
    evidence.close()
    return verdicts, *(later - earlier for earlier, later in pairwise(at))


if __name__ == "__main__":
    found, load, *judged = measure(int(sys.argv[1]), Path(sys.argv[2]))
    for verdict in found:
        print(f"{verdict.status} {verdict.checker:<28}{verdict.examined:>9} {verdict.seconds:>8} s")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    words = f"loaded in {load:.1f} s, judged in {judged[0]:.1f} and {judged[1]:.1f} s, {most} MiB"
    print(f"{sys.argv[1]} operations: {words}")
