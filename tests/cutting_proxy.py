"""A TCP proxy that forwards requests and, when told so, loses the answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self
from urllib.parse import urlsplit

BYTES_AT_ONCE = 65_536


class CuttingProxy:
    """Stands between clients and a server; use it as a context manager.

    `pass_on`: how many bytes of each answer still get through before both sides are cut off; None,
    as it begins, for all of them. `cut` counts the connections that were cut.
    """

    def __init__(self, server_url: str) -> None:
        address = urlsplit(server_url)
        self._server = (address.hostname or "", address.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.pass_on: int | None = None
        self.cut = 0

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for end in [self._listener, *self._open]:
            _close(end)
        for thread in self._threads:
            thread.join(10)

    def cut_all(self) -> None:
        """Cut every connection off at once, towards the client and towards the server."""
        for end in self._open:
            _close(end)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                self._begin(self._requests, client, server)
                self._begin(self._answers, client, server)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(BYTES_AT_ONCE):
                server.sendall(data)
        _close(server)

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            # The server has answered, so it has committed; only now is the answer lost.
            while data := server.recv(BYTES_AT_ONCE):
                if self.pass_on is not None:
                    client.sendall(data[: self.pass_on])
                    self.cut += 1
                    break
                client.sendall(data)
        _close(client)
        _close(server)

    def _begin(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


def _close(end: socket.socket) -> None:
    """Close a socket that another thread may be reading: shutdown wakes it."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
