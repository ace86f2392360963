"""A small HTTP client for load: keep-alive sockets, requests made beforehand, one epoll loop.

Run as a process of its own: reads a job as JSON from standard input, says "ready" when connected,
begins at a line "go", and prints what happened as JSON.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import Counter
from itertools import cycle
from typing import Any


def main() -> None:
    """Do the job on standard input."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    messages = [_message(job["host"], line) for line in job["requests"]]
    load = _Load((job["host"], job["port"]), messages, job["connections"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    cpu = time.process_time()
    report = load.run(job["seconds"])
    sys.stdout.write(json.dumps(report | {"cpu": time.process_time() - cpu}) + "\n")


class _Load:
    def __init__(self, address: tuple[str, int], messages: list[bytes], connections: int) -> None:
        self._messages = cycle(messages) if len(messages) == 1 else iter(messages)
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(connections):
            connection = socket.create_connection(address, timeout=10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[connection.fileno()] = connection
        self._sent_at: dict[int, int] = {}
        self._received: dict[int, bytes] = {}

    def run(self, seconds: float) -> dict[str, Any]:
        """Each connection sends its next request as soon as it has the answer to the last."""
        latencies: list[int] = []
        statuses: Counter[str] = Counter()
        poll = select.epoll()
        for number in self._sockets:
            poll.register(number, select.EPOLLIN)
        began = time.perf_counter_ns()
        until = began + int(seconds * 1e9)
        # A list, not a generator: all of them are to send, also after one that has nothing left.
        sent = [self._send(number) for number in self._sockets]
        exhausted = not all(sent)
        while self._sent_at:
            for number, _ in poll.poll(10) or self._nothing():
                status = self._receive(number)
                if status is None:
                    continue
                now = time.perf_counter_ns()
                latencies.append((now - self._sent_at.pop(number)) // 1000)
                statuses[status] += 1
                if now < until and not self._send(number):
                    exhausted = True
        return {
            "seconds": (time.perf_counter_ns() - began) / 1e9,
            "latencies": latencies,
            "statuses": statuses,
            "exhausted": exhausted,
        }

    def _send(self, number: int) -> bool:
        message = next(self._messages, None)
        if message is None:
            return False
        self._sent_at[number] = time.perf_counter_ns()
        self._received[number] = b""
        self._sockets[number].sendall(message)
        return True

    def _receive(self, number: int) -> str | None:
        """The status, when the whole answer is there."""
        chunk = self._sockets[number].recv(262_144)
        if not chunk:
            raise ConnectionError("the server closed a connection")
        received = self._received[number] + chunk
        self._received[number] = received
        head_ends = received.find(b"\r\n\r\n")
        if head_ends < 0:
            return None
        head = received[:head_ends].lower()
        length = int(head[head.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        return head[9:12].decode() if len(received) >= head_ends + 4 + length else None

    def _nothing(self) -> list[tuple[int, int]]:
        raise TimeoutError("no answer within ten seconds")


def _message(host: str, line: str) -> bytes:
    """The bytes of a request from "GET path" or "POST path body"."""
    method, path, *body = line.split(" ", 2)
    content = body[0].encode() if body else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    if content:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


if __name__ == "__main__":
    main()
