"""Reads of API keys, as answers show them: never what opens anything."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db import db
from app.errors import Problem
from app.models import ApiKey
from app.wire.pages import page, position_after


def list_keys(vendor_id: UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """The vendor's keys, oldest first, revoked ones included."""
    wanted = select(ApiKey).where(ApiKey.vendor_id == vendor_id)
    after = position_after(cursor, UUID)
    if after is not None:
        wanted = wanted.where(ApiKey.id > after[0])
    rows = db.session.scalars(wanted.order_by(ApiKey.id).limit(limit + 1)).all()
    return page(rows, limit, show_key, lambda row: (row.id,))


def get_key(vendor_id: UUID, key_id: UUID) -> dict[str, Any]:
    """One key. Raises API_KEY_NOT_FOUND."""
    row = db.session.get(ApiKey, (vendor_id, key_id))
    if row is None:
        raise key_not_found(key_id)
    return show_key(row)


def key_not_found(key_id: UUID) -> Problem:
    """That this vendor has no such key."""
    return Problem("API_KEY_NOT_FOUND", f"There is no API key {key_id}.")


def show_key(row: ApiKey) -> dict[str, Any]:
    """The key as answers hold it."""
    return {
        "id": row.id,
        "name": row.name,
        "scope": row.scope,
        "prefix": row.prefix,
        "version": row.version,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
