"""What a run has started and made, written down so that it is found after whoever did was killed.

Only what is in the run's own list is touched: processes by pid and time of birth, and those whose
words name the temporary folder that the run made for itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

STARTED, PLACE = "started.jsonl", "place.json"
# With what the names of our temporary folders begin.
PREFIX = "slotkeeper-chaos-"
END_SECONDS_MAX = 20.0


def note_process(run: Path, pid: int) -> None:
    """This run has started that process."""
    run.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(psutil.NoSuchProcess), (run / STARTED).open("a") as file:
        born = psutil.Process(pid).create_time()
        file.write(json.dumps({"pid": pid, "born": born}) + "\n")


def note_place(run: Path, folder: Path, *, on_small_disk: bool) -> None:
    """This run, of this process, has its demo in that temporary folder."""
    run.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = {"folder": str(folder), "on_small_disk": on_small_disk}
    kept["runner"] = [os.getpid(), psutil.Process().create_time()]
    (run / PLACE).write_text(json.dumps(kept))


def place_of(run: Path) -> tuple[Path, bool] | None:
    """The folder of the run's demo, and whether a small disk is in it; None if it is gone."""
    kept = _kept_place(run)
    if kept and Path(kept["folder"]).is_dir():
        return Path(kept["folder"]), bool(kept["on_small_disk"])
    return None


def still_at_it(run: Path) -> int | None:
    """The process that this run with a demo of its own is of, if it is there."""
    pid, born = _kept_place(run).get("runner", (0, 0.0))
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE and pid != os.getpid()
        if alive and process.create_time() == born:
            return int(pid)
    return None


def clear_away(run: Path) -> bool:
    """End and remove all that a run has left behind, its demo and the demo's data included; whether
    there was anything. The run's own folder stays.
    """
    place = place_of(run)
    ended = end_leftovers(run)
    if place is not None and place[0].name.startswith(PREFIX):
        folder, _ = place
        umount = shutil.which("umount")
        if (folder / "demo").is_mount() and umount:
            subprocess.run([umount, "--lazy", str(folder / "demo")], check=False)  # noqa: S603 - ours
        shutil.rmtree(folder, ignore_errors=True)
    for name in (PLACE, STARTED):
        (run / name).unlink(missing_ok=True)
    return bool(ended or place)


def _kept_place(run: Path) -> dict[str, Any]:
    """What is written of the run's place; {} if nothing is, or not to its end."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        kept: dict[str, Any] = json.loads((run / PLACE).read_text())
        return kept
    return {}


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
