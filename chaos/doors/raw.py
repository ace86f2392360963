"""Rows written by hand, past every function: by the owner of the tables, or by who may not."""

from __future__ import annotations

from typing import Any

import gevent
import psycopg
from locust.event import EventHook

from chaos.doors import Session, refused
from chaos.doors.trespasses import BY_NAME
from chaos.history import Asked, Outcome

BOOKING = """
    INSERT INTO bookings (vendor_id, status, quantity, claim_count, provider_id, location_id,
                          slot_ids, during, metadata)
    SELECT s.vendor_id, 'confirmed', 1, cardinality(%(slots)s::uuid[]), s.provider_id,
           s.location_id, %(slots)s::uuid[], tstzrange(lower(s.during), upper(last.during)),
           jsonb_build_object('chaos', %(token)s::text)
    FROM slots s JOIN slots last ON last.vendor_id = s.vendor_id
    WHERE s.vendor_id = %(vendor)s AND s.id = (%(slots)s::uuid[])[1]
      AND last.id = (%(slots)s::uuid[])[cardinality(%(slots)s::uuid[])]
    RETURNING id::text
"""
CLAIM = """
    INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id,
                        slot_during, slot_capacity, during, units)
    SELECT vendor_id, %(booking)s, %(ordinal)s, %(count)s, 1, id, provider_id, during, capacity,
           during, int4multirange(int4range(%(unit)s, %(unit)s + 1))
    FROM slots WHERE vendor_id = %(vendor)s AND id = %(slot)s
"""
EVENT = """
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)
    VALUES (%(vendor)s, %(booking)s, %(sequence)s, %(kind)s, '{"type": "system"}', '{}')
"""
CANCEL = """
    UPDATE bookings SET status = 'cancelled', version = version + 1
    WHERE vendor_id = %(vendor)s AND id = %(booking)s
      AND status IN ('requested', 'held', 'confirmed')
    RETURNING version
"""
RELEASE = "DELETE FROM claims WHERE vendor_id = %(vendor)s AND booking_id = %(booking)s"
# Long enough to be in everybody's way, shorter than anybody's patience.
PATIENCE = "SET LOCAL lock_timeout = '2s'"


class RawDoor:
    """Transactions by hand, some long, some taken back. `name`: owner, or role."""

    def __init__(self, name: str, url: str, vendor_id: str, requests: EventHook) -> None:
        self.name = name
        self._session, self._vendor_id, self._requests = Session(url), vendor_id, requests

    def perform(self, kind: str, asked: Asked) -> Outcome:
        """Write, and commit unless asked to take it back."""
        values = {"vendor": self._vendor_id, "token": asked.get("token")}
        act = {"book": self._book, "cancel": self._cancel, "trespass": self._trespass}[kind]
        with self._requests.measure("SQL", f"{kind} by hand ({self.name})"):
            try:
                connection = self._session.open()
                with connection.transaction():
                    connection.execute(PATIENCE)
                    outcome = act(connection, asked, values)
                    if outcome.result == "fail":
                        raise psycopg.Rollback
            except psycopg.Error as error:
                return refused(error)
        return outcome

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _book(
        self, connection: psycopg.Connection[Any], asked: Asked, values: dict[str, Any]
    ) -> Outcome:
        """A booking like any other; claims in the order asked, lingering after each."""
        row = connection.execute(BOOKING, {**values, "slots": asked["slots"]}).fetchone()
        if row is None:
            return Outcome("fail", "NO_ROWS")
        values = {**values, "booking": row[0], "count": len(asked["slots"])}
        connection.execute(EVENT, {**values, "sequence": 1, "kind": "confirmed"})
        places = list(enumerate(zip(asked["slots"], asked["units"], strict=True), 1))
        for ordinal, (slot, unit) in reversed(places) if asked["backwards"] else places:
            connection.execute(CLAIM, {**values, "ordinal": ordinal, "slot": slot, "unit": unit})
            gevent.sleep(asked["linger"])
        if asked["rollback"]:
            return Outcome("fail", "ROLLED_BACK")
        return Outcome("ok", "CONFIRMED", None, {"booking_id": row[0], "quantity": 1})

    def _cancel(
        self, connection: psycopg.Connection[Any], asked: Asked, values: dict[str, Any]
    ) -> Outcome:
        """A lawful cancellation, claims before or after the booking."""
        values = {**values, "booking": asked["booking_id"]}
        if asked["backwards"]:
            connection.execute(RELEASE, values)
            gevent.sleep(asked["linger"])
        row = connection.execute(CANCEL, values).fetchone()
        if row is None:
            return Outcome("fail", "NO_ROWS")
        if not asked["backwards"]:
            connection.execute(RELEASE, values)
            gevent.sleep(asked["linger"])
        connection.execute(EVENT, {**values, "sequence": row[0], "kind": "cancelled"})
        if asked["rollback"]:
            return Outcome("fail", "ROLLED_BACK")
        return Outcome("ok", "CANCELLED")

    def _trespass(
        self, connection: psycopg.Connection[Any], asked: Asked, values: dict[str, Any]
    ) -> Outcome:
        """What is forbidden; also what only the commit would refuse is made to be refused."""
        trespass = BY_NAME[asked["trespass"]]
        values = {**values, "booking": asked.get("booking_id"), "slot": asked.get("slot_id")}
        cursor = connection.execute(trespass.statement.encode(), values)
        if cursor.description is not None and cursor.fetchone() is None:
            return Outcome("fail", "NO_ROWS")
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if not trespass.always:
            # It may have been lawful at this moment; whether it was, the judges find out.
            return Outcome("fail", "SUCCEEDED")
        return Outcome("ok", "SUCCEEDED")
