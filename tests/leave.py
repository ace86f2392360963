"""A provider's busy times as SQL sees them, and what a model of our own says must be closed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from psycopg.types.range import TimestamptzRange

from tests.shop import Row, Shop, at

# Every busy time to come against every slot to come: what is free in it (by claims alone), and
# blocks that no busy time explains. Written from the promise; shares nothing with the functions.
_OPEN = """
    SELECT s.id AS slot_id, minute AS at
    FROM busy_times t
    JOIN slots s ON s.vendor_id = t.vendor_id AND s.provider_id = t.provider_id
        AND s.during && t.during
    CROSS JOIN LATERAL generate_series(
        lower(s.during * t.during), upper(s.during * t.during) - interval '15 minutes',
        interval '15 minutes') AS minute
    WHERE t.vendor_id = %s AND t.archived_at IS NULL AND upper(t.during) > now()
      AND upper(s.during) > now() AND s.capacity > (
        SELECT COALESCE(sum(c.quantity), 0) FROM claims c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id AND c.during @> minute)
"""
_UNEXPLAINED = """
    SELECT k.booking_id
    FROM busy_blocks k
    JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id
    LEFT JOIN busy_times t ON t.vendor_id = k.vendor_id AND t.id = k.busy_time_id
        AND t.provider_id = b.provider_id AND t.archived_at IS NULL AND b.during <@ t.during
        AND b.notes IS NOT DISTINCT FROM t.reason
    WHERE k.vendor_id = %s AND (t.id IS NULL OR NOT b.occupying OR b.kind <> 'block')
"""


@dataclass
class Leave:
    """Busy times of a shop's providers; hours are counted from the Monday of tests.shop."""

    shop: Shop

    def busy(
        self,
        start: float,
        end: float,
        reason: str | None = None,
        *,
        close: bool = True,
        **more: Any,
    ) -> uuid.UUID:
        """A busy time from hour to hour; and what is published in it is closed."""
        provider_id = more.setdefault("provider_id", self.shop.provider_id)
        busy_time_id = self.shop.insert(
            "busy_times",
            during=TimestamptzRange(at(start), at(end)),
            reason=reason,
            source="time_off",
            **more,
        )
        if close:
            self.close(provider_id)
        return busy_time_id

    def end(self, busy_time_id: uuid.UUID) -> Row:
        """The busy time is gone; what close_busy_time then answers."""
        return self.change(busy_time_id, "archived_at = now()")

    def move(self, busy_time_id: uuid.UUID, start: float, end: float) -> Row:
        """The busy time has other hours; what close_busy_time then answers."""
        during = TimestamptzRange(at(start), at(end))
        return self.change(busy_time_id, "during = %s", during)

    def change(self, busy_time_id: uuid.UUID, what: str, *values: Any) -> Row:
        """The busy time has what is set; what close_busy_time then answers."""
        (provider_id,) = self.shop.app.execute(
            f"UPDATE busy_times SET {what} WHERE vendor_id = %s AND id = %s RETURNING provider_id",
            [*values, self.shop.vendor_id, busy_time_id],
        ).fetchone()
        return self.close(provider_id)

    def close(self, provider_id: uuid.UUID | None = None) -> Row:
        """What close_busy_time answers."""
        provider_id = provider_id or self.shop.provider_id
        answer = self.shop.call("close_busy_time", provider_id=provider_id)[0]
        return {"changed": answer["changed"], **answer["facts"]}

    def blocks(self) -> list[tuple[float, float, int]]:
        """The blocks that stand for busy time: from hour to hour, and how many places."""
        rows = self.shop.rows(
            "SELECT lower(b.during) AS start, upper(b.during) AS end, b.quantity FROM busy_blocks k"
            " JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id"
            " WHERE k.vendor_id = %s AND b.occupying ORDER BY b.during, b.quantity"
        )
        return [
            (
                (row["start"] - at(0)).total_seconds() / 3600,
                (row["end"] - at(0)).total_seconds() / 3600,
                row["quantity"],
            )
            for row in rows
        ]

    def block_ids(self) -> list[uuid.UUID]:
        """The blocks that stand for busy time, by time."""
        rows = self.shop.rows(
            "SELECT b.id FROM busy_blocks k"
            " JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id"
            " WHERE k.vendor_id = %s AND b.occupying ORDER BY b.during, b.id"
        )
        return [row["id"] for row in rows]

    def in_the_way(self) -> list[uuid.UUID]:
        """The bookings that stand in busy time, by time."""
        (facts,) = self.shop.call("bookings_in_busy_time", provider_id=self.shop.provider_id)
        named = facts["bookings_in_busy_time"]
        assert named["in_the_way_total"] == len(named["in_the_way"])
        return [uuid.UUID(one["booking_id"]) for one in named["in_the_way"]]

    def assert_closed(self) -> None:
        """Nothing is free in busy time, and every block that stands for busy time is explained."""
        assert self.shop.rows(_OPEN) == []
        assert self.shop.rows(_UNEXPLAINED) == []
