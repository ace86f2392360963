"""API keys of vendors: random, shown once, kept as SHA-256, of a scope, revocable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app import db
from app.auth.key_texts import LAST_USED_STEP, digest_of, names_key, new_key_text
from app.models import ApiKey, Vendor

Scope = Literal["read", "write", "admin"]
# Each includes those before it.
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "sk_"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that is valid, whose it is, and what it may do."""

    id: UUID
    vendor_id: UUID
    scope: Scope


def create_key(vendor_id: UUID, name: str, scope: Scope = "admin") -> tuple[ApiKey, str]:
    """A new key of the vendor, and its text, which cannot be had again."""
    with db.transaction() as session:
        return add_key(session, vendor_id, name=name, scope=scope)


def add_key(session: Session, vendor_id: UUID, **columns: object) -> tuple[ApiKey, str]:
    """As create_key, as a part of the session's transaction."""
    new = new_key_text(PREFIX)
    key = ApiKey(vendor_id=vendor_id, key_hash=new.digest, prefix=new.shown, **columns)
    session.add(key)
    session.flush()
    session.refresh(key)
    return key, new.text


def list_keys(vendor_id: UUID | None = None) -> list[tuple[Vendor, ApiKey]]:
    """All keys, or those of one vendor, oldest first, revoked ones included."""
    wanted = select(Vendor, ApiKey).join(ApiKey, ApiKey.vendor_id == Vendor.id)
    if vendor_id is not None:
        wanted = wanted.where(Vendor.id == vendor_id)
    rows = db.db.session.execute(wanted.order_by(Vendor.slug, ApiKey.id))
    return [(vendor, key) for vendor, key in rows]


def revoke_key(key: str) -> datetime | None:
    """From now on the key is refused. `key`: its id, its text, or its first characters if they are
    nobody else's. When it was revoked; None when no one key is meant.
    """
    with db.transaction() as session:
        meant = session.scalars(select(ApiKey).where(_names(key)).limit(2)).all()
        if len(meant) != 1:
            return None
        end_key(session, meant[0])
        return meant[0].revoked_at


def end_key(session: Session, key: ApiKey) -> None:
    """Revoke the key as a part of the session's transaction; doing it again changes nothing."""
    session.execute(
        update(ApiKey)
        .where(ApiKey.vendor_id == key.vendor_id, ApiKey.id == key.id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now(), version=ApiKey.version + 1)
    )
    session.refresh(key)


def find_key(text: str) -> KnownKey | None:
    """The key, if there is such a one and it has not been revoked: each request asks anew."""
    digest = digest_of(PREFIX, text)
    rows = digest and db.read(
        "SELECT id, vendor_id, scope,"
        " last_used_at IS NULL OR last_used_at < now() - %s::interval AS stale"
        " FROM api_keys WHERE key_hash = %s AND revoked_at IS NULL",
        LAST_USED_STEP,
        digest,
    )
    if not rows:
        return None
    key = KnownKey(rows[0].id, rows[0].vendor_id, rows[0].scope)
    if rows[0].stale:
        _note_use(key)
    return key


def _note_use(key: KnownKey) -> None:
    # Whoever holds the row is noting the same, or ending the key: no request waits for that.
    free = select(ApiKey.id).where(ApiKey.vendor_id == key.vendor_id, ApiKey.id == key.id)
    with db.transaction() as session:
        session.execute(
            update(ApiKey)
            .where(
                ApiKey.vendor_id == key.vendor_id,
                ApiKey.id
                == free.with_for_update(key_share=True, skip_locked=True).scalar_subquery(),
            )
            .values(last_used_at=func.now())
        )


def _names(key: str) -> ColumnElement[bool]:
    try:
        return ApiKey.id == UUID(key)
    except ValueError:
        return names_key(PREFIX, key, ApiKey.key_hash, ApiKey.prefix)
