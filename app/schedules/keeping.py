"""Keeps schedules published without anybody asking: one round of the worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from app.errors import Problem
from app.schedules.publishing import publish_if_changed
from app.schedules.queries import due_everywhere

# Whose turn has failed gets another after so long, and not in every round.
FAILED_WAIT_SECONDS = 300.0
# Then the other housekeeping has its turn, and who watches hears of us; the rest is still due.
ROUND_SECONDS = 20.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class KeptPublished:
    """What one round did, in slots, and for how many providers it could not."""

    providers: int = 0
    published: int = 0
    removed: int = 0
    resized: int = 0
    failures: int = 0


@dataclass(slots=True)
class Keeper:
    """Publishes what is due: a provider's schedules once an hour, if anything has changed."""

    _waiting: dict[tuple[UUID, UUID], float] = field(default_factory=dict)

    def round(self) -> KeptPublished:
        """One round over all vendors, a provider a transaction.

        Nothing due costs one read, and nothing changed one row. Raises DatabaseProblem when the
        database cannot be reached.
        """
        done = KeptPublished()
        now = time.monotonic()
        self._waiting = {who: until for who, until in self._waiting.items() if until > now}
        for vendor_id, provider_id in due_everywhere():
            if (vendor_id, provider_id) not in self._waiting:
                self._publish(vendor_id, provider_id, done)
            if time.monotonic() - now > ROUND_SECONDS:
                break
        return done

    def _publish(self, vendor_id: UUID, provider_id: UUID, done: KeptPublished) -> None:
        done.providers += 1
        try:
            facts = publish_if_changed(vendor_id, provider_id) or {}
        except Problem as problem:
            if problem.code == "SERVICE_UNAVAILABLE":
                raise
            done.failures += 1
            self._waiting[vendor_id, provider_id] = time.monotonic() + FAILED_WAIT_SECONDS
            log.warning(
                "schedules not published",
                vendor_id=str(vendor_id),
                provider_id=str(provider_id),
                code=problem.code,
            )
            return
        done.published += facts.get("published", 0)
        done.removed += facts.get("removed", 0)
        done.resized += facts.get("resized", 0)
