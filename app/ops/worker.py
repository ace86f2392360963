"""Housekeeping that no request waits for: expire lapsed holds, forget old idempotency keys."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog

from app import db

HOLDS_AT_ONCE = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tidied:
    """What one round did."""

    holds_expired: int
    keys_forgotten: int


def tidy() -> Tidied:
    """One round over all vendors; a vendor at a time, so that no transaction touches two."""
    expired = forgotten = 0
    for vendor in db.read("SELECT id FROM vendors ORDER BY id"):
        expired += _expire_holds(vendor.id)
        row = db.call("forget_old_idempotency_keys", p_vendor_id=vendor.id)
        forgotten += row.forget_old_idempotency_keys
    return Tidied(expired, forgotten)


def _expire_holds(vendor_id: UUID) -> int:
    total, expired = 0, HOLDS_AT_ONCE
    while expired == HOLDS_AT_ONCE:
        row = db.call("expire_holds", p_vendor_id=vendor_id, p_limit=HOLDS_AT_ONCE)
        expired = row.expire_holds
        total += expired
    return total
