"""The ways in: the same deeds done through SQL functions, by hand as the owner, or over HTTP."""

from __future__ import annotations

import contextlib
import hashlib
import random
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests import raw
from tests.patience import PATIENT
from tests.shop import Shop

# What a door says for an SQLSTATE, as the application does.
RAISED = {
    "55P03": "INVENTORY_LOCKED",
    "57014": "TRANSACTION_TIMEOUT",
    "40P01": "CONCURRENCY_ABORT",
    "40001": "CONCURRENCY_ABORT",
}


@dataclass(frozen=True)
class Deed:
    """Something that a customer or vendor does: `what` is book, cancel, confirm, resize, ..."""

    what: str
    slot_ids: tuple[uuid.UUID, ...] = ()
    quantity: int = 1
    key: str | None = None
    hold: bool = False
    booking_id: uuid.UUID | None = None
    provider_id: uuid.UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    capacity: int | None = None


@dataclass(frozen=True)
class Answer:
    """What came of a deed; it was under way from `began` to `ended`, in seconds."""

    code: str
    began: float
    ended: float
    booking_id: uuid.UUID | None = None
    available: int | None = None
    replayed: bool = False


class Door(Protocol):
    """A way in, for one racer at a time; it never tries again."""

    def do(self, deed: Deed) -> Answer:
        """Do it, whatever comes of it."""

    def close(self) -> None:
        """Let go of the connection."""


@dataclass
class SqlDoor:
    """Calls the functions as the application's role, each in one statement that commits itself."""

    url: str
    shop: Shop
    connection: psycopg.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = psycopg.connect(
            self.url, autocommit=True, row_factory=dict_row, options=PATIENT
        )

    def close(self) -> None:
        self.connection.close()

    def do(self, deed: Deed) -> Answer:
        function, arguments = _called(deed)
        began = time.time()
        try:
            row = self._call(function, arguments)
        except psycopg.Error as error:
            code = RAISED.get(error.sqlstate or "", f"SQLSTATE {error.sqlstate}")
            return Answer(code, began, time.time())
        # By the database's own clock, while the statement's transaction is open.
        began, ended = row["began"].timestamp(), row["ended"].timestamp()
        return Answer(
            row["outcome"],
            began,
            ended,
            booking_id=row.get("booking_id"),
            available=(row["facts"] or {}).get("available"),
            replayed=bool(row.get("replayed")),
        )

    def _call(self, function: str, arguments: dict[str, Any]) -> dict[str, Any]:
        arguments = {"vendor_id": self.shop.vendor_id, **arguments}
        given = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder(name))
            for name in arguments
        )
        statement = sql.SQL(
            "SELECT called.*, statement_timestamp() AS began, clock_timestamp() AS ended"
            " FROM {}({}) AS called"
        ).format(sql.Identifier(function), given)
        row = self.connection.execute(statement, arguments).fetchone()
        assert row is not None
        return row


def _called(deed: Deed) -> tuple[str, dict[str, Any]]:
    """The function that does the deed, and its arguments."""
    match deed.what:
        case "book":
            hold_for = timedelta(minutes=10) if deed.hold else None
            customer = {"name": "Racer", "email": f"{secrets.token_hex(6)}@example.org"}
            # With a key, equal requests have equal details.
            details = {} if deed.key else {"customer": customer}
            return "claim_slot_and_create_booking", {
                "slot_ids": list(deed.slot_ids), "quantity": deed.quantity, "start": deed.start,
                "end": deed.end, "idempotency_key": deed.key, "hold_for": hold_for,
                "details": Jsonb(details),
            }  # fmt: skip
        case "block":
            return "block_time", {
                "provider_id": deed.provider_id, "start": deed.start, "end": deed.end,
                "quantity": deed.quantity,
            }  # fmt: skip
        case "resize":
            return "resize_slot", {"slot_id": deed.slot_ids[0], "capacity": deed.capacity}
        case "delete":
            return "delete_slot", {"slot_id": deed.slot_ids[0]}
        case move:
            return f"{move}_booking", {"booking_id": deed.booking_id}


