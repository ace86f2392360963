"""Publishes schedules anew at once when the clocks they go by are others."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text

from app import db
from app.errors import Problem
from app.schedules.publishing import NOTHING, Facts, publish_provider, sum_of

# Somebody waits for the answer: whoever is not done by then is the worker's.
PATIENCE_SECONDS = 5.0
_CONCERNED = text("""
    SELECT p.id FROM providers p
    WHERE p.vendor_id = :vendor_id AND p.archived_at IS NULL AND EXISTS (
        SELECT FROM schedules s
        WHERE s.vendor_id = p.vendor_id AND s.provider_id = p.id AND s.archived_at IS NULL
          AND COALESCE(s.location_id, p.location_id) = :location_id)
    ORDER BY p.id
""")
# Due at once, whoever of us or the worker comes to it first, and also if we never do.
_DUE = text("""
    UPDATE schedule_publishings SET looked_at = '-infinity'
    WHERE vendor_id = :vendor_id AND provider_id IN (
        SELECT p.provider_id FROM schedule_publishings p
        WHERE p.vendor_id = :vendor_id AND p.provider_id = ANY (:provider_ids)
        FOR UPDATE SKIP LOCKED)
""")

log = structlog.get_logger(__name__)


def follow_clocks(_sender: Any, *, vendor_id: UUID, location_id: UUID) -> Facts:
    """What `publishing` of a location holds, once what goes by its clocks is published.

    A provider a transaction, so that none is long, until our patience is over or somebody is in
    the way: `under_way` counts those who are left to the worker, who finds them due at once.
    """
    with db.transaction() as session:
        concerned = list(
            session.scalars(_CONCERNED, {"vendor_id": vendor_id, "location_id": location_id})
        )
        session.execute(_DUE, {"vendor_id": vendor_id, "provider_ids": concerned})
    until = time.monotonic() + PATIENCE_SECONDS
    told: Facts = {**NOTHING, "in_the_way": [], "in_the_way_total": 0}
    left = 0
    for provider_id in concerned:
        if time.monotonic() > until:
            left += 1
            continue
        try:
            told = sum_of(told, publish_provider(vendor_id, provider_id))
        except Problem as problem:
            left += 1
            log.warning(
                "schedules not published",
                vendor_id=str(vendor_id),
                provider_id=str(provider_id),
                code=problem.code,
            )
    return {**told, "under_way": left}
