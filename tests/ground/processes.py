"""Processes as the operating system shows them."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.patience import wait_until


def server_family(directory: Path) -> list[psutil.Process]:
    """The server of `directory` and its children, found through the pid that the server wrote."""
    try:
        pid = int((directory / "data" / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(pid)
        return [server, *server.children(recursive=True)]
    except (FileNotFoundError, psutil.NoSuchProcess):
        return []


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def wait_for_end(processes: list[psutil.Process]) -> None:
    wait_until(lambda: not alive(processes), lambda: f"still there: {alive(processes)}", every=0.01)
