"""The HTTP API: books as a customer without credentials, changes things as the vendor."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from locust.event import EventHook

from chaos.doors import Call, about_parts, alternatives, free_parts, given, shown_times
from chaos.doors.people import (
    CROWD,
    OF_PEOPLE,
    TOLD_OF_PEOPLE,
    changes,
    in_the_way,
    told_of,
    words,
)
from chaos.doors.weeks import OF_TIME
from chaos.history import Asked, Outcome, Result
from chaos.target import TIMEOUT_SECONDS, Target

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
IDLE_SECONDS_MAX = 1.0
SUCCESSES = {200, 201, 204}
OCCUPYING = "requested,held,confirmed,completed,no_show"
LISTED = ("id", "kind", "status", "slot_ids")


class HttpDoor:
    """One connection, kept open; what has been sent is never sent again.

    (Most HTTP clients silently send a request again when a kept connection turns out to be closed;
    whether something was done once or twice is what we are here to find out.)
    """

    name = "http"

    def __init__(self, target: Target, requests: EventHook) -> None:
        self._target, self._requests = target, requests
        self._where = urlsplit(target.url)
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def perform(self, kind: str, asked: Asked) -> Outcome:
        """One call; `asked["impatient"]`: hang up without waiting for the answer."""
        method, path, body = CALLS[kind](asked)
        headers = self._headers(kind, asked)
        with self._requests.measure(method, ID.sub("{id}", path.split("?")[0])):
            call = (method, path, body)
            impatient, parts = "impatient" in asked, about_parts(asked)
            return self._ask(kind, call, headers, hang_up=impatient, parts=parts)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _headers(self, kind: str, asked: Asked) -> dict[str, str]:
        headers = {"Content-Type": "text/calendar" if kind == "calendar" else "application/json"}
        if asked.get("key"):
            headers["Idempotency-Key"] = asked["key"]
        # Only the vendor books for whom it names by the id.
        if kind not in {"book", "read", "search"} or "customer_id" in asked:
            headers["Authorization"] = f"Bearer {self._target.api_key}"
        return headers

    def _ask(
        self,
        kind: str,
        call: Call,
        headers: dict[str, str],
        *,
        hang_up: bool,
        parts: bool,
    ) -> Outcome:
        method, path, body = call
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        try:
            if time.monotonic() - self._used > IDLE_SECONDS_MAX:
                # The server may hang up on who is silent; asking at that moment proves nothing.
                self.close()
            if self._connection is None:
                self._connection = self._connected()
            self._connection.request(method, f"{self._target.path}{path}", text, headers)
            if hang_up:
                self.close()
                return Outcome("unknown", "HUNG_UP")
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            # Nothing was sent where nobody listened.
            refused = isinstance(error, ConnectionRefusedError)
            return Outcome("fail" if refused else "unknown", type(error).__name__)
        self._used = time.monotonic()
        if answer.will_close:
            self.close()
        outcome = _heard(kind, answer.status, content, parts=parts)
        if answer.headers.get("Idempotency-Replayed") == "true":
            outcome.answer["replayed"] = True
        return outcome

    def _connected(self) -> http.client.HTTPConnection:
        secure = self._where.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return make(self._where.hostname or "", self._where.port, timeout=TIMEOUT_SECONDS)


def _heard(kind: str, status: int, content: bytes, *, parts: bool) -> Outcome:
    """What an answer means. A server error does not say whether it was done.

    `parts`: whether parts of slots were asked about.
    """
    try:
        body = json.loads(content) if content else {}
        if status in SUCCESSES:
            return _success(kind, status, body, parts=parts)
        code = str(body["code"])
        answer = _refusal(body, parts=parts)
    except (ValueError, KeyError, TypeError):
        return Outcome("unknown", "NO_JSON", status)
    result: Result = "unknown" if status >= 500 else "fail"
    return Outcome(result, code, status, answer)


def _success(kind: str, status: int, body: dict[str, Any], *, parts: bool) -> Outcome:
    if kind == "read":
        items = body["items"]
        answer: dict[str, Any] = {"shown": {item["slot_id"]: item["available"] for item in items}}
        if parts:
            answer["parts"] = {item["slot_id"]: free_parts(**item) for item in items}
        return Outcome("ok", "SHOWN", status, answer)
    if kind in TOLD:
        code, tell = TOLD[kind]
        return Outcome("ok", code, status, tell(body))
    answer = {"booking_id": body["id"], "quantity": body["quantity"]}
    if body.get("hold_expires_at"):
        answer["hold"] = _held_seconds(body)
    if kind == "book":
        answer |= given(body)
    answer |= told_of(body)
    # The manage_token stays out of the history, which is for everybody to read.
    codes = {"block": "CONFIRMED", "change": "CHANGED"}
    code = codes.get(kind) or str(body["status"]).upper()
    return Outcome("ok", code, status, answer)


def _held_seconds(body: dict[str, Any]) -> int:
    """For how long it is held, in whole minutes: the rest is the time that the request waited."""
    began, ends = (datetime.fromisoformat(body[name]) for name in ("created_at", "hold_expires_at"))
    return int((ends - began).total_seconds() // 60 * 60)


def _refusal(body: dict[str, Any], *, parts: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    conflict = body.get("conflict")
    if conflict:
        names = ("reason", "available", "status", "capacity")
        answer.update({name: conflict[name] for name in names if name in conflict})
    if body["code"] == "CUSTOMER_IN_USE":
        answer |= in_the_way(conflict or {})
    if body.get("alternatives"):
        answer["alternatives"] = alternatives(body["alternatives"], parts=parts)
    return answer


def _book(asked: Asked) -> Call:
    where: dict[str, Any]
    if "service_id" in asked:
        where = {name: asked[name] for name in ("service_id", "provider_id") if name in asked}
    elif "provider_id" in asked:
        where = {"provider_id": asked["provider_id"]}
    elif len(asked["slots"]) == 1:
        where = {"slot_id": asked["slots"][0]}
    else:
        where = {"slot_ids": asked["slots"]}
    ends = ("start",) if "service_id" in asked else ("start", "end")
    body: dict[str, Any] = {
        **where,
        # Who asks for a service leaves open when it ends.
        **{name: asked[name] for name in ends if name in asked},
        "quantity": asked["quantity"],
        **words(asked),
    }
    if "customer_id" in asked:
        body["customer_id"] = asked["customer_id"]
    else:
        body["customer"] = asked.get("customer", CROWD)
    if asked.get("hold"):
        body["hold"] = True
    return "POST", "/bookings", body


def _move(move: str) -> Callable[[Asked], Call]:
    return lambda asked: ("POST", f"/bookings/{asked['booking_id']}/{move}", None)


def _cancel(asked: Asked) -> Call:
    method, path, _ = _move("cancel")(asked)
    return method, path, {"reason": asked["reason"]} if "reason" in asked else None


def _block(asked: Asked) -> Call:
    body = {name: asked[name] for name in ("provider_id", "start", "end")}
    return "POST", "/blocks", {**body, "reason": asked["token"]}


def _publish(asked: Asked) -> Call:
    body = {"slots": asked["published"], "on_overlap": "refuse"}
    return "POST", f"/providers/{asked['provider_id']}/slots", body


def _read(asked: Asked) -> Call:
    names = {"provider_id": asked["provider_id"], "from": asked["start"], "to": asked["end"]}
    return "GET", f"/availability?{urlencode({**names, 'limit': 100})}", None


def _search(asked: Asked) -> Call:
    names = ("from", "to", "quantity", "provider_id")
    query = {name: asked[name] for name in names if name in asked}
    return "GET", f"/services/{asked['service_id']}/times?{urlencode(query | {'limit': 200})}", None


def _offer(asked: Asked) -> Call:
    needs = [
        {
            "role": f"need {number}",
            "providers": [{"provider_id": i, "preference": p} for i, p in those],
        }
        for number, those in enumerate(asked["needs"], 1)
    ]
    return "PATCH", f"/services/{asked['service_id']}", {"needs": needs}


def _list(asked: Asked) -> Call:
    """All that occupies, blocks as well."""
    wanted = {"provider_id": asked["provider_id"], "kind": "all", "status": OCCUPYING, "limit": 200}
    return "GET", f"/bookings?{urlencode(wanted)}", None


# The code of a success, and what is told in it, of whatever is no booking.
TOLD: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "search": (
        "FOUND",
        lambda body: {"times": shown_times(body["items"]), "more": bool(body["next_cursor"])},
    ),
    "offer": ("OFFERED", lambda _body: {}),
    **{
        kind: ("SET", lambda _body: {})
        for kind in ("hours", "exception", "time_off", "end_off", "calendar")
    },
    "take_off": ("SET", lambda body: {"time_off": body["id"]}),
    "list": (
        "LISTED",
        lambda body: {"listed": [[item[name] for name in LISTED] for item in body["items"]]},
    ),
    "publish": (
        "PUBLISHED",
        lambda body: {"published": [[slot["id"], slot["capacity"]] for slot in body["items"]]},
    ),
    "resize": ("RESIZED", lambda body: {"capacity": body["capacity"]}),
    "delete_slot": ("DELETED", lambda _body: {}),
    "unblock": ("CANCELLED", lambda _body: {}),
    **TOLD_OF_PEOPLE,
}
CALLS: dict[str, Callable[[Asked], Call]] = {
    "book": _book,
    "cancel": _cancel,
    "confirm": _move("confirm"),
    "complete": _move("complete"),
    "no_show": _move("no-show"),
    "block": _block,
    "change": lambda asked: ("PATCH", f"/bookings/{asked['booking_id']}", changes(asked)),
    "unblock": lambda asked: ("DELETE", f"/blocks/{asked['booking_id']}", None),
    "publish": _publish,
    "resize": lambda a: ("PATCH", f"/slots/{a['slot_id']}", {"capacity": a["capacity"]}),
    "delete_slot": lambda asked: ("DELETE", f"/slots/{asked['slot_id']}", None),
    "read": _read,
    "list": _list,
    "search": _search,
    "offer": _offer,
    **OF_TIME,
    **OF_PEOPLE,
}
