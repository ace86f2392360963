"""A provider's schedules as SQL sees them: slots wanted, and what applying them answers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.shop import Row, Shop, at, call

Times = tuple[float, float]


@dataclass
class Rota:
    """A schedule of a shop's provider; hours are counted from the Monday of tests.shop."""

    shop: Shop
    schedule_id: uuid.UUID = field(init=False)

    def __post_init__(self) -> None:
        self.schedule_id = self.schedule()

    def schedule(self) -> uuid.UUID:
        """A further schedule of the provider."""
        weekly = Jsonb({"monday": [["09:00", "17:00"]]})
        return self.shop.insert(
            "schedules",
            provider_id=self.shop.provider_id,
            valid_from=date(2040, 1, 2),
            weekly=weekly,
        )

    def wanted(self, *times: Times, whole: bool = True, **more: Any) -> list[Row]:
        """Slots as apply_schedules takes them; whole: False for those that may be cut."""
        return [
            {
                "schedule_id": str(self.schedule_id),
                "location_id": str(self.shop.location_id),
                "start": at(start).isoformat(),
                "end": at(end).isoformat(),
                "capacity": 1,
                "price": None,
                "whole": whole,
            }
            | more
            for start, end in times
        ]

    def apply(
        self,
        wanted: Sequence[Row],
        connection: psycopg.Connection | None = None,
        **more: Any,
    ) -> Row:
        """The facts of apply_schedules for ten days, which must succeed, and `changed`."""
        answer = self.answer(wanted, connection, **more)
        assert answer["outcome"] == "PUBLISHED", answer
        return {**answer["facts"], "changed": answer["changed"]}

    def answer(
        self,
        wanted: Sequence[Row],
        connection: psycopg.Connection | None = None,
        **more: Any,
    ) -> Row:
        """What apply_schedules answers."""
        given = {"from": at(0), "to": at(0, 10), "provider_id": self.shop.provider_id} | more
        return call(
            connection or self.shop.app,
            "apply_schedules",
            vendor_id=self.shop.vendor_id,
            wanted=Jsonb(list(wanted)),
            **given,
        )[0]

    def slots(self) -> list[Row]:
        """The provider's slots in order of time."""
        return self.shop.rows(
            "SELECT id, schedule_id, location_id, lower(during) AS start, upper(during) AS end,"
            " capacity, price_amount, version FROM slots WHERE vendor_id = %s AND provider_id = %s"
            " ORDER BY during",
            self.shop.provider_id,
        )

    def hours(self) -> list[Times]:
        """When the provider's slots are, in hours."""
        found = [((one["start"] - at(0)), (one["end"] - at(0))) for one in self.slots()]
        return [(a.total_seconds() / 3600, b.total_seconds() / 3600) for a, b in found]

    def closed(self) -> list[Times]:
        """What of the provider's slots is kept for their bookings alone, in hours."""
        found = self.shop.rows(
            "SELECT unnest(closed) AS times FROM slots WHERE vendor_id = %s AND provider_id = %s"
            " ORDER BY 1",
            self.shop.provider_id,
        )
        return [
            tuple((edge - at(0)).total_seconds() / 3600 for edge in (one.lower, one.upper))  # type: ignore[misc]
            for one in (row["times"] for row in found)
        ]

    def slot_at(self, hour: float) -> uuid.UUID:
        """The slot that begins then."""
        (found,) = (one["id"] for one in self.slots() if one["start"] == at(hour))
        slot_id: uuid.UUID = found
        return slot_id

    def book(self, start: float, end: float, **more: Any) -> uuid.UUID:
        """A booking of that part of whatever slot holds it."""
        (slot,) = (o for o in self.slots() if o["start"] <= at(start) and at(end) <= o["end"])
        return self.shop.book(slot["id"], start=at(start), end=at(end), **more)


def counts(facts: Row) -> tuple[int, int, int, int]:
    """published, removed, resized, kept."""
    return tuple(facts[name] for name in ("published", "removed", "resized", "kept"))  # type: ignore[return-value]


def in_the_way(facts: Row) -> list[str]:
    """The ids of the bookings in the way, by time."""
    assert facts["in_the_way_total"] == len(facts["in_the_way"])
    return [one["booking_id"] for one in facts["in_the_way"]]
