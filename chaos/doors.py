"""Three ways to a place: the HTTP API, the SQL functions, and rows written by hand."""

from __future__ import annotations

import random
from typing import Any, Protocol

import psycopg
from locust.clients import HttpSession
from locust.event import EventHook
from psycopg.types.json import Jsonb

from chaos.history import Outcome, Result
from chaos.target import TIMEOUT_SECONDS, Stage, Target

# As the API says these.
RAISED = {"55P03": "INVENTORY_LOCKED", "40P01": "CONCURRENCY_ABORT", "40001": "CONCURRENCY_ABORT"}
# With no SQLSTATE the connection broke; class 57 and 08 are the server's going away. Whether the
# transaction was committed before that, nobody knows.
LOST = ("57", "08")
BY_HAND = """
    WITH slot AS (
        SELECT * FROM slots WHERE vendor_id = %(vendor_id)s AND id = %(slot_id)s
    ), booking AS (
        INSERT INTO bookings (vendor_id, status, quantity, claim_count, provider_id, location_id,
                              slot_ids, during, metadata)
        SELECT vendor_id, 'confirmed', 1, 1, provider_id, location_id, ARRAY[id], during,
               %(metadata)s
        FROM slot
        RETURNING vendor_id, id
    ), claim AS (
        INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id,
                            provider_id, slot_during, slot_capacity, during, units)
        SELECT slot.vendor_id, booking.id, 1, 1, 1, slot.id, slot.provider_id, slot.during,
               slot.capacity, slot.during, int4multirange(int4range(%(place)s, %(place)s + 1))
        FROM slot, booking
    )
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)
    SELECT vendor_id, id, 1, 'confirmed', '{"type": "system"}', '{}' FROM booking
    RETURNING booking_id
"""


class Door(Protocol):
    """A way in, with a connection of its own; it never tries again."""

    name: str

    def book(self, slot_id: str, quantity: int, token: str) -> Outcome:
        """Ask for places; the booking carries the token in its metadata."""

    def cancel(self, booking_id: str) -> Outcome:
        """Give the places back."""

    def close(self) -> None:
        """Let go of the connection."""


class HttpDoor:
    """The API: books as a customer, cancels as the vendor."""

    name = "http"

    def __init__(self, session: HttpSession, target: Target) -> None:
        self._session, self._target = session, target
        # An address of a proxy in the environment is not meant for this.
        session.trust_env = False

    def book(self, slot_id: str, quantity: int, token: str) -> Outcome:
        body = {
            "slot_id": slot_id,
            "quantity": quantity,
            "customer": {"name": token, "email": "chaos@example.org"},
            "metadata": {"chaos": token},
        }
        return self._post("/bookings", body, "/bookings")

    def cancel(self, booking_id: str) -> Outcome:
        return self._post(f"/bookings/{booking_id}/cancel", None, "/bookings/{id}/cancel")

    def close(self) -> None:
        self._session.close()

    def _post(self, path: str, body: dict[str, Any] | None, name: str) -> Outcome:
        key = {} if body else {"Authorization": f"Bearer {self._target.api_key}"}
        with self._session.post(
            f"{self._target.path}{path}",
            json=body,
            headers=key,
            timeout=TIMEOUT_SECONDS,
            name=name,
            catch_response=True,
        ) as response:
            outcome = _heard(response)
            # A refusal is an answer; Locust counts as failures what the server failed to answer.
            if outcome.status is not None and outcome.status < 500:
                response.success()
            return outcome


def _heard(response: Any) -> Outcome:
    """What an HTTP answer means. A server error does not say whether it was done."""
    status: int = response.status_code
    try:
        body = response.json()
        said = str(body["status"] if status in {200, 201} else body["code"]).upper()
        booking_id = str(body["id"]) if status in {200, 201} else None
    except (ValueError, KeyError, TypeError):
        what = "no JSON" if status else type(response.error).__name__
        return Outcome("unknown", what, None, status or None)
    result: Result = "ok" if booking_id else "unknown" if status >= 500 else "fail"
    return Outcome(result, said, booking_id, status)


class Session:
    """A connection to the database that is opened when it is first needed, or has broken."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    def row(self, statement: str, values: Any) -> tuple[Any, ...]:
        """The one row of a statement, which commits itself."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True, application_name="chaos")
        row: tuple[Any, ...] = self._connection.execute(statement.encode(), values).fetchall()[0]
        return row

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class SqlDoor:
    """The functions that the API calls, called by somebody else of the same role."""

    name = "sql"

    def __init__(self, target: Target, stage: Stage, requests: EventHook) -> None:
        self._session, self._stage, self._requests = Session(target.database_url), stage, requests

    def book(self, slot_id: str, quantity: int, token: str) -> Outcome:
        return self._call(
            "claim_slot_and_create_booking",
            "SELECT outcome, booking_id FROM claim_slot_and_create_booking(p_vendor_id => %s,"
            " p_slot_ids => ARRAY[%s]::uuid[], p_quantity => %s, p_details => %s)",
            [self._stage.vendor_id, slot_id, quantity, Jsonb({"metadata": {"chaos": token}})],
        )

    def cancel(self, booking_id: str) -> Outcome:
        return self._call(
            "cancel_booking",
            "SELECT outcome, booking_id FROM cancel_booking(%s, %s)",
            [self._stage.vendor_id, booking_id],
        )

    def close(self) -> None:
        self._session.close()

    def _call(self, name: str, statement: str, values: list[Any]) -> Outcome:
        with self._requests.measure("SQL", name):
            return self._outcome(statement, values)

    def _outcome(self, statement: str, values: list[Any]) -> Outcome:
        try:
            said, booking_id = self._session.row(statement, values)
        except psycopg.Error as error:
            return _refused(error, RAISED)
        result: Result = "ok" if said in {"CONFIRMED", "CANCELLED"} else "fail"
        return Outcome(result, said, str(booking_id) if booking_id else None)


class HandDoor:
    """The tables' owner, who inserts rows past every function and takes any place by its number."""

    name = "hand"

    def __init__(
        self, target: Target, stage: Stage, requests: EventHook, dice: random.Random
    ) -> None:
        self._session, self._stage, self._requests = Session(target.owner_url), stage, requests
        self._dice = dice

    def book(self, slot_id: str, quantity: int, token: str) -> Outcome:
        del quantity  # One place at a time.
        values = {
            "vendor_id": self._stage.vendor_id,
            "slot_id": slot_id,
            "metadata": Jsonb({"chaos": token}),
            "place": self._dice.randint(1, self._stage.places[slot_id]),
        }
        with self._requests.measure("SQL", "INSERT by hand"):
            return self._insert(values)

    def _insert(self, values: dict[str, Any]) -> Outcome:
        try:
            (booking_id,) = self._session.row(BY_HAND, values)
        except psycopg.Error as error:
            return _refused(error, {})
        return Outcome("ok", "CONFIRMED", str(booking_id))

    def cancel(self, booking_id: str) -> Outcome:
        raise NotImplementedError(booking_id)

    def close(self) -> None:
        self._session.close()


def _refused(error: psycopg.Error, names: dict[str, str]) -> Outcome:
    """What an error of the database means: refused and undone, or nobody knows."""
    state = error.sqlstate
    if state is None or state.startswith(LOST):
        return Outcome("unknown", state or type(error).__name__)
    return Outcome("fail", names.get(state, state))
