"""The functions that the API calls, called by somebody else of the same role."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
from locust.event import EventHook

from chaos.doors import (
    Session,
    about_parts,
    alternatives,
    free_parts,
    given,
    refused,
    shown_times,
)
from chaos.doors.people import changes, details, erase, in_the_way, told_of
from chaos.history import Asked, Outcome, Result

SUCCESSES = {
    *("CONFIRMED", "HELD", "CANCELLED", "COMPLETED", "NO_SHOW"),
    *("PUBLISHED", "RESIZED", "DELETED", "CHANGED", "RENEWED", "ERASED"),
}
Call = tuple[str, str, dict[str, Any]]
# What tells how much was done, of functions that cannot refuse.
NUMBERS = {
    "sweep": "*",
    "forget": "*",
    **dict.fromkeys(("close", "close_begun"), "changed::integer"),
}
MADE = {
    "publish": "slot_ids",
    "resize": "slot_id",
    "delete_slot": "slot_id",
    "apply": "changed",
    "erase": "customer_id",
}
COVERING = (
    "slots_covering(%(vendor)s, %(provider_id)s, %(start)s::timestamptz, %(end)s::timestamptz)"
)


class SqlDoor:
    """One call, one statement, committed by itself."""

    name = "sql"

    def __init__(self, url: str, vendor_id: str, requests: EventHook) -> None:
        self._session, self._vendor_id, self._requests = Session(url), vendor_id, requests

    def perform(self, kind: str, asked: Asked) -> Outcome:
        """Call the function that does this."""
        name, arguments, values = CALLS[kind](asked)
        values["vendor"] = self._vendor_id
        with self._requests.measure("SQL", name):
            try:
                call = f"FROM {name}(p_vendor_id => %(vendor)s{arguments})"
                return self._ask(kind, call, values, parts=about_parts(asked))
            except psycopg.Error as error:
                return refused(error)

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _ask(self, kind: str, call: str, values: dict[str, Any], *, parts: bool) -> Outcome:
        if kind in NUMBERS:
            (number,) = self._session.row(f"SELECT {NUMBERS[kind]} {call}", values)
            return Outcome("ok", "DONE", None, {"number": number})
        if kind == "read":
            (items,) = self._session.row(
                "SELECT COALESCE(json_agg(json_build_object('slot_id', slot_id, 'free', free,"
                " 'start', slot_start, 'end', slot_end, 'available', available)), '[]')"
                f" {call}",
                values,
            )
            answer = {"shown": {item["slot_id"]: item["available"] for item in items}}
            if parts:
                answer["parts"] = {item["slot_id"]: free_parts(**item) for item in items}
            return Outcome("ok", "SHOWN", None, answer)
        if kind == "search":
            row = self._session.row(f"SELECT outcome, items, next_start {call}", values)
            said, items, more = row
            if said != "FOUND":
                return Outcome("fail", said)
            times = shown_times(json.loads(f"[{items}]"))
            return Outcome("ok", "FOUND", None, {"times": times, "more": more is not None})
        if kind in {"book", "block"}:
            row = self._session.row(f"SELECT outcome, booking_id, replayed, facts {call}", values)
            return _booked(*row, parts=parts)
        row = self._session.row(
            f"SELECT outcome, {MADE.get(kind, 'booking_id')}, facts {call}", values
        )
        return _moved(kind, asked=values, said=row)


def _booked(
    said: str, booking_id: Any, replayed: Any, facts: dict[str, Any] | None, *, parts: bool
) -> Outcome:
    facts = facts or {}
    if said in SUCCESSES:
        answer = {"booking_id": str(booking_id), "quantity": facts.get("quantity")}
        answer |= given(facts) | told_of(facts)
        return Outcome("ok", said, None, answer | ({"replayed": True} if replayed else {}))
    answer = {name: facts[name] for name in ("reason", "available") if name in facts}
    if facts.get("alternatives"):
        answer["alternatives"] = alternatives(facts["alternatives"], parts=parts)
    return Outcome("fail", said, None, answer)


def _moved(kind: str, asked: dict[str, Any], said: tuple[Any, ...]) -> Outcome:
    outcome, made, facts = said
    result: Result = "ok" if outcome in SUCCESSES else "fail"
    answer: dict[str, Any] = {}
    if kind == "publish" and result == "ok":
        capacities = [slot["capacity"] for slot in json.loads(asked["published"])]
        answer["published"] = [[str(i), c] for i, c in zip(made, capacities, strict=True)]
    elif kind == "resize" and result == "ok":
        answer["capacity"] = asked["capacity"]
    elif outcome == "CUSTOMER_IN_USE":
        answer |= in_the_way(facts)
    elif result == "ok":
        answer |= told_of(facts or {})
    elif facts and "status" in facts:
        answer["status"] = facts["status"]
    return Outcome(result, outcome, None, answer)


def _book(asked: Asked) -> Call:
    arguments = (
        ", p_quantity => %(quantity)s, p_start => %(start)s::timestamptz,"
        " p_hold_for => make_interval(secs => %(hold)s), p_idempotency_key => %(key)s,"
        " p_details => %(details)s::jsonb, p_alternatives => %(alternatives)s,"
        " p_customer_id => %(customer_id)s"
    )
    values = {
        "quantity": asked["quantity"],
        "start": asked.get("start"),
        "hold": asked.get("hold"),
        "key": asked.get("key"),
        "details": details(asked),
        "customer_id": asked.get("customer_id"),
        "alternatives": asked.get("alternatives", 1),
    }
    if "service_id" in asked:
        wanted = ", p_service_id => %(service_id)s, p_provider_id => %(provider_id)s"
        values |= {name: asked.get(name) for name in ("service_id", "provider_id")}
        return "claim_service_and_create_booking", arguments + wanted, values
    wanted = ", p_slot_ids => %(slots)s::uuid[], p_end => %(end)s::timestamptz"
    if "slots" not in asked:
        # In the same statement, as the API does.
        wanted = wanted.replace("%(slots)s::uuid[]", COVERING)
    values |= {name: asked.get(name) for name in ("slots", "end", "provider_id")}
    return "claim_slot_and_create_booking", arguments + wanted, values


def _move(function: str) -> Callable[[Asked], Call]:
    return lambda asked: (
        function,
        ", p_booking_id => %(booking_id)s",
        {"booking_id": asked["booking_id"]},
    )


def _cancel(asked: Asked) -> Call:
    name, arguments, values = _move("cancel_booking")(asked)
    values["reason"] = asked.get("reason")
    return name, f"{arguments}, p_reason => %(reason)s", values


def _block(asked: Asked) -> Call:
    arguments = ", p_provider_id => %(provider_id)s, p_start => %(start)s, p_end => %(end)s"
    names = ("provider_id", "start", "end", "token")
    return (
        "block_time",
        f"{arguments}, p_reason => %(token)s",
        {name: asked[name] for name in names},
    )


def _publish(asked: Asked) -> Call:
    values = {"provider_id": asked["provider_id"], "published": json.dumps(asked["published"])}
    arguments = ", p_provider_id => %(provider_id)s, p_slots => %(published)s::jsonb"
    return "publish_slots", arguments, values


def _resize(asked: Asked) -> Call:
    values = {"slot_id": asked["slot_id"], "capacity": asked["capacity"]}
    return "resize_slot", ", p_slot_id => %(slot_id)s, p_capacity => %(capacity)s", values


def _read(asked: Asked) -> Call:
    arguments = ", p_from => %(start)s, p_to => %(end)s, p_provider_id => %(provider_id)s"
    return (
        "list_availability",
        arguments,
        {name: asked[name] for name in ("provider_id", "start", "end")},
    )


def _search(asked: Asked) -> Call:
    arguments = (
        ", p_service_id => %(service_id)s, p_from => %(from)s, p_to => %(to)s,"
        " p_quantity => %(quantity)s, p_provider_id => %(provider_id)s, p_limit => 200"
    )
    names = ("service_id", "from", "to", "quantity", "provider_id")
    return "search_times", arguments, {name: asked.get(name) for name in names}


def _apply(asked: Asked) -> Call:
    """The schedule's slots of these days are to be those."""
    arguments = (
        ", p_provider_id => %(provider_id)s, p_wanted => %(wanted)s::jsonb,"
        " p_from => %(from)s, p_to => %(to)s"
    )
    names = ("provider_id", "from", "to")
    values = {"wanted": _wanted(asked), **{name: asked[name] for name in names}}
    return "apply_schedules", arguments, values


