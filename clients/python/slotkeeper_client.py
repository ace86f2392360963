"""Slotkeeper's API from Python, with the standard library alone: one file, to import or to copy.

    salon = Slotkeeper("http://127.0.0.1:8000", "demo-salon")
    opening = next(salon.availability(monday, saturday))
    booking = salon.book(slot_id=opening["slot_id"], customer={"name": "Ada", "email": "ada@…"})

A POST carries an Idempotency-Key, so a lost answer is asked for again and never books twice.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPException
from typing import Any, Literal, TypedDict

ATTEMPTS_MAX = 4
WAIT_SECONDS_MAX = 10.0
# A retryable answer with such a status says so; one of 503 may not know.
NOTHING_WAS_DONE = frozenset({409, 429})


class Opening(TypedDict):
    """A slot as the availability list shows it; times are RFC 3339 in UTC."""

    slot_id: str
    provider_id: str
    location_id: str
    start: str
    end: str
    time_zone: str
    status: Literal["available", "sold_out"]
    available: int | None


class Booking(TypedDict):
    """A booking; `manage_token` comes with its creation alone and opens it to its customer."""

    id: str
    status: str
    version: int
    start: str
    end: str
    time_zone: str
    quantity: int
    manage_token: str


class SlotkeeperError(Exception):
    """The server said no. Branch on `code`; `hint` is for people.

    `alternatives`: times that were free a moment ago, best first. `retry_after`: seconds to wait
    before the same request can succeed, where it can.
    """

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None) -> None:
        self.status = status
        self.problem = problem
        self.code: str = problem.get("code", "")
        self.hint: str = problem.get("hint", "")
        self.alternatives: list[dict[str, Any]] = problem.get("alternatives", [])
        self.retry_after = retry_after if problem.get("retryable") else None
        super().__init__(f"{self.code}: {problem.get('detail', '')}")


class UnansweredError(Exception):
    """No answer came; whether the call took effect is unknown.

    Send a POST again with `idempotency_key`: it is then done once, whatever happened.
    """

    def __init__(self, message: str, idempotency_key: str | None) -> None:
        self.idempotency_key = idempotency_key
        super().__init__(message)


class Slotkeeper:
    """One vendor's calls: as anybody, or with an API key or a manage_token as `credentials`."""

    def __init__(
        self,
        base_url: str,
        vendor: str,
        *,
        credentials: str | None = None,
        timeout_seconds: float = 15.0,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"Needs an http:// or https:// address, not {base_url!r}.")
        self._base = f"{base_url.rstrip('/')}/api/v1/vendors/{urllib.parse.quote(vendor, safe='')}"
        self._credentials = credentials
        self._timeout = timeout_seconds

    def availability(self, start: datetime, end: datetime, **filters: Any) -> Iterator[Opening]:
        """What is published between two aware datetimes, sold out or not, in order of time."""
        window = {"from": start.isoformat(), "to": end.isoformat()}
        yield from self.pages("/availability", **window, **filters)

    def book(self, *, idempotency_key: str | None = None, **wanted: Any) -> Booking:
        """Book: slot_id=…, customer={"name", "email"}, quantity=…, hold=True, ….

        Raises SlotkeeperError: BOOKING_CONFLICT when somebody was faster, with `alternatives`.
        """
        booking: Booking = self.call("POST", "/bookings", wanted, idempotency_key=idempotency_key)
        return booking

    def cancel(self, booking_id: str) -> Booking:
        """Cancel; with the booking's manage_token or a key of the vendor as credentials."""
        booking: Booking = self.call("POST", f"/bookings/{booking_id}/cancel", {})
        return booking

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """All items of a list, fetched page by page as they are asked for."""
        while True:
            page = self.call("GET", path, **query)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        idempotency_key: str | None = None,
        **query: Any,
    ) -> Any:
        """Any call under the vendor's address, as decoded JSON; None for an empty answer.

        What is retryable is tried again as Retry-After says; GET and POST also when no answer came,
        or one that leaves open what was done. Raises SlotkeeperError and UnansweredError.
        """
        address = self._base + path
        if query:
            address += "?" + urllib.parse.urlencode(query, doseq=True)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            idempotency_key = idempotency_key or str(uuid.uuid4())
            headers["Idempotency-Key"] = idempotency_key
        if self._credentials is not None:
            headers["Authorization"] = f"Bearer {self._credentials}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, headers, method=method)
        # PATCH and DELETE have no key that would make a second time harmless.
        repeatable = method in {"GET", "POST"}
        for attempt in range(1, ATTEMPTS_MAX + 1):
            wait = 0.2 * 2**attempt
            try:
                return self._send(request)
            except SlotkeeperError as error:
                sure = repeatable or error.status in NOTHING_WAS_DONE
                if error.retry_after is None or not sure or attempt == ATTEMPTS_MAX:
                    raise
                wait = error.retry_after
            except (OSError, HTTPException) as error:
                if attempt == ATTEMPTS_MAX or not repeatable:
                    message = f"{method} {address} was not answered: {error}"
                    raise UnansweredError(message, idempotency_key) from error
            time.sleep(min(wait, WAIT_SECONDS_MAX))
        raise AssertionError("unreachable")

    def _send(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from None
        return json.loads(text) if text else None


def _refusal(error: urllib.error.HTTPError) -> SlotkeeperError:
    try:
        problem = json.loads(error.read())
    except ValueError:
        problem = {}
    if not isinstance(problem, dict) or "code" not in problem:
        # A proxy in between answered.
        problem = {"code": f"HTTP_{error.code}", "detail": str(error.reason)}
    seconds = error.headers.get("Retry-After", "")
    wait = float(seconds) if seconds.isdigit() else 1.0
    return SlotkeeperError(error.code, problem, wait)
