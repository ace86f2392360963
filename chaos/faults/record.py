"""What faults there were in a run: a line in `faults.jsonl` when one begins and when it is over."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.history import Clock

FAULTS, LOCK, OVER = "faults.jsonl", "faults.lock", "faults.over"
# What is said to be hit when whoever made a fault was killed with the run.
BROKEN_OFF = "runs broken off"


@dataclass(slots=True)
class Struck:
    """One fault of a run, in seconds of its clock. `end` is None if it was never seen.

    `back_seconds`: how long after it was healed the service was there again; None: not in time.
    `failed`: why it could not be made, or healed; empty if it was.
    """

    name: str
    begin: float
    end: float | None = None
    hit: dict[str, int] = field(default_factory=dict)
    back_seconds: float | None = None
    failed: str = ""


def read_struck(folder: Path) -> list[Struck]:
    """The faults of the run in this folder, in order."""
    path = folder / FAULTS
    found: dict[int, Struck] = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        line: dict[str, Any] = json.loads(text)
        if "begin" in line:
            found[line["fault"]] = Struck(line["name"], line["begin"])
        else:
            one = found[line["fault"]]
            one.end, one.hit = line["end"], line["hit"]
            one.back_seconds, one.failed = line["back_seconds"], line["failed"]
    return list(found.values())


def begin(folder: Path, clock: Clock, number: int, name: str) -> None:
    """A fault begins: written before anything is struck."""
    _append(folder, {"fault": number, "name": name, "begin": round(clock.now(), 6)})


def end(folder: Path, clock: Clock, number: int, struck: Struck) -> None:
    """It is over, and the service is back, or does not come back."""
    line = {"fault": number, "end": round(clock.now(), 6), "hit": struck.hit}
    _append(folder, line | {"back_seconds": struck.back_seconds, "failed": struck.failed})


def all_have_struck(folder: Path, names: Iterable[str]) -> bool:
    """Whether all of these are over, or there will be no more."""
    return (folder / OVER).exists() or {*names} <= have_struck(folder)


def have_struck(folder: Path) -> set[str]:
    """The names of those that are over, without what ended because its run was broken off."""
    return {
        one.name for one in read_struck(folder) if one.end is not None and BROKEN_OFF not in one.hit
    }


def announce_no_more(folder: Path) -> None:
    """Nothing will strike any more: the attack need not wait for it."""
    (folder / OVER).touch()


@contextmanager
def striking(folder: Path) -> Iterator[bool]:
    """While a fault lasts, nobody judges. False: the attack has ended, and nothing may begin."""
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def no_more_faults(folder: Path) -> None:
    """Wait until the fault that lasts is over; no other begins as long as this process lives."""
    if (folder / LOCK).exists():
        # Never closed: the system lets go of it when the process ends, however it does.
        fcntl.flock(os.open(folder / LOCK, os.O_RDWR), fcntl.LOCK_EX)


def _append(folder: Path, line: dict[str, Any]) -> None:
    with (folder / FAULTS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")
