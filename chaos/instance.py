"""A Slotkeeper of the attack's own: a demo in a temporary folder, gone when the attack is over."""

from __future__ import annotations

import contextlib
import os
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

from chaos.faults.disk import small_disk
from chaos.target import TargetError

CHECKOUT = Path(__file__).parents[1]
READY_SECONDS_MAX = 120


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
def fresh_instance(*, on_small_disk: bool = False, attempts: int = 0) -> Iterator[Instance]:
    """A demo that runs until the end of the block. Raises TargetError, FaultError.

    `on_small_disk`: one that has room for so many attempts, and can be filled.
    """
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-chaos-"))
    if os.geteuid() == 0:
        # The database then runs as somebody else, who must get through.
        folder.chmod(0o711)
    log, port = folder / "demo.log", free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        disk = folder / "demo"
        if on_small_disk:
            disk.mkdir()
            stack.enter_context(small_disk(disk, attempts))
        with log.open("wb") as output:
            demo = subprocess.Popen(  # noqa: S603 - the words are ours
                [
                    *(sys.executable, "-m", "app.cli", "demo"),
                    *("--port", str(port), "--directory", str(disk)),
                ],
                cwd=CHECKOUT,
                stdout=output,
                stderr=output,
            )
        stack.callback(_end, demo)
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
