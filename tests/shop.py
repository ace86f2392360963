"""One vendor of a test's own, and the calls that a client makes for it, straight through SQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

# A quiet Monday in the future: a start in the past is another rule's business.
MONDAY = datetime(2040, 1, 2, tzinfo=UTC)
TRUTH = ("slots", "bookings", "claims", "events", "idempotency_keys")
Row = dict[str, Any]


def at(hour: float, day: int = 0) -> datetime:
    """The moment `hour` hours into a day counted from MONDAY, in UTC."""
    return MONDAY + timedelta(days=day, hours=hour)


def call(connection: psycopg.Connection, function: str, **arguments: Any) -> list[Row]:
    """Call a SQL function with named arguments (None is passed as NULL) and return its rows."""
    given = [
        sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder(name))
        for name in arguments
    ]
    statement = sql.SQL("SELECT * FROM {}({})").format(
        sql.Identifier(function), sql.SQL(", ").join(given)
    )
    values = {k: Jsonb(v) if isinstance(v, dict) else v for k, v in arguments.items()}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchall()


@dataclass
class Shop:
    """A vendor with one location and one provider; `app` and `owner` are autocommit connections."""

    app: psycopg.Connection
    owner: psycopg.Connection
    vendor_id: uuid.UUID = field(init=False)
    location_id: uuid.UUID = field(init=False)
    provider_id: uuid.UUID = field(init=False)

    def __post_init__(self) -> None:
        slug = f"shop-{uuid.uuid4().hex[:12]}"
        self.vendor_id = self.insert(
            "vendors", vendor=False, slug=slug, name="Shop", time_zone="Europe/Rome"
        )
        self.location_id = self.insert("locations", name="Main street", time_zone="Europe/Rome")
        self.provider_id = self.insert("providers", location_id=self.location_id, name="Chair 1")

    def insert(self, table: str, *, vendor: bool = True, **columns: Any) -> uuid.UUID:
        """Insert one row of a catalogue table, as the application does, and return its id."""
        if vendor:
            columns = {"vendor_id": self.vendor_id, **columns}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(map(sql.Placeholder, columns)),
        )
        found: uuid.UUID = self.app.execute(statement, columns).fetchone()[0]
        return found

    def provider(self, location_id: uuid.UUID | None = None) -> uuid.UUID:
        """A further provider, at the shop's location unless another is named."""
        return self.insert("providers", location_id=location_id or self.location_id, name="Chair")

    def location(self) -> uuid.UUID:
        """A further location."""
        return self.insert("locations", name="Side street", time_zone="Europe/Rome")

    def service(
        self,
        duration: int | None = 60,
        *needs: Mapping[uuid.UUID, int] | Sequence[uuid.UUID],
        **rules: Any,
    ) -> uuid.UUID:
        """A service; each need is a list of providers, or their preferences by provider."""
        found = self.insert("services", name="Massage", duration_minutes=duration, **rules)
        for number, providers in enumerate(needs, 1):
            self.app.execute(
                "INSERT INTO service_needs (vendor_id, service_id, need, role)"
                " VALUES (%s, %s, %s, %s)",
                [self.vendor_id, found, number, f"role {number}"],
            )
            preferences = providers if isinstance(providers, Mapping) else {}
            for provider_id in providers:
                self.app.execute(
                    "INSERT INTO service_providers"
                    " (vendor_id, service_id, provider_id, need, preference)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    [self.vendor_id, found, provider_id, number, preferences.get(provider_id, 1)],
                )
        return found

    def publish(self, slots: list[Row], provider_id: uuid.UUID | None = None, **more: Any) -> Row:
        """What publish_slots answers; each slot {"start", "end", "capacity"?, ...}."""
        texts = [
            {k: v.isoformat() if isinstance(v, datetime) else v for k, v in s.items()}
            for s in slots
        ]
        more = {"slots": Jsonb(texts), "provider_id": provider_id or self.provider_id} | more
        return self.call("publish_slots", **more)[0]

    def slot(
        self,
        start: float | datetime = 9,
        end: float | datetime = 10,
        *,
        day: int = 0,
        capacity: int = 1,
        provider_id: uuid.UUID | None = None,
        **more: Any,
    ) -> uuid.UUID:
        """Publish one slot from hour to hour of a day and return its id."""
        times = [at(hour, day) if isinstance(hour, (int, float)) else hour for hour in (start, end)]
        answer = self.publish(
            [{"start": times[0], "end": times[1], "capacity": capacity, **more}], provider_id
        )
        assert answer["outcome"] == "PUBLISHED", answer
        found: uuid.UUID = answer["slot_ids"][0]
        return found

    def nights(
        self, count: int, *, capacity: int = 1, provider_id: uuid.UUID | None = None
    ) -> list[uuid.UUID]:
        """Publish nights from 15:00 to 11:00, with a turnover gap between them; their ids."""
        slots = [
            {"start": at(15, day), "end": at(35, day), "capacity": capacity} for day in range(count)
        ]
        answer = self.publish(slots, provider_id)
        assert answer["outcome"] == "PUBLISHED", answer
        found: list[uuid.UUID] = answer["slot_ids"]
        return found

    def call(self, function: str, **arguments: Any) -> list[Row]:
        """The rows that a function of the vendor answers to the application's role."""
        return call(self.app, function, vendor_id=self.vendor_id, **arguments)

    def claim(self, *slot_ids: uuid.UUID, **more: Any) -> Row:
        """What claim_slot_and_create_booking answers for these slots."""
        return self.call("claim_slot_and_create_booking", slot_ids=list(slot_ids), **more)[0]

    def book(self, *slot_ids: uuid.UUID, **more: Any) -> uuid.UUID:
        """A booking of these slots, which must succeed; its id."""
        answer = self.claim(*slot_ids, **more)
        assert answer["outcome"] in {"CONFIRMED", "HELD"}, answer
        found: uuid.UUID = answer["booking_id"]
        return found

    def lapsed_hold(self, *slot_ids: uuid.UUID, **more: Any) -> uuid.UUID:
        """A hold of these slots whose time is over, though nobody has noticed yet; its id."""
        booking_id = self.book(*slot_ids, hold_for=timedelta(minutes=5), **more)
        self.owner.execute(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 minute'"
            " WHERE vendor_id = %s AND id = %s",
            [self.vendor_id, booking_id],
        )
        return booking_id

    def move(self, function: str, booking_id: uuid.UUID, **more: Any) -> Row:
        """What confirm_booking, cancel_booking, ... answers."""
        return self.call(function, booking_id=booking_id, **more)[0]

    def rows(self, statement: str, *values: Any) -> list[Row]:
        """The rows of a SELECT by the owner; each %s is the vendor's id, then the values."""
        with self.owner.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, [self.vendor_id, *values]).fetchall()

    def booking(self, booking_id: uuid.UUID) -> Row:
        """The row of a booking."""
        return self.rows("SELECT * FROM bookings WHERE vendor_id = %s AND id = %s", booking_id)[0]

    def claims(self, booking_id: uuid.UUID) -> list[Row]:
        """The claims of a booking, in order."""
        return self.rows(
            "SELECT * FROM claims WHERE vendor_id = %s AND booking_id = %s ORDER BY ordinal",
            booking_id,
        )

    def events(self, booking_id: uuid.UUID) -> list[Row]:
        """The history of a booking, in order."""
        return self.rows(
            "SELECT * FROM events WHERE vendor_id = %s AND booking_id = %s ORDER BY sequence",
            booking_id,
        )

    def everything(self) -> dict[str, list[str]]:
        """Every row of the vendor in every table, with the transaction that wrote it."""
        tables = (*TRUTH, "customers", "providers", "locations", "services", "api_keys")
        row = "t.xmin::text || ' ' || t::text"
        return {
            table: [
                found["row"]
                for found in self.rows(
                    f"SELECT {row} AS row FROM {table} t WHERE vendor_id = %s ORDER BY 1"
                )
            ]
            for table in tables
        }

    def violations(self) -> list[Row]:
        """What the consistency checks find wrong with the vendor."""
        return [row for row in self.call("verify_booking_slot_consistency") if row["violations"]]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Assert that what happens inside leaves every row of the vendor as it was written."""
        before = self.everything()
        yield
        assert self.everything() == before
