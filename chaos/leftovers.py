"""What a run has started and made, written down so that it is found after whoever did was killed.

Only what is in the run's own list is touched: processes by pid and time of birth, and those whose
words name the temporary folder that the run made for itself.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

STARTED, PLACE = "started.jsonl", "place.json"
END_SECONDS_MAX = 20.0


def note_process(run: Path, pid: int) -> None:
    """This run has started that process."""
    run.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(psutil.NoSuchProcess), (run / STARTED).open("a") as file:
        born = psutil.Process(pid).create_time()
        file.write(json.dumps({"pid": pid, "born": born}) + "\n")


def note_place(run: Path, folder: Path, *, on_small_disk: bool) -> None:
    """This run has its demo in that temporary folder."""
    run.mkdir(parents=True, exist_ok=True)
    kept = {"folder": str(folder), "on_small_disk": on_small_disk}
    (run / PLACE).write_text(json.dumps(kept))


def place_of(run: Path) -> tuple[Path, bool] | None:
    """The folder of the run's demo, and whether a small disk is in it; None if it is gone."""
    with contextlib.suppress(FileNotFoundError):
        kept: dict[str, Any] = json.loads((run / PLACE).read_text())
        folder = Path(kept["folder"])
        if folder.is_dir():
            return folder, bool(kept["on_small_disk"])
    return None


def end_leftovers(run: Path) -> int:
    """End what is left of the processes of a run that was broken off; how many there were."""
    left = list(_left(run))
    for process in left:
        # Who was frozen by a fault could not end.
        _signal(process, signal.SIGCONT)
        _signal(process, signal.SIGTERM)
    _wait_until_gone(run)
    # A demo takes its database and its workers with it; what has lost its demo is still there.
    for process in _left(run):
        _signal(process, signal.SIGKILL)
    _wait_until_gone(run)
    return len(left)


def _wait_until_gone(run: Path) -> None:
    until = time.monotonic() + END_SECONDS_MAX
    while any(_left(run)) and time.monotonic() < until:
        time.sleep(0.1)


def _left(run: Path) -> Iterator[psutil.Process]:
    started = run / STARTED
    lines = started.read_text().splitlines() if started.exists() else []
    ours = {(kept["pid"], kept["born"]) for kept in map(json.loads, lines)}
    place = place_of(run)
    for process in psutil.process_iter(["pid", "create_time", "cmdline", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        words = " ".join(process.info["cmdline"] or [])
        named = place is not None and str(place[0]) in words
        if named or (process.info["pid"], process.info["create_time"]) in ours:
            yield process


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
