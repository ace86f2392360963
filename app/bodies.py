"""Takes in each request's body before a thread of the application is spent on it, in bounded time.

The server has a thread for each connection it takes, the application has few: a request waits here
for its body, then for its turn. A client that sends half a body is cut off when its time is over;
a request whose turn does not come is refused. Until then neither is in anybody's way.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import structlog

from app.wire.trail import ARRIVED, CROWDED, PIECE_BYTES, drop

Application = Callable[..., Iterable[bytes]]
# As long as a statement waits for a connection: whoever waits longer has gone away, or will.
TURN_SECONDS = 5
# These use no connection to the database, and are asked how a busy server is.
PASSING_BY = frozenset({"/healthz", "/metrics"})
TICK_SECONDS = 0.5
# A body that is there in this time is never looked at again.
USUAL_SECONDS = 1.0
# From the last byte of a request to the moment when the application has it all.
WHOLE_SECONDS = 1.0
# What all bodies of this process may have beyond their first PIECE_BYTES, taken together.
LARGE_BYTES_MAX = 32 * 1024 * 1024
# In Linux' struct tcp_info: milliseconds since data were last sent, and received; bytes that the
# other side has acknowledged.
_SINCE_SENT, _SINCE_RECEIVED, _ACKNOWLEDGED, _INFO_BYTES = 44, 52, 120, 128

log = structlog.get_logger(__name__)


class Work(NamedTuple):
    """When a request began to come in, and when all of it was there; in monotonic seconds."""

    began: float
    whole: float


class Bodies:
    """The WSGI application `inner`, called with whole bodies by at most `threads` at a time.

    A request whose turn has not come after TURN_SECONDS, or for whose body there is no room, is
    passed on marked as CROWDED: `inner` refuses it without doing anything. Of bodies above what
    `bytes_max` says of their path only the beginning is passed on. A request of which no end has
    come `seconds` after its beginning loses its connection; `port` is the one that this process
    serves, by `server_threads`, which are more than the connections it takes.
    """

    def __init__(
        self,
        inner: Application,
        *,
        threads: int,
        server_threads: int,
        bytes_max: Callable[[str], int],
        port: int,
        seconds: int,
    ) -> None:
        self._inner, self._bytes_max = inner, bytes_max
        self._server_threads = server_threads
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(threads):
            self._turns.put(None)
        self._room = Room(LARGE_BYTES_MAX)
        # By thread: since when it has waited for a body, and its whole request.
        self._reading: dict[int, float] = {}
        self._at_work: dict[int, Work] = {}
        self._cutter = Cutter(port, seconds)
        threading.Thread(target=self._watch, name="slow-clients", daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began, taken = time.monotonic(), 0
        if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
            taken = self._take_in(environ, began)
        me = threading.get_ident()
        self._at_work[me] = Work(began, time.monotonic())
        try:
            return self._in_turn(environ, start_response)
        finally:
            del self._at_work[me]
            if taken:
                self._room.give_back(taken)

    def _in_turn(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[ARRIVED] = time.perf_counter()
        if environ["PATH_INFO"] in PASSING_BY or CROWDED in environ:
            return self._inner(environ, start_response)
        try:
            self._turns.get(timeout=TURN_SECONDS)
        except Empty:
            environ[CROWDED] = True
            return self._inner(environ, start_response)
        try:
            return self._inner(environ, start_response)
        finally:
            self._turns.put(None)

    def _take_in(self, environ: dict[str, Any], began: float) -> int:
        """Put the whole body in the stream's place; how many bytes of the room it takes."""
        stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH", "")
        bytes_max = self._bytes_max(environ["PATH_INFO"])
        # One byte too many tells a body without a length that is too long.
        wanted = min(int(length or bytes_max + 1), bytes_max + 1)
        me = threading.get_ident()
        self._reading[me] = began
        taken = 0
        try:
            body = BytesIO()
            while wanted and (piece := stream.read(min(wanted, PIECE_BYTES))):
                if body.tell() and not self._room.take(len(piece)):
                    environ[CROWDED] = True
                    break
                taken += len(piece) if body.tell() else 0
                wanted -= len(piece)
                body.write(piece)
            if CROWDED in environ:
                self._room.give_back(taken)
                body, taken = BytesIO(), 0
                drop(stream)
            elif body.tell() > bytes_max:
                drop(stream)
        except BaseException:
            self._room.give_back(taken)
            raise
        finally:
            del self._reading[me]
        body.seek(0)
        environ["wsgi.input"] = body
        return taken

    def _watch(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            now = time.monotonic()
            reading, at_work = self._reading.copy(), self._at_work.copy()
            longest = now - min(reading.values(), default=now)
            # Without a free thread whole requests may wait where we do not see them.
            if longest > USUAL_SECONDS and len(reading) + len(at_work) < self._server_threads:
                self._cutter.cut_late(now, longest, at_work.values())
            else:
                self._cutter.forget()


class Room:
    """Lets no more than `bytes_max` be taken at a time."""

    def __init__(self, bytes_max: int) -> None:
        self._lock, self._left = threading.Lock(), bytes_max

    def take(self, number: int) -> bool:
        """Take so many bytes if they are left; whether they were."""
        with self._lock:
            enough = number <= self._left
            if enough:
                self._left -= number
        return enough

    def give_back(self, number: int) -> None:
        """So many of the bytes that were taken are free again."""
        with self._lock:
            self._left += number


class State(NamedTuple):
    """For how many seconds nothing has been sent, and received; whether an answer is owed."""

    since_sent: float
    since_received: float
    owed: bool


class Cutter:
    """Finds the connections on which a request has been coming in for too long, and ends them.

    The server does not say which connection a request came by, but the kernel knows on which
    something was received and nothing sent since: an answer is owed there, because half a request
    has come, or because a whole one waits or is at work. A whole one is known by the moment when
    it was there, which is also when its connection last received something.

    Guaranteed: while a request has been at work for long and no connection fits that moment,
    nobody is cut off; nor before `seconds` have passed since a moment at which the server had no
    thread left (`forget`). Not guaranteed: that slow clients are cut off in time meanwhile, and
    that a whole request is known which took more than WHOLE_SECONDS to a thread, if another
    connection fits in its place.
    """

    def __init__(self, port: int, seconds: int) -> None:
        self._port, self._seconds = port, seconds
        self._owed_since: dict[str, float] = {}

    def forget(self) -> None:
        """Nobody is slow at the moment, or it cannot be told who is."""
        self._owed_since.clear()

    def cut_late(self, now: float, longest: float, at_work: Collection[Work]) -> None:
        """End the connections that have been owed an answer for longer than the time allowed.

        `longest`: for how long the slowest body has been coming in. If it still does although its
        time was over long ago, it hides behind an earlier request, sent together with it: then
        all connections end on which nothing has happened for as long, the idle ones included.
        `at_work`: the whole requests that are still being answered; theirs are left alone.
        """
        states = {}
        for name, connection in self._connections():
            with connection, contextlib.suppress(OSError):
                states[name] = _state(connection)
        self._owed_since = self._still_owed(now, states)
        # Others have not been owed for long enough to be in danger; and who sends a byte now and
        # then must not pass for one of the many that have just come.
        working = [work.whole for work in at_work if now - work.began >= self._seconds / 2]
        theirs = [_fitting(now - whole, states) for whole in working]
        if not all(theirs):
            return
        late = {name for name, since in self._owed_since.items() if now - since >= self._seconds}
        if longest > 2 * self._seconds:
            late |= {
                name
                for name, state in states.items()
                if not state.owed and state.since_sent >= self._seconds
            }
        late.difference_update(*theirs)
        if late:
            self._cut(late, states)

    def _still_owed(self, now: float, states: dict[str, State]) -> dict[str, float]:
        """Since when each has been owed an answer, without anything having been sent meanwhile."""
        found = {}
        for name, state in states.items():
            if state.owed:
                since = self._owed_since.get(name, now)
                # What has been answered was another request.
                found[name] = since if state.since_sent >= now - since else now
        return found

    def _cut(self, names: set[str], states: dict[str, State]) -> None:
        for name, connection in self._connections():
            with connection, contextlib.suppress(OSError):
                if name in names:
                    log.info("slow client cut off", seconds=round(states[name].since_sent, 1))
                    connection.shutdown(socket.SHUT_RD)

    def _connections(self) -> Iterator[tuple[str, socket.socket]]:
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


def _fitting(seconds: float, states: dict[str, State]) -> set[str]:
    """The connections by which a request may have come that was whole so many seconds ago."""
    return {
        name
        for name, state in states.items()
        if -0.1 <= state.since_received - seconds < WHOLE_SECONDS - 0.1
    }


def _state(connection: socket.socket) -> State:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    sent, received = (
        struct.unpack_from("<I", info, at)[0] for at in (_SINCE_SENT, _SINCE_RECEIVED)
    )
    never_answered = struct.unpack_from("<Q", info, _ACKNOWLEDGED)[0] == 0
    return State(sent / 1000, received / 1000, never_answered or sent > received)
