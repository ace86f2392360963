"""What everybody did and heard: each operation is invoked, and ends ok, fail or unknown.

A history is a file of JSON lines. The first says of which run it is; then each operation has a
line when it is invoked, written before anything is sent, and one when it ends. One that was never
seen to end is unknown. Nothing of it is kept in memory: it is read again from the file.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

Result = Literal["ok", "fail", "unknown"]
Asked = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Clock:
    """The one clock of a run: seconds since `zero` on this machine's steady clock.

    Every process of the machine reads the same, also one that takes a broken run up again.
    """

    zero: float

    @classmethod
    def started_now(cls) -> Clock:
        """A clock that begins now."""
        return cls(time.monotonic())

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.zero


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a door says of an operation.

    `code`: what was answered in one word: the new status, a code of the API, an SQLSTATE, or for
    `unknown` what was seen instead. `status` is HTTP's. `answer`: the rest worth keeping.
    """

    result: Result
    code: str
    status: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Operation:
    """One thing asked for, from `began` to `ended`, in seconds of the run's clock.

    `unknown`: no answer, or one that does not say whether it was done. `ended` is None if the end
    was never seen. `asked` is what the door was given, `answer` what it heard; README.md lists
    their members by kind.
    """

    number: int
    attacker: str
    door: str
    kind: str
    asked: Asked
    began: float
    ended: float | None = None
    result: Result = "unknown"
    code: str = ""
    status: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    def end(self, at: float, outcome: Outcome) -> None:
        """Note what came of it."""
        self.ended = at
        self.result, self.code, self.status = outcome.result, outcome.code, outcome.status
        self.answer = outcome.answer


class HistoryWriter:
    """Appends to a history; each line is with the operating system before the next thing is done.

    A history that is there already is continued: numbers go on after the last one. Raises
    ValueError while another writes it.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.invoked = 0
        self._file: TextIO = path.open("a", buffering=1, encoding="utf-8")
        try:
            # The system lets go of it when this process ends, however it does.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise ValueError(f"The run in {path.parent} is still going on.") from error
        fresh = path.stat().st_size == 0
        if not fresh:
            self.invoked = max((operation.number for operation in read_history(path)), default=0)
        # After a crash the last line may lack its end; an empty line does no harm.
        self._line({"run": header}) if fresh else self._file.write("\n")

    def invoke(self, clock: Clock, attacker: str, door: str, kind: str, asked: Asked) -> Operation:
        """Write down that something is about to be asked for."""
        self.invoked += 1
        operation = Operation(self.invoked, attacker, door, kind, asked, clock.now())
        self._line(
            {
                "op": operation.number,
                "at": round(operation.began, 6),
                "attacker": attacker,
                "door": door,
                "kind": kind,
                "asked": asked,
            }
        )
        return operation

    def end(self, clock: Clock, operation: Operation, outcome: Outcome) -> None:
        """Write down what came of it."""
        operation.end(clock.now(), outcome)
        line: dict[str, Any] = {
            "op": operation.number,
            "at": round(operation.ended or 0.0, 6),
            "result": operation.result,
            "code": operation.code,
        }
        if operation.status is not None:
            line["status"] = operation.status
        if operation.answer:
            line["answer"] = operation.answer
        self._line(line)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _line(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")


def is_written(path: Path, seconds: float = 0.0) -> bool:
    """Whether somebody writes this history, and does not let go of it in so many seconds."""
    until = time.monotonic() + seconds
    while path.exists():
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                return False
        if time.monotonic() >= until:
            return True
        time.sleep(0.1)
    return False


def read_header(path: Path) -> dict[str, Any]:
    """What the first line says of the run: seed, workload, users, commit, …"""
    with path.open(encoding="utf-8") as file:
        header: dict[str, Any] = json.loads(file.readline())["run"]
        return header


def read_history(path: Path) -> Iterator[Operation]:
    """Every operation, as soon as it is seen to end; at last those that never did.

    Holds no more in memory than was under way at one moment.
    """
    under_way: dict[int, Operation] = {}
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = _parsed(text)
            if "op" not in line:
                continue
            if "kind" in line:
                under_way[line["op"]] = Operation(
                    line["op"],
                    line["attacker"],
                    line["door"],
                    line["kind"],
                    line["asked"],
                    line["at"],
                )
            elif line["op"] in under_way:
                operation = under_way.pop(line["op"])
                said = Outcome(
                    line["result"], line["code"], line.get("status"), line.get("answer", {})
                )
                operation.end(line["at"], said)
                yield operation
    yield from under_way.values()


def _parsed(text: str) -> dict[str, Any]:
    """A line of the file; {} for one that a crash has cut off."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def write_operations(operations: Iterable[Operation], path: Path) -> None:
    """A line of JSON an operation, whole: for people and other programs."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(operation)) + "\n" for operation in operations)
