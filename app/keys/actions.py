"""Makes and revokes API keys. Locks: idempotency key, then the row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app import db
from app.auth.keys import KEYS
from app.errors.refusals import refusal
from app.idempotency import IdempotencyKey, remember
from app.keys.queries import key_not_found, show_key
from app.models import ApiKey


def create_key(
    vendor_id: UUID, values: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    """A new API key with its text and False, or the one made before without it and True.

    Raises IDEMPOTENCY_CONFLICT.
    """
    return db.persist(lambda: _create_key(vendor_id, values, key), repeatable=key.key is not None)


def _create_key(
    vendor_id: UUID, values: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    with db.transaction() as session:
        key_id = session.scalar(select(func.uuidv7()))
        before = remember(session, vendor_id, key, {"id": str(key_id)})
        if before is not None:
            made = session.get_one(ApiKey, (vendor_id, UUID(before["id"])))
            return {**show_key(made), "key": None}, True
        row, text = KEYS.add(session, vendor_id=vendor_id, id=key_id, **values)
        return {**show_key(row), "key": text}, False


def revoke_key(vendor_id: UUID, key_id: UUID, expected_version: int | None) -> None:
    """From now on the key is refused; doing it again changes nothing.

    Raises API_KEY_NOT_FOUND, PRECONDITION_FAILED.
    """
    db.persist(lambda: _revoke_key(vendor_id, key_id, expected_version))


def _revoke_key(vendor_id: UUID, key_id: UUID, expected_version: int | None) -> None:
    with db.transaction() as session:
        row = session.get(ApiKey, (vendor_id, key_id), with_for_update={"key_share": True})
        if row is None:
            raise key_not_found(key_id)
        if row.revoked_at is not None:
            return
        if expected_version is not None and expected_version != row.version:
            raise refusal("PRECONDITION_FAILED", {"version": row.version})
        KEYS.end(session, row)
