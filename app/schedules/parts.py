"""Cuts what is to be published into parts, so that each statement stays far from its time limit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.schedules.expand import Wanted, instant, zone_of
from app.schedules.queries import time_zone_of

# So many slots are changed in about a second.
PART_MAX = 5_000
_PUBLISHED = text("""
    SELECT count(*) FROM slots
    WHERE vendor_id = :vendor_id AND provider_id = :provider_id AND schedule_id IS NOT NULL
      AND lower(during) >= :start AND lower(during) < :stop
""")
_CLEAR = text("""
    SELECT moment FROM unnest(CAST(:moments AS timestamptz[])) AS moment
    WHERE NOT EXISTS (
        SELECT FROM slots
        WHERE vendor_id = :vendor_id AND provider_id = :provider_id AND schedule_id IS NOT NULL
          AND during @> moment AND lower(during) < moment)
    ORDER BY moment
""")


def parts_of(
    session: Session,
    vendor_id: UUID,
    provider_id: UUID,
    wanted: Sequence[Wanted],
    *,
    start: datetime,
    end: datetime,
) -> list[tuple[datetime, datetime]]:
    """The time from start to end in parts, in order, each of which can be published by itself.

    They are cut at midnights at the provider's place that no slot crosses, neither one wanted nor
    one published: nothing in one part is then in the way of another. Where there are no such
    midnights there is one part.
    """
    of = {"vendor_id": vendor_id, "provider_id": provider_id}
    published = session.scalar(_PUBLISHED, {**of, "start": start, "stop": end}) or 0
    parts = max(len(wanted), published) // PART_MAX + 1
    if parts == 1:
        return [(start, end)]
    zone = zone_of(time_zone_of(session, vendor_id, provider_id, None))
    day, moments = start.astimezone(zone).date(), []
    while (moment := instant(day := day + timedelta(days=1), 0, zone)) < end:
        if not _crossed(wanted, moment):
            moments.append(moment)
    clear = list(session.scalars(_CLEAR, {**of, "moments": moments}))
    # Evenly, as far as there are moments for it.
    cuts = clear[:: max(1, len(clear) // parts)] if clear else []
    return list(pairwise([start, *cuts, end]))


def _crossed(wanted: Sequence[Wanted], moment: datetime) -> bool:
    index = bisect_left(wanted, moment, key=lambda one: one.start)
    return index > 0 and wanted[index - 1].end > moment
