"""A TCP proxy on 127.0.0.1: it delays what passes, loses answers, falls silent, lets nobody in."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Self

BYTES_AT_ONCE = 16_384
# Whoever made it silent ends that; nothing is held for longer, whatever becomes of them.
SILENT_SECONDS_MAX = 60.0


class Proxy:
    """Stands between clients and a server; use it as a context manager.

    `delay_seconds`: how long each piece waits, both ways. `losing`: answers are cut off instead of
    passed on, and their connections with them. `down`: nobody gets through. `silent()`: everybody
    gets in, and nothing comes out. The counters say how many pieces were delayed or held, answers
    lost and connections cut or refused.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.delay_seconds = 0.0
        self.losing = self.down = False
        self.delayed = self.lost = self.cut = self.held = 0
        self._audible = threading.Event()
        self._audible.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._audible.set()
        _close(self._listener)
        self.cut_all()

    def cut_all(self) -> None:
        """Cut every connection off at once, towards the client and towards the server."""
        with self._lock:
            ends = list(self._open)
        self.cut += len(ends) // 2
        for end in ends:
            _hang_up(end)

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Take in connections and bytes, and pass nothing on until the block ends.

        Nobody is told anything meanwhile, not even that the connection is gone. Then those who
        were waiting are cut off; what they had sent never arrives.
        """
        self._audible.clear()
        try:
            yield
        finally:
            self._audible.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.down:
                    self.cut += 1
                    _close(client)
                else:
                    threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server, timeout=10)
        except OSError:
            _close(client)
            return
        for end in (client, server):
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
        answers = threading.Thread(target=self._pass, args=(server, client), daemon=True)
        answers.start()
        self._pass(client, server, asking=True)
        answers.join()
        with self._lock:
            self._open -= {client, server}
        _close(client)
        _close(server)

    def _pass(self, source: socket.socket, sink: socket.socket, *, asking: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BYTES_AT_ONCE):
                if not self._audible.is_set():
                    self.held += 1
                    self._audible.wait(SILENT_SECONDS_MAX)
                    break
                if self.losing and not asking:
                    # The server has answered, so it has committed; only now is the answer lost.
                    self.lost += 1
                    break
                if self.delay_seconds:
                    self.delayed += 1
                    time.sleep(self.delay_seconds)
                sink.sendall(data)
        # The other direction wakes up, too. Only `_connect` closes: a number that was given back
        # could belong to somebody else by now.
        _hang_up(source)
        _hang_up(sink)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _close(end: socket.socket) -> None:
    """Close a socket that another thread may be waiting at: shutdown wakes it."""
    _hang_up(end)
    end.close()
