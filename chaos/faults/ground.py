"""What a run's faults may strike, made ready: proxies in the way, and a server of our own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from chaos.faults import Fault, FaultError, Ground
from chaos.faults.proxy import Proxy
from chaos.instance import CHECKOUT, SERVER_LOG, Instance, free_port, wait_until_ready
from chaos.leftovers import note_process
from chaos.target import read_demo

STOP_SECONDS_MAX = 40
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@contextmanager
def ground_for(
    faults: Sequence[Fault], url: str, database_url: str, owner_url: str
) -> Iterator[Ground]:
    """The ground of an instance that somebody else runs: at most a proxy before it."""
    with ExitStack() as stack:
        ground = Ground(url, database_url, owner_url)
        _stand_before(ground, faults, stack)
        _check(ground, faults)
        yield ground


@contextmanager
def fresh_ground(
    faults: Sequence[Fault], instance: Instance, run: Path | None = None
) -> Iterator[Ground]:
    """The ground of our own demo, with a second server that meets its database by a proxy."""
    known = read_demo(instance.demo_file)
    with ExitStack() as stack:
        ground = Ground(known["url"], known["database_url"], known["owner_url"])
        ground.demo, ground.disk = psutil.Process(instance.pid), instance.disk
        if any({"server", "storage"} & {*fault.needs} for fault in faults):
            where = urlsplit(known["database_url"])
            ground.storage = stack.enter_context(Proxy(where.hostname or "", where.port or 5432))
            stack.enter_context(_server(ground, instance, run))
        _stand_before(ground, faults, stack)
        _check(ground, faults)
        yield ground


def _stand_before(ground: Ground, faults: Sequence[Fault], stack: ExitStack) -> None:
    where = urlsplit(ground.url)
    if any("clients" in fault.needs for fault in faults):
        if where.scheme != "http" or where.hostname not in LOOPBACK:
            raise FaultError(f"Only what is at http://127.0.0.1 is struck, not {ground.url}.")
        ground.clients = stack.enter_context(Proxy(where.hostname, where.port or 80))
        ground.url = f"http://127.0.0.1:{ground.clients.port}"


def _check(ground: Ground, faults: Sequence[Fault]) -> None:
    for fault in faults:
        for need in fault.needs:
            # The slots are known when the run begins.
            if need != "slots" and not getattr(ground, need):
                raise FaultError(f"{fault.name} is not possible here: there is no {need}.")


@contextmanager
def _server(ground: Ground, instance: Instance, run: Path | None) -> Iterator[None]:
    """`slotkeeper serve` on the demo's database, by way of the proxy."""
    if ground.storage is None:
        raise FaultError("There is no proxy before the database.")
    where = urlsplit(ground.database_url)
    credentials = (where.netloc.rpartition("@"))[0]
    storage = where._replace(netloc=f"{credentials}@127.0.0.1:{ground.storage.port}").geturl()
    port = free_port()
    inherited = {
        name: told
        for name, told in os.environ.items()
        if not name.startswith(("SLOTKEEPER_", "DATABASE_"))
    }
    ours = {
        "DATABASE_URL": storage,
        "SLOTKEEPER_SECRET_KEY": "a secret of this attack, which ends with it",
        "SLOTKEEPER_PORT": str(port),
        "SLOTKEEPER_RATE_LIMITS": "off",
        "SLOTKEEPER_KEY_RATE_LIMITS": "off",
    }
    log = instance.folder / SERVER_LOG
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=CHECKOUT,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=inherited | ours,
        )
    if run is not None:
        note_process(run, process.pid)
    try:
        ground.url = f"http://127.0.0.1:{port}"
        wait_until_ready(process, ground.url, log)
        ground.server = psutil.Process(process.pid)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
