"""One run of an attack: its folder, its clock, and the state that all its users share."""

from __future__ import annotations

import json
import os
import platform
import random
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chaos.course import note_break
from chaos.faults.record import FAULTS, all_have_struck
from chaos.history import Asked, Clock, HistoryWriter, Operation, Outcome, read_history
from chaos.stage import Stage
from chaos.target import Target

__all__ = ["EVIDENCE", "FAULTS", "HISTORY", "RUN", "VERDICT", "Pool", "Run", "new_folder"]

HISTORY, RUN, VERDICT, EVIDENCE = "history.jsonl", "run.json", "verdict.json", "evidence.db"
RUNS = Path(".slotkeeper/chaos")
# So much is remembered of what could be cancelled, retried or looked at; the rest is in the file.
REMEMBERED_MAX = 5000
# When all faults are over, so many more are asked for, for longer than a fault excuses those who
# were answered, and hardly longer than it excuses anybody.
CALM_ATTEMPTS, CALM_SHARE = 100, 0.02
CALM_SECONDS, CALM_SECONDS_MAX = 1.0, 12.0
# The pid of the process without which the users attack nothing that is there.
ENDS_WITH = "CHAOS_ENDS_WITH"
# What sets clocks right little by little makes them faster or slower by no more.
DAY_DRIFT = 0.001
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(slots=True)
class Pool:
    """The latest things of a kind, for attackers to choose from; bounded."""

    things: deque[Any] = field(default_factory=lambda: deque(maxlen=REMEMBERED_MAX))

    def add(self, thing: Any) -> None:
        """Let others choose it."""
        self.things.append(thing)

    def pick(self, dice: random.Random, *, keep: bool = True) -> Any | None:
        """One of the latest; None if there is none. `keep`: others may choose it too."""
        if not self.things:
            return None
        # Near the end: reaching into the middle of a deque takes time.
        index = -1 - min(int(dice.expovariate(0.1)), len(self.things) - 1)
        thing = self.things[index]
        if not keep:
            del self.things[index]
        return thing


@dataclass(slots=True)
class Run:
    """What all users of a run share. Greenlets take turns, so nothing needs a lock.

    `iterations`: how many operations all users together may ask for.
    """

    folder: Path
    target: Target
    stage: Stage
    header: dict[str, Any]
    clock: Clock
    history: HistoryWriter
    iterations: int
    # Bookings that were acknowledged and may be cancelled or confirmed: (operation, booking_id).
    standing: Pool = field(default_factory=Pool)
    holds: Pool = field(default_factory=Pool)
    blocks: Pool = field(default_factory=Pool)
    # Those whose slots the server has found, for a service or a time.
    found: Pool = field(default_factory=Pool)
    # Requests with a key whose answer is known, for liars to reuse: asked.
    keys: Pool = field(default_factory=Pool)
    # Customers who are to be erased, with what was booked for them.
    people: Pool = field(default_factory=Pool)
    # After how many operations the run was taken up again, if it was broken off.
    taken_up_at: int = 0
    # When the last fault was over: operations and seconds.
    healed_at: tuple[int, float] | None = None
    # Why the history could not be written any more, such as a full disk.
    unwritable: OSError | None = None

    @property
    def exhausted(self) -> bool:
        """Whether nobody may ask for anything any more: not before every fault has struck once, and
        some have asked since, with nothing broken.
        """
        if self.unwritable is not None:
            return True
        if self.history.invoked < self.iterations:
            return False
        if not self.faults:
            return True
        if self.healed_at is None:
            if not all_have_struck(self.folder, self.faults):
                return False
            self.healed_at = (self.history.invoked, self.clock.now())
        attempts, since = self.healed_at
        calm = max(CALM_ATTEMPTS, int(CALM_SHARE * attempts))
        passed = self.clock.now() - since
        return passed > CALM_SECONDS_MAX or (
            passed > CALM_SECONDS and self.history.invoked - attempts > calm
        )

    @property
    def faults(self) -> list[str]:
        """The names of what is to be broken meanwhile."""
        return faults_of(self.header)

    @property
    def seed(self) -> int:
        """What the plan was made from."""
        seed: int = self.header["seed"]
        return seed

    def perform(self, attacker: str, door: Any, kind: str, asked: Asked) -> Operation:
        """Ask through a door, and note before and after what came of it.

        `door.perform(kind, asked)` must answer with an Outcome and never raise.
        """
        try:
            operation = self.history.invoke(self.clock, attacker, door.name, kind, asked)
        except OSError as error:
            # What cannot be written down is not asked, and the run is over.
            self.unwritable = self.unwritable or error
            return Operation(0, attacker, door.name, kind, asked, self.clock.now())
        outcome: Outcome = door.perform(kind, asked)
        try:
            self.history.end(self.clock, operation, outcome)
        except OSError as error:
            self.unwritable = self.unwritable or error
        return operation

    def close(self) -> None:
        """Let go of the history. Raises OSError if not all of it could be written."""
        try:
            self.history.close()
        except OSError as error:
            self.unwritable = self.unwritable or error
        if self.unwritable is not None:
            raise self.unwritable

    def dice(self, name: str) -> random.Random:
        """The dice of one user: the seed's, and after a break others, lest all be asked again."""
        anew = f" {self.taken_up_at}" if self.taken_up_at else ""
        return random.Random(f"{self.seed} {name}{anew}")

    def recall(self, operations: Iterable[Operation]) -> float:
        """Remember what the users of a run that was broken off could choose from, in the order in
        which they were answered; the last moment of which anybody knows anything.
        """
        last = 0.0
        pools = ("standing", "found", "holds", "blocks", "keys")
        known: dict[str, dict[str, Any]] = {name: {} for name in pools}
        for operation in operations:
            last = max(last, operation.ended or operation.began)
            if operation.result == "ok":
                _note(operation, known)
                for things in known.values():
                    if len(things) > REMEMBERED_MAX:
                        del things[next(iter(things))]
        for name, things in known.items():
            pool: Pool = getattr(self, name)
            pool.things.extend(things.values())
        return last


