"""A Slotkeeper of the attack's own: a demo in a temporary folder, gone when the attack is over."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.faults.disk import FULL, small_disk
from chaos.leftovers import PREFIX, end_leftovers, note_place, note_process, place_of
from chaos.target import TargetError

CHECKOUT = Path(__file__).parents[1]
SERVER_LOG = "server.log"
# Keys, and passwords in addresses.
SECRETS = re.compile(r"(\bsk_|://[^:/@\s]+:)[^@\s\"']+")
READY_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Instance:
    """A running demo: its process, its demo.json, and the folder of everything that it writes.

    `disk`: where its database's files are, if that is a small disk of its own.
    """

    pid: int
    demo_file: Path
    folder: Path
    disk: Path | None


@contextmanager
def fresh_instance(
    *, on_small_disk: bool = False, attempts: int = 0, run: Path | None = None
) -> Iterator[Instance]:
    """A demo that runs until the end of the block. Raises TargetError, FaultError.

    `on_small_disk`: one that has room for so many attempts, and can be filled. `run`: the folder of
    the run that it is for, which remembers it.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if os.geteuid() == 0:
        # The database then runs as somebody else, who must get through.
        folder.chmod(0o711)
    if run is not None:
        note_place(run, folder, on_small_disk=on_small_disk)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        disk = folder / "demo"
        if on_small_disk:
            disk.mkdir()
            stack.enter_context(small_disk(disk, attempts))
        yield stack.enter_context(_demo(folder, run, on_small_disk=on_small_disk))


@contextmanager
def taken_up_instance(run: Path) -> Iterator[Instance]:
    """The demo of a run that was killed, with its data as they are, until the end of the block.

    What the run had started and left behind is ended first. Raises TargetError when the demo's
    folder is gone.
    """
    place = place_of(run)
    if place is None:
        raise TargetError(f"The demo of {run} is gone, and with it what could be judged.")
    folder, on_small_disk = place
    end_leftovers(run)
    note_place(run, folder, on_small_disk=on_small_disk)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        disk = folder / "demo"
        if on_small_disk:
            stack.enter_context(small_disk(disk))
            (disk / FULL).unlink(missing_ok=True)
        yield stack.enter_context(_demo(folder, run, on_small_disk=on_small_disk))


def keep_server_log(instance: Instance, run: Path) -> None:
    """What the server that was struck has said is in the run's folder, too, without secrets.

    Whoever asks whether it replaced a worker that was killed finds that there.
    """
    log = instance.folder / SERVER_LOG
    if log.exists():
        with log.open(errors="replace") as said, (run / SERVER_LOG).open("a") as kept:
            kept.writelines(SECRETS.sub(r"\1***", line) for line in said)


@contextmanager
def _demo(folder: Path, run: Path | None, *, on_small_disk: bool) -> Iterator[Instance]:
    log, port, disk = folder / "demo.log", free_port(), folder / "demo"
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        with log.open("ab") as output:
            demo = subprocess.Popen(  # noqa: S603 - the words are ours
                [
                    *(sys.executable, "-m", "app.cli", "demo"),
                    *("--port", str(port), "--directory", str(disk)),
                ],
                cwd=CHECKOUT,
                stdout=output,
                stderr=output,
                # Ctrl-C ends the attack first, which is judged by what the demo has.
                start_new_session=True,
            )
        stack.callback(_end, demo)
        if run is not None:
            note_process(run, demo.pid)
        wait_until_ready(demo, url, log)
        yield Instance(demo.pid, disk / "demo.json", folder, disk if on_small_disk else None)


def _end(demo: subprocess.Popen[bytes]) -> None:
    demo.terminate()
    demo.wait()


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until the server that this process starts is ready. Raises TargetError."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), opener.open(f"{url}/readyz") as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise TargetError(f"It does not get ready:\n{log.read_text()}")


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
