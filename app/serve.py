"""Serving HTTP in production: several processes, each with as many threads as connections."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from app import logs
from app.config import ConfigurationError, Settings, share_metrics

BACKLOG = 2048
# A statement ends within the role's statement_timeout of 10 s. What takes longer, such as a client
# that never finishes its request, is cut off.
GRACE_SECONDS = 20


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
    with tempfile.TemporaryDirectory(prefix="slotkeeper-metrics-") as folder:
        share_metrics(folder)
        _server(settings).serve(target_loader=load_application, wrap_loader=False)


def _server(settings: Settings) -> Any:
    return Server(
        "wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
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
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    # Imported here, after the fork and by its module: each worker makes its own engine, and a
    # wsgi.py in the current folder is not taken for ours.
    import wsgi  # noqa: PLC0415

    application: Callable[..., Any] = wsgi.app
    return application


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


def _end_with_parent() -> None:
    """End this worker when its parent has been killed: an orphan would keep the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)
