"""Customers with a connection of their own: over HTTP, through the SQL functions, and by raw rows.

Unlike a Door of tests/doors.py, a client shows the whole answer, and its connection is known, so
that a test can see which worker and which session of the database serve it.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg

from tests import raw
from tests.shop import Row, Shop, call

TIMEOUT_SECONDS = 60
SUCCESSES = {200, 201, 204}


@dataclass(frozen=True)
class Answer:
    """What a client heard. `code`: the new status of the booking in capitals, or why not.

    `status` and `headers` are HTTP's. `body`: the booking, or what was in the way.
    """

    code: str
    body: Row
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def booking_id(self) -> uuid.UUID:
        return uuid.UUID(self.body["id"])

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotency-replayed") == "true"


class Client(Protocol):
    """One customer, or the vendor, with a connection that is open already."""

    def book(self, *slot_ids: uuid.UUID, **wish: Any) -> Answer:
        """`wish`: quantity, hold, key."""

    def book_service(self, service_id: uuid.UUID, start: datetime, **wish: Any) -> Answer:
        """Book a service by whoever is free. `wish`: quantity, key."""

    def move(self, function: str, booking_id: uuid.UUID) -> Answer:
        """cancel_booking, confirm_booking, ..."""

    def resize(self, slot_id: uuid.UUID, capacity: int) -> Answer:
        """Give the slot another capacity."""

    def block(self, provider_id: uuid.UUID, start: datetime, end: datetime) -> Answer:
        """Close one place of the published time."""

    def close(self) -> None:
        """Hang up."""


class HttpClient:
    """One HTTP connection to a server."""

    def __init__(self, url: str, slug: str, api_key: str, name: str = "Ada") -> None:
        address = urlsplit(url)
        self.base = f"/api/v1/vendors/{slug}"
        self.vendor = {"Authorization": f"Bearer {api_key}"}
        self.customer = {"name": name, "email": "ada@example.org"}
        self.connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=TIMEOUT_SECONDS
        )
        self.connection.connect()
        try:
            # The server answers this without its database: the connection now belongs to a worker.
            self._send("GET", "/healthz")
        except BaseException:
            self.connection.close()
            raise

    @property
    def socket(self) -> socket.socket:
        """The connection."""
        return self.connection.sock

    @property
    def port(self) -> int:
        """The local port of the connection."""
        port: int = self.socket.getsockname()[1]
        return port

    def book(self, *slot_ids: uuid.UUID, key: str | None = None, **wish: Any) -> Answer:
        """Book as somebody without credentials."""
        self.begin_to_book(*slot_ids, key=key, **wish)
        return self.answer()

    def begin_to_book(self, *slot_ids: uuid.UUID, key: str | None = None, **wish: Any) -> None:
        """Send the request for a booking, and do not wait for the answer."""
        body = {"slot_ids": [str(slot) for slot in slot_ids], "customer": self.customer, **wish}
        headers = {"Idempotency-Key": key} if key else {}
        self._begin("POST", f"{self.base}/bookings", body, headers)

    def book_service(
        self, service_id: uuid.UUID, start: datetime, key: str | None = None, **wish: Any
    ) -> Answer:
        wanted = {"service_id": str(service_id), "start": start.isoformat(), **wish}
        headers = {"Idempotency-Key": key} if key else {}
        body = {"customer": self.customer, **wanted}
        return self._send("POST", f"{self.base}/bookings", body, headers)

    def vanish(self, *, reset: bool = False) -> None:
        """Close the connection in the middle of whatever it does; `reset`: without a goodbye."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def move(self, function: str, booking_id: uuid.UUID) -> Answer:
        verb = function.removesuffix("_booking").removeprefix("mark_").replace("_", "-")
        return self._send("POST", f"{self.base}/bookings/{booking_id}/{verb}", None, self.vendor)

    def resize(self, slot_id: uuid.UUID, capacity: int) -> Answer:
        change = {"capacity": capacity}
        answer = self._send("PATCH", f"{self.base}/slots/{slot_id}", change, self.vendor)
        return Answer("RESIZED", answer.body, 200) if answer.status == 200 else answer

    def block(self, provider_id: uuid.UUID, start: datetime, end: datetime) -> Answer:
        times = {"start": start.isoformat(), "end": end.isoformat()}
        wanted = {"provider_id": str(provider_id), "quantity": 1, **times}
        return self._send("POST", f"{self.base}/blocks", wanted, self.vendor)

    def manage(self, method: str, path: str, body: Any = None) -> Answer:
        """Call whatever the vendor's key may, by its path below the vendor."""
        return self._send(method, f"{self.base}{path}", body, self.vendor)

    def close(self) -> None:
        self.connection.close()

    def _send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        self._begin(method, path, body, headers or {})
        return self.answer()

    def _begin(self, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
        sent = {"Content-Type": "application/json"} if body is not None else {}
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, sent | headers)

    def answer(self) -> Answer:
        """The answer to what was begun; raises OSError or HTTPException when there is none."""
        response = self.connection.getresponse()
        text = response.read()
        if not text and response.status != 204:
            # http.client takes a status line that was cut off after it for an answer.
            raise http.client.IncompleteRead(b"")
        found = json.loads(text or b"{}")
        names = {name.lower(): value for name, value in response.getheaders()}
        code = found.get("status") if response.status in SUCCESSES else found.get("code")
        return Answer(str(code).upper(), found, response.status, names)