@dataclass
class RawDoor:
    """Books by hand as the tables' owner: looks for a free unit, inserts rows, and hopes."""

    url: str
    shop: Shop
    seed: int
    connection: psycopg.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = psycopg.connect(self.url, autocommit=True)
        self._random = random.Random(self.seed)

    def close(self) -> None:
        self.connection.close()

    def do(self, deed: Deed) -> Answer:
        assert deed.what == "book"
        assert deed.quantity == 1
        began = time.time()
        while True:
            unit = self._free_unit(deed)
            if unit is None:
                return Answer("BOOKING_CONFLICT", began, time.time(), available=0)
            # A rival was quicker: the constraint says so, and there may be another unit.
            with contextlib.suppress(psycopg.errors.ExclusionViolation):
                booking_id = self._insert(deed, unit)
                return Answer("CONFIRMED", began, time.time(), booking_id=booking_id)

    def _free_unit(self, deed: Deed) -> int | None:
        free = self.connection.execute(
            "SELECT unit FROM slots s, generate_series(1, s.capacity) AS unit WHERE s.id = %s"
            " AND NOT EXISTS (SELECT FROM claims c WHERE c.slot_id = s.id AND unit <@ c.units)",
            [deed.slot_ids[0]],
        ).fetchall()
        return self._random.choice(free)[0] if free else None

    def _insert(self, deed: Deed, unit: int) -> uuid.UUID:
        units = f"{{[{unit},{unit + 1})}}"
        with self.connection.transaction():
            booking_id = raw.book(self.connection, self.shop, *deed.slot_ids, units=units)
            self.connection.execute(
                "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
                " VALUES (%s, %s, 1, 'confirmed', '{}', '{}')",
                [self.shop.vendor_id, booking_id],
            )
        return booking_id


@dataclass
class HttpDoor:
    """Sends requests to a running server, as the vendor with its key."""

    url: str
    shop: Shop
    api_key: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        slug = self.shop.rows("SELECT slug FROM vendors WHERE id = %s")[0]["slug"]
        self.client = httpx.Client(
            base_url=f"{self.url}/api/v1/vendors/{slug}",
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=30,
            trust_env=False,
        )
        # The connection is made before the race, as the others' are.
        self.client.get("/bookings/00000000-0000-7000-8000-000000000000")

    def close(self) -> None:
        self.client.close()

    def do(self, deed: Deed) -> Answer:
        method, path, body = _requested(deed)
        headers = {"Idempotency-Key": f'"{deed.key}"'} if deed.key else {}
        began = time.time()
        response = self.client.request(method, path, json=body, headers=headers)
        ended = time.time()
        found = response.json() if response.content else {}
        replayed = response.headers.get("Idempotency-Replayed") == "true"
        if response.is_success:
            code = {"book": found.get("status"), "block": "confirmed"}.get(deed.what, deed.what)
            booking_id = uuid.UUID(found["id"]) if "id" in found else None
            return Answer(str(code).upper(), began, ended, booking_id=booking_id, replayed=replayed)
        assert response.headers["Content-Type"] == "application/problem+json"
        available = found.get("conflict", {}).get("available")
        return Answer(found["code"], began, ended, available=available, replayed=replayed)


def _requested(deed: Deed) -> tuple[str, str, dict[str, Any] | None]:
    """Method, path below the vendor, and body of the request that does the deed."""
    times = {"start": deed.start, "end": deed.end}
    span = {name: moment.isoformat() for name, moment in times.items() if moment}
    match deed.what:
        case "book":
            several = {"slot_ids": [str(slot_id) for slot_id in deed.slot_ids]}
            named = several if len(deed.slot_ids) > 1 else {"slot_id": str(deed.slot_ids[0])}
            return "POST", "/bookings", {
                **named, **span, "quantity": deed.quantity, "hold": deed.hold,
                "customer": {"name": "Racer", "email": "racer@example.org"},
            }  # fmt: skip
        case "block":
            provider = {"provider_id": str(deed.provider_id), "quantity": deed.quantity}
            return "POST", "/blocks", {**provider, **span}
        case "resize":
            return "PATCH", f"/slots/{deed.slot_ids[0]}", {"capacity": deed.capacity}
        case "delete":
            return "DELETE", f"/slots/{deed.slot_ids[0]}", None
        case move:
            return "POST", f"/bookings/{deed.booking_id}/{move}", None


def new_api_key(shop: Shop) -> str:
    """An API key of the vendor."""
    text = f"sk_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(text.encode()).digest()
    shop.insert("api_keys", name="races", scope="admin", key_hash=digest, prefix=text[:11])
    return text
