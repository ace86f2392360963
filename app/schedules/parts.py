"""Cuts what is to be published into parts, so that each statement stays far from its time limit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from heapq import merge
from itertools import pairwise
from operator import sub
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.schedules.expand import Wanted

# So many slots are changed in about a second; fewer where each may have a block to be lifted.
PART_MAX = 5_000
BLOCKED_MAX = 500
_PUBLISHED = text("""
    SELECT count(*) FROM slots
    WHERE vendor_id = :vendor_id AND provider_id = :provider_id AND schedule_id IS NOT NULL
      AND lower(during) >= :start AND lower(during) < :stop
""")
_BLOCKED = text("""
    SELECT EXISTS (SELECT FROM busy_blocks
                   WHERE vendor_id = :vendor_id AND provider_id = :provider_id AND ends > now())
""")
_SLOTS = text("""
    SELECT lower(s.during) AS start, upper(s.during) AS "end",
           EXISTS (SELECT FROM claims c WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id)
               AS claimed
    FROM slots s
    WHERE s.vendor_id = :vendor_id AND s.provider_id = :provider_id AND s.schedule_id IS NOT NULL
      AND lower(s.during) >= :start AND lower(s.during) < :stop
    ORDER BY lower(s.during)
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
    """The time from start to end in parts, in order, which published one after another give what
    they give together.

    They are cut where no slot goes on, neither one that is wanted nor a published one that is
    claimed: nothing in one part is then in the way of another, and a free slot that goes on gives
    way with the part it begins in. Where there are no such moments the parts are longer.
    """
    of = {"vendor_id": vendor_id, "provider_id": provider_id, "start": start, "stop": end}
    most = BLOCKED_MAX if session.scalar(_BLOCKED, of) else PART_MAX
    if max(len(wanted), session.scalar(_PUBLISHED, of) or 0) <= most:
        return [(start, end)]
    published = session.execute(_SLOTS, of).all()
    starts = [one.start for one in wanted], [one.start for one in published]
    claimed = [one for one in published if one.claimed]
    # Of slots that do not overlap only the last to begin can go on.
    standing = [(one.start, one.end) for one in wanted], [(one.start, one.end) for one in claimed]
    cuts, last, before = [start], [0, 0], start
    for moment in merge(*starts):
        if moment <= before or any(_goes_on(slots, moment) for slots in standing):
            continue
        passed = [bisect_left(one, moment) for one in starts]
        if before > cuts[-1] and max(map(sub, passed, last)) > most:
            cuts.append(before)
            last = [bisect_left(one, before) for one in starts]
        before = moment
    return list(pairwise([*cuts, end]))


def _goes_on(slots: Sequence[tuple[datetime, datetime]], moment: datetime) -> bool:
    index = bisect_left(slots, (moment,))
    return index > 0 and slots[index - 1][1] > moment
