"""The ways in: the HTTP API, the SQL functions, and rows written by hand.

A door takes a kind of operation and what is asked, and says what it heard; it never raises, and it
never tries again: whether to is the attacker's business.
"""

from __future__ import annotations

from typing import Any, Protocol

import psycopg

from chaos.history import Asked, Outcome

# With no SQLSTATE the connection broke; classes 57P and 08 are the server's going away. Whether the
# transaction was committed before that, nobody knows.
LOST = ("57P", "08", "53")
# Of the API: method, path and body.
Call = tuple[str, str, dict[str, Any] | str | None]


class Door(Protocol):
    """A way in, with a connection of its own."""

    name: str

    def perform(self, kind: str, asked: Asked) -> Outcome:
        """Ask, and say what came of it."""

    def close(self) -> None:
        """Let go of the connection."""


class Session:
    """A connection to the database that is opened when it is first needed, or has broken."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    def open(self) -> psycopg.Connection[Any]:
        """The connection, in autocommit mode. Raises psycopg.Error when there is none to be had."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, autocommit=True, application_name="chaos", connect_timeout=30
            )
        return self._connection

    def row(self, statement: str, values: Any) -> tuple[Any, ...]:
        """The one row of a statement, which commits itself."""
        row: tuple[Any, ...] = self.open().execute(statement.encode(), values).fetchall()[0]
        return row

    def close(self) -> None:
        """Let go of it."""
        if self._connection is not None:
            self._connection.close()


def about_parts(asked: Asked) -> bool:
    """Whether parts of slots are asked about, and not slots as they are."""
    named = asked.keys() & {"slots", "service_id", "quantity"}
    return bool(asked.get("parts") or (named and asked.get("start")))


def alternatives(offered: list[dict[str, Any]], *, parts: bool) -> list[list[Any]]:
    """What is offered instead: slots, places, and of parts of slots when they begin and end and
    whose they are, if that is one provider.
    """
    names = ("slot_ids", "available", *(("start", "end", "provider_id") if parts else ()))
    return [[each[name] for name in names if name in each] for each in offered]


def free_parts(
    start: str, end: str, free: list[dict[str, Any]], **_: Any
) -> dict[str, str | list[list[Any]]]:
    """When a slot begins and ends, and which stretches of it are shown to be free."""
    stretches = [[each["start"], each["end"], each["available"]] for each in free]
    return {"start": start, "end": end, "free": stretches}


def given(booking: dict[str, Any]) -> dict[str, Any]:
    """Of a service that was booked: which slots it is given, and when."""
    if not booking.get("service_id"):
        return {}
    return {"slots": booking["slot_ids"], "time": [booking["start"], booking["end"]]}


def shown_times(items: list[dict[str, Any]]) -> list[list[Any]]:
    """When a service can be booked: each start with its options, which are providers and places."""
    return [
        [item["start"], [[each["provider_ids"], each["available"]] for each in item["options"]]]
        for item in items
    ]


def refused(error: psycopg.Error) -> Outcome:
    """What an error of the database means: refused and undone, or nobody knows."""
    state = error.sqlstate
    if state is None or state.startswith(LOST):
        return Outcome("unknown", state or type(error).__name__)
    return Outcome("fail", state)
