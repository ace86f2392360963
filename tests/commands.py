"""Commands as real processes, each forked from one that has imported what they all import.

A command run so has arguments, an environment, files, signals and an exit code of its own; what it
does not do is import the same thousand modules once more. That commands start from nothing, too, is
shown by those of `migrate`, `serve`, `worker` and `demo`, whose tests start them at a prompt.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from app.config import inherited_environment

CHECKOUT = Path(__file__).parents[1]


class Commands:
    """Runs commands, one at a time."""

    def __init__(self, nursery: subprocess.Popen[str]) -> None:
        self._nursery, self._turn = nursery, Lock()

    def run(
        self, *words: str | Path, given: str = "", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """The result of `slotkeeper WORDS`, with what it printed; `given` is its input.

        Its environment is ours without settings of ours, and `settings` on top.
        """
        with self._turn, tempfile.TemporaryDirectory(prefix="slotkeeper-tests-") as folder:
            files = [Path(folder) / name for name in ("input", "output", "errors")]
            files[0].write_text(given)
            order = {
                "words": [str(word) for word in words],
                "files": [str(path) for path in files],
                "environment": inherited_environment(**settings),
            }
            assert self._nursery.stdin is not None
            assert self._nursery.stdout is not None
            print(json.dumps(order), file=self._nursery.stdin, flush=True)
            answer = self._nursery.stdout.readline()
            assert answer, "the process that commands are forked from has ended"
            told = [path.read_text() for path in files[1:]]
            return subprocess.CompletedProcess(order["words"], int(answer), *told)


@contextmanager
def commands_nursery() -> Iterator[Commands]:
    """A process to fork commands from, which ends with the block, or with us."""
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.commands"],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with nursery:
        yield Commands(nursery)


def _nurse() -> None:
    """Run one command for each line of the input, and answer with its exit code."""
    from app.cli import main

    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
            # It leaves by an exception, as from a prompt, through whatever waits for an exit.
            main(args=order["words"], prog_name="slotkeeper")
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(order: dict[str, object]) -> None:
    names, environment = order["files"], order["environment"]
    assert isinstance(names, list)
    assert isinstance(environment, dict)
    for number, name in enumerate(names):
        handle = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    # What the nursery has read ahead is not the command's.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    _nurse()
