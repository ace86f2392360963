"""Faults of processes, by pid, and only of those that this program started."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator

import psutil

from chaos.faults import Fault, FaultError, Ground, Hit

FROZEN_SECONDS = 3.0
# A new worker takes a fifth of a second of a processor, and a database a bit more; how long that is
# depends on who else wants the processors.
AGAIN_SECONDS_MAX = 120.0
BUSY_SECONDS_MAX = 10.0


def postmaster_of(demo: psutil.Process) -> psutil.Process:
    """The database server of our demo. Raises FaultError."""
    for child in demo.children():
        with contextlib.suppress(psutil.Error):
            words = child.cmdline()
            if words and words[0].endswith("postgres") and "-D" in words:
                return child
    raise FaultError("The demo has no database server at the moment.")


def workers_of(server: psutil.Process) -> Iterator[psutil.Process]:
    """The processes of our server that answer requests: those that listen."""
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(s.status == psutil.CONN_LISTEN for s in child.net_connections(kind="tcp")):
                yield child


def _demo(ground: Ground) -> psutil.Process:
    if ground.demo is None:
        raise FaultError("There is no demo of our own.")
    return ground.demo


def _kill_database(ground: Ground, _: random.Random) -> Hit:
    """SIGKILL to the postmaster. The demo starts it again, which recovers from the journal."""
    postmaster = postmaster_of(_demo(ground))
    sessions = len(postmaster.children())
    postmaster.kill()
    _wait_until(lambda: _is_another(ground, postmaster), "The demo does not start its database.")
    return {"postmasters": 1, "processes": sessions}


def _is_another(ground: Ground, killed: psutil.Process) -> bool:
    with contextlib.suppress(FaultError):
        return postmaster_of(_demo(ground)).pid != killed.pid
    return False


def _wait_until(there: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + AGAIN_SECONDS_MAX
    while not there():
        if time.monotonic() > deadline:
            raise FaultError(otherwise)
        time.sleep(0.05)


def _freeze_database(ground: Ground, _: random.Random) -> Hit:
    """SIGSTOP to the postmaster and its children, and SIGCONT."""
    postmaster = postmaster_of(_demo(ground))
    # The parent first: it can have no more children then.
    frozen = [postmaster]
    try:
        postmaster.send_signal(signal.SIGSTOP)
        for child in postmaster.children():
            frozen.append(child)
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGSTOP)
        ground.last(FROZEN_SECONDS)
    finally:
        for process in reversed(frozen):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
    return {"processes": len(frozen)}


def _kill_worker(ground: Ground, dice: random.Random) -> Hit:
    """SIGKILL to one of the server's workers; the server replaces it."""
    if ground.server is None:
        raise FaultError("There is no server of our own.")
    server = ground.server
    workers = sorted(workers_of(server), key=lambda process: process.pid)
    if not workers:
        return {}
    victim = _busy(workers, dice, ground)
    victim.kill()

    def replaced() -> bool:
        pids = {worker.pid for worker in workers_of(server)}
        return victim.pid not in pids and len(pids) >= len(workers)

    _wait_until(replaced, "The server does not replace a worker that was killed.")
    return {"workers": 1}


def _busy(workers: list[psutil.Process], dice: random.Random, ground: Ground) -> psutil.Process:
    """One of them whom clients are connected to, so that somebody notices; any, if nobody is."""
    until = time.monotonic() + BUSY_SECONDS_MAX
    while time.monotonic() < until:
        busy = [one for one in workers if _has_clients(one)]
        if busy:
            return dice.choice(busy)
        ground.last(0.05)
    return dice.choice(workers)


def _has_clients(worker: psutil.Process) -> bool:
    """Whether somebody has come to a port that it listens on."""
    with contextlib.suppress(psutil.Error):
        found = worker.net_connections(kind="tcp")
        ports = {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}
        return any(
            one.status == psutil.CONN_ESTABLISHED and one.laddr.port in ports for one in found
        )
    return False


FAULTS = (
    Fault("kill_database", "the database server is killed (SIGKILL)", _kill_database, ("demo",)),
    Fault(
        "freeze_database",
        "the database hangs (SIGSTOP), and goes on (SIGCONT)",
        _freeze_database,
        ("demo",),
    ),
    Fault("kill_worker", "a worker of the server is killed (SIGKILL)", _kill_worker, ("server",)),
)
