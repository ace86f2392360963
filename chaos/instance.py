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
from contextlib import contextmanager
from pathlib import Path

from chaos.target import TargetError, read_demo

CHECKOUT = Path(__file__).parents[1]
READY_SECONDS_MAX = 120


@contextmanager
def fresh_instance() -> Iterator[Path]:
    """The path of the demo.json of a demo that runs until the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="slotkeeper-chaos-"))
    if os.geteuid() == 0:
        # The database then runs as somebody else, who must get through.
        folder.chmod(0o711)
    log = folder / "demo.log"
    try:
        with log.open("wb") as output:
            demo = subprocess.Popen(  # noqa: S603 - the words are ours
                [
                    *(sys.executable, "-m", "app.cli", "demo"),
                    *("--port", str(_free_port()), "--directory", str(folder / "demo")),
                ],
                cwd=CHECKOUT,
                stdout=output,
                stderr=output,
            )
        try:
            _wait_until_ready(demo, folder / "demo" / "demo.json", log)
            yield folder / "demo" / "demo.json"
        finally:
            demo.terminate()
            demo.wait()
    finally:
        shutil.rmtree(folder)


def _wait_until_ready(demo: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while demo.poll() is None and time.monotonic() < deadline:
        known = read_demo(path)
        if known:
            with contextlib.suppress(OSError), opener.open(f"{known['url']}/readyz") as answer:
                if answer.status == 200:
                    return
        time.sleep(0.1)
    raise TargetError(f"The demo does not get ready:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