def begin(
    folder: Path, target: Target, stage: Stage, settings: dict[str, Any], iterations: int
) -> Run:
    """A new run in an empty folder; `settings` are what repeats it (seed, workload, users, …).

    Raises ValueError when the folder has a run already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / HISTORY).exists():
        raise ValueError(f"{folder} has a run already: choose another, or --resume it.")
    clock = Clock.started_now()
    header = {
        **settings,
        "iterations": iterations,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "clock_zero": clock.zero,
        "day_ahead": day_ahead(),
        "boot": _boot(),
        "target": {"url": target.url, "vendor": target.vendor, "by_hand": bool(target.owner_url)},
        "commit": _commit(),
        "versions": _versions(),
        "machine": {"cores": _cores(), "system": f"{platform.system()} {platform.machine()}"},
    }
    kept = {"header": header, "stage": stage.as_json()}
    # All at once, so that whoever is killed meanwhile has not begun.
    unfinished = folder / f"{RUN}.part"
    unfinished.write_text(json.dumps(kept, indent=2))
    unfinished.replace(folder / RUN)
    history = HistoryWriter(folder / HISTORY, header)
    return Run(folder, target, stage, header, clock, history, iterations)


def take_up(folder: Path, target: Target) -> Run:
    """A run that was broken off, to be continued in the same folder with the same clock.

    Its users find what they could choose from before, with dice that go on from there.
    Raises ValueError after a restart of the machine, whose clock then began anew.
    """
    header, stage = read_run(folder)
    # Whoever was killed before anybody asked for anything may have none.
    (folder / HISTORY).touch()
    stage.follow(published(folder))
    clock = clock_of(header)
    if clock is None:
        raise ValueError("The machine has been restarted since: the run's clock is lost.")
    history = HistoryWriter(folder / HISTORY, header)
    run = Run(folder, target, stage, header, clock, history, header["iterations"])
    run.taken_up_at = history.invoked
    last = run.recall(read_history(folder / HISTORY))
    note_break(folder, run.taken_up_at, last, clock.now())
    return run


def clock_of(header: dict[str, Any]) -> Clock | None:
    """The clock of the run with this header; None after a restart of the machine."""
    return Clock(header["clock_zero"]) if header["boot"] == _boot() else None


def day_ahead() -> float:
    """By how many seconds the clock of the day, which servers go by, is ahead of the steady one."""
    return time.time() - time.monotonic()


def clock_moved(header: dict[str, Any], seconds: float) -> float:
    """By how much somebody has set the clock of the day since the run with this header began, so
    many seconds ago; a clock that merely goes slow or fast does not count.
    """
    before: float = header.get("day_ahead", day_ahead())
    moved = abs(day_ahead() - before)
    return max(0.0, moved - DAY_DRIFT * seconds)


def read_run(folder: Path) -> tuple[dict[str, Any], Stage]:
    """What run.json says: the header and the stage."""
    kept = json.loads((folder / RUN).read_text())
    return kept["header"], Stage.from_json(kept["stage"])


def published(folder: Path) -> Iterator[tuple[str, str, str, int]]:
    """What was published in the course of the run: provider, start, slot and capacity."""
    for operation in read_history(folder / HISTORY):
        if operation.kind == "publish" and operation.result == "ok":
            (wanted,), (made,) = operation.asked["published"], operation.answer["published"]
            yield operation.asked["provider_id"], wanted["start"], made[0], made[1]


def new_folder(workload: str, seed: int) -> Path:
    """Where a run is kept whose folder nobody has named."""
    return RUNS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{workload}-{seed}"


def faults_of(header: dict[str, Any]) -> list[str]:
    """What a run with this header is to meet."""
    return [name for name in str(header.get("faults") or "").split(",") if name]


def _note(operation: Operation, known: dict[str, dict[str, Any]]) -> None:
    """What one answer adds to what can be chosen from, or takes away."""
    asked, kind = operation.asked, operation.kind
    booking_id = str(operation.answer.get("booking_id") or asked.get("booking_id"))
    if kind == "book" and not asked.keys() & {"customer", "customer_id"}:
        pool = {"HELD": "holds", "CONFIRMED": "standing"}.get(operation.code)
        if pool is not None:
            pool = pool if "slots" in asked else "found"
            known[pool][booking_id] = operation
        # Not of a liar, whose key is another's.
        if asked.get("key", "").startswith(asked.get("token", " ")):
            request = {name: told for name, told in asked.items() if name != "impatient"}
            known["keys"][asked["key"]] = {**request, "by": operation.door}
    elif kind == "block":
        time = {name: asked[name] for name in ("start", "end") if name in asked}
        known["blocks"][booking_id] = {"booking_id": booking_id, "slots": asked["slots"], **time}
    elif kind in {"cancel", "unblock"}:
        for name in ("standing", "found", "holds", "blocks"):
            known[name].pop(booking_id, None)
    elif kind == "confirm" and booking_id in known["holds"]:
        known["standing"][booking_id] = known["holds"].pop(booking_id)


def _boot() -> str:
    return BOOT.read_text().strip() if BOOT.exists() else platform.node()


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],  # noqa: S607 - any git does
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    return done.stdout.strip()


def _cores() -> int:
    """Of those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _versions() -> dict[str, str]:
    names = ("locust", "psycopg", "gevent")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
