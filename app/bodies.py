"""Takes in each request's body before a thread of the application is spent on it, in bounded time.

The server has more threads than the application: those that wait for a body wait here. A client
that sends half a body is cut off when its time is over; until then it is in nobody's way.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import structlog

Application = Callable[..., Iterable[bytes]]
TICK_SECONDS = 0.5
# A body that is there in this time is never looked at again.
USUAL_SECONDS = 1.0
# From the last byte of a request to the moment when the application has it all.
WHOLE_SECONDS = 1.0
PIECE_BYTES = 65_536
DROPPED_BYTES_MAX = 32 * 1024 * 1024
# In Linux' struct tcp_info: milliseconds since data were last sent, and received; bytes that the
# other side has acknowledged.
_SINCE_SENT, _SINCE_RECEIVED, _ACKNOWLEDGED, _INFO_BYTES = 44, 52, 120, 128

log = structlog.get_logger(__name__)


class Bodies:
    """The WSGI application `inner`, called with whole bodies by at most `threads` at a time.

    Of bodies above `bytes_max` only the beginning is passed on. A request of which no end has come
    `seconds` after its beginning loses its connection; `port` is the one that this process serves.
    """

    def __init__(
        self, inner: Application, *, threads: int, bytes_max: int, port: int, seconds: int
    ) -> None:
        self._inner, self._bytes_max = inner, bytes_max
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(threads):
            self._slots.put(None)
        # By thread: since when it has waited for a body, and since when it has had a whole request.
        self._reading: dict[int, float] = {}
        self._at_work: dict[int, float] = {}
        self._cutter = Cutter(port, seconds)
        threading.Thread(target=self._watch, name="slow-clients", daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
            self._take_in(environ)
        me = threading.get_ident()
        self._at_work[me] = time.monotonic()
        self._slots.get()
        try:
            return self._inner(environ, start_response)
        finally:
            self._slots.put(None)
            del self._at_work[me]

    def _take_in(self, environ: dict[str, Any]) -> None:
        stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH", "")
        me = threading.get_ident()
        self._reading[me] = time.monotonic()
        try:
            # One byte too many tells a body without a length that is too long.
            body = stream.read(min(int(length or self._bytes_max + 1), self._bytes_max + 1))
            if len(body) > self._bytes_max:
                _drop(stream)
        finally:
            del self._reading[me]
        environ["wsgi.input"] = BytesIO(body)

    def _watch(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            now = time.monotonic()
            longest = now - min(self._reading.copy().values(), default=now)
            if longest > USUAL_SECONDS:
                self._cutter.cut_late(now, longest, self._at_work.copy().values())
            else:
                self._cutter.forget()


def _drop(stream: Any) -> None:
    """Take in the rest of a body that is too large, within bounds.

    The server closes a connection on which something unread is left, and the client would lose the
    answer while it still sends.
    """
    left = DROPPED_BYTES_MAX
    while left > 0 and (piece := stream.read(min(left, PIECE_BYTES))):
        left -= len(piece)


class Cutter:
    """Finds the connections on which a request has been coming in for too long, and ends them.

    The server does not say which connection a request came by, but the kernel knows on which
    something was received and nothing sent since.
    """

    def __init__(self, port: int, seconds: int) -> None:
        self._port, self._seconds = port, seconds
        self._owed_since: dict[str, float] = {}

    def forget(self) -> None:
        """Nobody is slow at the moment."""
        self._owed_since.clear()

    def cut_late(self, now: float, longest: float, at_work: Iterable[float]) -> None:
        """End the connections that have been owed an answer for longer than the time allowed.

        `longest`: for how long the slowest body has been coming in. If it still does although its
        time was over long ago, it hides behind an earlier request, sent together with it: then
        all connections end to which nothing has been sent for as long, the idle ones included.
        `at_work`: when whole requests came in that are still being answered; theirs are left alone.
        """
        working = [since for since in at_work if now - since >= self._seconds / 2]
        desperate = longest > 2 * self._seconds
        seen = {}
        for name, connection in self._connections():
            with connection, contextlib.suppress(OSError):
                since_sent, since_received, owed = _state(connection)
                if any(0 <= at - (now - since_received) + 0.1 < WHOLE_SECONDS for at in working):
                    continue
                since = self._owed_since.get(name, now) if owed else now
                if owed:
                    # Unless something has been sent meanwhile: then this is another request.
                    seen[name] = since = since if since_sent >= now - since else now
                if now - since >= self._seconds or (desperate and since_sent >= self._seconds):
                    log.info("slow client cut off", seconds=round(since_sent, 1))
                    connection.shutdown(socket.SHUT_RD)
        self._owed_since = seen

    def _connections(self) -> Iterable[tuple[str, socket.socket]]:
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                name = str(entry.readlink())
                if not name.startswith("socket:"):
                    continue
                connection = socket.socket(fileno=os.dup(int(entry.name)))
                if _serves(connection, self._port):
                    yield name, connection
                else:
                    connection.close()


def _serves(connection: socket.socket, port: int) -> bool:
    try:
        return (
            connection.family in {socket.AF_INET, socket.AF_INET6}
            and connection.type == socket.SOCK_STREAM
            and connection.getsockname()[1] == port
            and bool(connection.getpeername())
        )
    except OSError:
        return False


def _state(connection: socket.socket) -> tuple[float, float, bool]:
    """For how many seconds nothing has been sent, and received; whether an answer is owed."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    sent, received = (
        struct.unpack_from("<I", info, at)[0] for at in (_SINCE_SENT, _SINCE_RECEIVED)
    )
    never_answered = struct.unpack_from("<Q", info, _ACKNOWLEDGED)[0] == 0
    return sent / 1000, received / 1000, never_answered or sent > received