def _wanted(asked: Asked) -> str:
    """A schedule's slots, as if it gave those: long ones that may be cut."""
    same = {"schedule_id": asked["schedule"], "location_id": asked["location"], "whole": False}
    wanted = [
        {**same, "capacity": asked["capacity"], "start": start, "end": end}
        for start, end in asked["wanted"]
    ]
    return json.dumps(wanted)


def _close_begun(asked: Asked) -> Call:
    """Of the slot that is under way the schedule gives no more than that."""
    arguments = (
        ", p_provider_id => %(provider_id)s, p_wanted => %(wanted)s::jsonb, p_now => %(now)s"
    )
    values = {"wanted": _wanted(asked), **{name: asked[name] for name in ("provider_id", "now")}}
    return "close_begun_slot", arguments, values


def _close(asked: Asked) -> Call:
    provider = {"provider_id": asked["provider_id"]}
    return "close_busy_time", ", p_provider_id => %(provider_id)s", provider


CALLS: dict[str, Callable[[Asked], Call]] = {
    "book": _book,
    "cancel": _cancel,
    "confirm": _move("confirm_booking"),
    "complete": _move("complete_booking"),
    "no_show": _move("mark_no_show"),
    "unblock": _move("unblock_time"),
    "renew": _move("renew_manage_token"),
    "block": _block,
    "publish": _publish,
    "resize": _resize,
    "delete_slot": lambda asked: (
        "delete_slot",
        ", p_slot_id => %(slot_id)s",
        {"slot_id": asked["slot_id"]},
    ),
    "sweep": lambda _asked: ("expire_holds", "", {}),
    "forget": lambda _asked: ("forget_old_idempotency_keys", "", {}),
    "change": lambda asked: (
        "change_booking",
        ", p_booking_id => %(booking_id)s, p_changes => %(changes)s::jsonb",
        {"booking_id": asked["booking_id"], "changes": json.dumps(changes(asked))},
    ),
    "read": _read,
    "search": _search,
    "apply": _apply,
    "close": _close,
    "close_begun": _close_begun,
    "erase": erase,
}