class SqlClient:
    """One connection as the application's role, calling the functions that the server calls."""

    def __init__(self, url: str, vendor_id: uuid.UUID, application_name: str) -> None:
        self.vendor_id = vendor_id
        self.connection = psycopg.connect(url, autocommit=True, application_name=application_name)

    def book(
        self, *slot_ids: uuid.UUID, hold: bool = False, key: str | None = None, **wish: Any
    ) -> Answer:
        more: dict[str, Any] = {"hold_for": timedelta(minutes=10)} if hold else {}
        more |= {"idempotency_key": key} if key else {}
        return self._call("claim_slot_and_create_booking", slot_ids=list(slot_ids), **more, **wish)

    def book_service(
        self, service_id: uuid.UUID, start: datetime, key: str | None = None, **wish: Any
    ) -> Answer:
        wanted = {"service_id": service_id, "start": start, "idempotency_key": key, **wish}
        return self._call("claim_service_and_create_booking", **wanted)

    def move(self, function: str, booking_id: uuid.UUID) -> Answer:
        return self._call(function, booking_id=booking_id)

    def resize(self, slot_id: uuid.UUID, capacity: int) -> Answer:
        return self._call("resize_slot", slot_id=slot_id, capacity=capacity)

    def block(self, provider_id: uuid.UUID, start: datetime, end: datetime) -> Answer:
        return self._call("block_time", provider_id=provider_id, start=start, end=end, quantity=1)

    def close(self) -> None:
        self.connection.close()

    def _call(self, function: str, **arguments: Any) -> Answer:
        row = call(self.connection, function, vendor_id=self.vendor_id, **arguments)[0]
        return Answer(row["outcome"], row["facts"])


class OwnerClient:
    """The tables' owner, who writes rows past every function and asks for one unit."""

    def __init__(self, url: str, shop: Shop, application_name: str) -> None:
        self.shop = shop
        self.connection = psycopg.connect(url, autocommit=True, application_name=application_name)

    def book(self, *slot_ids: uuid.UUID, unit: int = 1) -> Answer:
        """Insert a booking and its claims; the code of a refusal is its SQLSTATE."""
        try:
            units = f"{{[{unit},{unit + 1})}}"
            booking_id = raw.book(self.connection, self.shop, *slot_ids, units=units)
        except psycopg.Error as error:
            return Answer(error.sqlstate or "LOST", {})
        return Answer("CONFIRMED", {"id": str(booking_id)})

    def close(self) -> None:
        self.connection.close()
