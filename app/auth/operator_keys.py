"""Operator keys: they make vendors and a vendor's first key, and see no vendor's calendar."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from app import db
from app.auth.key_texts import LAST_USED_STEP, digest_of, names_key, new_key_text
from app.models import OperatorKey

PREFIX = "op_"


def create_operator_key(name: str) -> tuple[OperatorKey, str]:
    """A new key, and its text, which cannot be had again."""
    new = new_key_text(PREFIX)
    with db.transaction() as session:
        key = OperatorKey(name=name, key_hash=new.digest, prefix=new.shown)
        session.add(key)
        session.flush()
        session.refresh(key)
    return key, new.text


def list_operator_keys() -> list[OperatorKey]:
    """All of them, oldest first, revoked ones included."""
    return list(db.db.session.scalars(select(OperatorKey).order_by(OperatorKey.id)))


def revoke_operator_key(key: str) -> datetime | None:
    """From now on the key is refused. `key`: its id, its text, or its first characters if they are
    no other's. When it was revoked; None when no one key is meant.
    """
    with db.transaction() as session:
        meant = session.scalars(select(OperatorKey).where(_names(key)).limit(2)).all()
        if len(meant) != 1:
            return None
        revoked: datetime | None = session.scalar(
            update(OperatorKey)
            .where(OperatorKey.id == meant[0].id)
            .values(revoked_at=func.coalesce(OperatorKey.revoked_at, func.now()))
            .returning(OperatorKey.revoked_at)
        )
        return revoked


def find_operator_key(text: str) -> UUID | None:
    """The key's id, if there is such a one and it has not been revoked: each request asks anew."""
    digest = digest_of(PREFIX, text)
    rows = digest and db.read(
        "SELECT id, last_used_at IS NULL OR last_used_at < now() - %s::interval AS stale"
        " FROM operator_keys WHERE key_hash = %s AND revoked_at IS NULL",
        LAST_USED_STEP,
        digest,
    )
    if not rows:
        return None
    key_id: UUID = rows[0].id
    if rows[0].stale:
        _note_use(key_id)
    return key_id


def _note_use(key_id: UUID) -> None:
    # As of API keys: no request waits for whoever holds the row.
    free = select(OperatorKey.id).where(OperatorKey.id == key_id)
    with db.transaction() as session:
        session.execute(
            update(OperatorKey)
            .where(
                OperatorKey.id
                == free.with_for_update(key_share=True, skip_locked=True).scalar_subquery()
            )
            .values(last_used_at=func.now())
        )


def _names(key: str) -> ColumnElement[bool]:
    try:
        return OperatorKey.id == UUID(key)
    except ValueError:
        return names_key(PREFIX, key, OperatorKey.key_hash, OperatorKey.prefix)
