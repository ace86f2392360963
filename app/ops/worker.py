"""Housekeeping that no request waits for: expire lapsed holds, forget old idempotency keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from app import db
from app.errors import Problem
from app.idempotency import OPERATOR

HOLDS_AT_ONCE = 500
# By when the bookings changed, for which there is an index, and then by what happened to them when:
# whoever adds a note to an expired booking changes it, too.
_EXPIRED = """
    SELECT count(*) AS number
    FROM bookings b JOIN events e ON e.vendor_id = b.vendor_id AND e.booking_id = b.id
    WHERE b.vendor_id = %s AND b.updated_at > %s AND b.status = 'expired'
      AND e.kind = 'expired' AND e.occurred_at > %s AND e.occurred_at <= %s
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tidied:
    """What one round did, and for how many vendors it could not."""

    holds_expired: int
    keys_forgotten: int
    failures: int


def tidy() -> Tidied:
    """One round over all vendors; a vendor at a time, so that no transaction touches two.

    A vendor whose turn fails (a lock, a time limit) does not keep the others from theirs. Raises
    DatabaseProblem when the database cannot be reached.
    """
    expired = forgotten = failures = 0
    vendor_ids = [row.id for row in db.read("SELECT id FROM vendors ORDER BY id")]
    for vendor_id in [OPERATOR, *vendor_ids]:
        try:
            expired += _expire_holds(vendor_id)
            row = db.call("forget_old_idempotency_keys", p_vendor_id=vendor_id)
            forgotten += row.forget_old_idempotency_keys
        except Problem as problem:
            if problem.code == "SERVICE_UNAVAILABLE":
                raise
            failures += 1
            log.warning("vendor not tidied", vendor_id=str(vendor_id), code=problem.code)
    return Tidied(expired, forgotten, failures)


class Expiries:
    """Counts the holds that expire, whoever ends them: this worker, another, or who wants the time.

    Read from the events, so that no booking pays for it. Those of before it was made are not its
    business. Raises DatabaseProblem.
    """

    def __init__(self) -> None:
        self._until: datetime = db.read("SELECT now() AS at")[0].at

    def count(self) -> int:
        """How many there are since it was last asked; each is counted once."""
        since = self._until
        # In a statement of its own, before those that read up to there: see settled_until.
        until: datetime = db.call("settled_until", p_vendor_id=OPERATOR).settled_until
        if until <= since:
            return 0
        vendor_ids = [row.id for row in db.read("SELECT id FROM vendors ORDER BY id")]
        found = [db.read(_EXPIRED, id_, since, since, until)[0].number for id_ in vendor_ids]
        self._until = until
        return sum(found)


def _expire_holds(vendor_id: UUID) -> int:
    total, expired = 0, HOLDS_AT_ONCE
    while expired == HOLDS_AT_ONCE:
        row = db.call("expire_holds", p_vendor_id=vendor_id, p_limit=HOLDS_AT_ONCE)
        expired = row.expire_holds
        total += expired
    return total
