"""Serving HTTP in production: several processes, each with as many threads as connections."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from app import BODY_BYTES_MAX, logs, preload
from app.config import ConfigurationError, Settings, share_metrics
from app.scratch import scratch_folder

BACKLOG = 2048
# A statement ends within statement_timeout, by default 10 s. What takes longer than that and this
# many seconds more, such as a client that never finishes its request, is cut off.
GRACE_SECONDS = 20
# In each worker. With a file each, and as many more, within the usual limit of 1,024 open files.
CONNECTIONS_MAX = 512
# More threads than connections: a request whose client has gone may still have its own.
SPARE_THREADS = 64
# Above so many deaths a minute, worker by worker, it is not somebody who kills them.
DEATHS_MAX = 5
DEATHS_SECONDS = 60


class AddressTakenError(Exception):
    """Another process listens on the address that we were told to serve."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"Port {port} on {host} is already in use by another process.")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then take no new request, finish those in flight and return.

    A worker process that dies is replaced. Raises ConfigurationError, AddressTakenError.
    """
    settings.require_database_url()
    settings.require_secret_key()
    require_free_address(settings.host, settings.port)
    structlog.get_logger(__name__).info(
        "serving",
        url=settings.public_url,
        workers=settings.workers,
        threads=settings.threads,
    )
    with scratch_folder("slotkeeper-metrics-") as folder:
        share_metrics(str(folder))
        # Once, and not in each worker, nor in each that replaces one: importing is most of a start.
        preload()
        _server(settings).serve(target_loader=load_application, wrap_loader=False)


class PatientServer(MPServer):
    """Replaces workers that die, also when the same one is killed twice within seconds.

    granian takes two deaths within 5.5 s for a loop and ends. Here DEATHS_MAX of a worker within
    DEATHS_SECONDS are one; each replacement but the first comes a second later.
    """

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self._deaths: list[float] = []

    def _respawn_workers(
        self, workers: Any, spawn_target: Any, target_loader: Any, delay: float = 0
    ) -> None:
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < DEATHS_SECONDS]
        if self._deaths:
            time.sleep(1)
        self._deaths += [now] * len(workers)
        structlog.get_logger(__name__).warning("replacing workers", number=len(workers))
        super()._respawn_workers(workers, spawn_target, target_loader, delay)
        if len(self._deaths) <= DEATHS_MAX * self.workers:
            # granian counts from these; without them it goes on.
            self.respawned_wrks.clear()


def _server(settings: Settings) -> Any:
    return PatientServer(
        "wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        # A thread for each connection: granian would let requests wait where nobody sees them.
        blocking_threads=server_threads(settings),
        backlog=BACKLOG,
        backpressure=CONNECTIONS_MAX,
        respawn_failed_workers=True,
        workers_kill_timeout=grace_seconds(settings),
        # Our own log has a line for each request; from granian we want its errors, in our format.
        log_access=False,
        log_level=LogLevels.error,
        log_dictconfig={
            "incremental": True,
            "formatters": {},
            "handlers": {},
            "loggers": {"_granian": {"propagate": True}},
        },
    )


def load_application() -> Callable[..., Any]:
    """The WSGI application, made in the worker process that calls this."""
    # A forked worker begins with its parent's handlers, which would swallow a signal to stop.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    settings = Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    threading.Thread(
        target=_end_with_parent, args=[settings], name="end-with-parent", daemon=True
    ).start()
    # Imported here, after the fork and by its module: each worker makes its own engine, and a
    # wsgi.py in the current folder is not taken for ours.
    import wsgi  # noqa: PLC0415
    from app.bodies import Bodies  # noqa: PLC0415
    from app.schedules.busy.schemas import CALENDAR_BYTES_MAX  # noqa: PLC0415
    from app.slots.routes import PUBLISH_BYTES_MAX  # noqa: PLC0415

    larger = {"slots": PUBLISH_BYTES_MAX, "calendar": CALENDAR_BYTES_MAX}

    return Bodies(
        wsgi.app,
        threads=settings.threads,
        server_threads=server_threads(settings),
        # The application refuses what is too large for the call; this is only about memory.
        bytes_max=lambda path: larger.get(path.rpartition("/")[2], BODY_BYTES_MAX),
        port=settings.port,
        seconds=settings.body_seconds,
    )


def server_threads(settings: Settings) -> int:
    """How many threads a worker has at most, those included that wait for bodies and for turns."""
    return max(CONNECTIONS_MAX, settings.threads) + SPARE_THREADS


def grace_seconds(settings: Settings) -> int:
    """How long requests in flight have to finish once the server is told to stop."""
    return max(GRACE_SECONDS, settings.statement_seconds + GRACE_SECONDS // 2)


def require_free_address(host: str, port: int) -> None:
    """Raise AddressTakenError if somebody listens there, ConfigurationError if nobody can.

    granian shares the port among its workers (SO_REUSEPORT) and would share it with strangers, too.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressTakenError(host, port) from error
        raise ConfigurationError(
            f"Slotkeeper cannot listen on {host}, port {port}: {error.strerror}."
            " Choose others by SLOTKEEPER_HOST and SLOTKEEPER_PORT."
        ) from error


def _end_with_parent(settings: Settings) -> None:
    """End this worker when its parent has been killed: an orphan would keep the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_seconds(settings))
        os._exit(1)
