"""API keys: random, shown once, kept as SHA-256, revocable."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from app import db
from app.models import ApiKey, Vendor

Scope = Literal["read", "write", "admin"]
# Each includes those before it.
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "sk_"
SHOWN_CHARACTERS = 11
# A key's last use is written down at most this often: a busy key must not write at every request.
LAST_USED_STEP = "10 minutes"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that is valid, whose it is, and what it may do."""

    id: UUID
    vendor_id: UUID
    scope: Scope


def create_key(vendor_id: UUID, name: str, scope: Scope = "admin") -> tuple[ApiKey, str]:
    """A new key of the vendor, and its text, which cannot be had again."""
    text = PREFIX + secrets.token_urlsafe(32)
    with db.transaction() as session:
        key = ApiKey(
            vendor_id=vendor_id,
            name=name,
            scope=scope,
            key_hash=_digest(text),
            prefix=text[:SHOWN_CHARACTERS],
        )
        session.add(key)
        session.flush()
        session.refresh(key)
    return key, text


def list_keys(vendor_slug: str | None = None) -> list[tuple[Vendor, ApiKey]]:
    """All keys, or those of one vendor, oldest first, revoked ones included."""
    wanted = select(Vendor, ApiKey).join(ApiKey, ApiKey.vendor_id == Vendor.id)
    if vendor_slug is not None:
        wanted = wanted.where(Vendor.slug == vendor_slug)
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
        revoked: datetime | None = session.scalar(
            update(ApiKey)
            .where(ApiKey.vendor_id == meant[0].vendor_id, ApiKey.id == meant[0].id)
            .values(revoked_at=func.coalesce(ApiKey.revoked_at, func.now()))
            .returning(ApiKey.revoked_at)
        )
        return revoked


def find_key(text: str) -> KnownKey | None:
    """The key, if there is such a one and it has not been revoked."""
    rows = db.read(
        "SELECT id, vendor_id, scope,"
        " last_used_at IS NULL OR last_used_at < now() - %s::interval AS stale"
        " FROM api_keys WHERE key_hash = %s AND revoked_at IS NULL",
        LAST_USED_STEP,
        _digest(text),
    )
    if not rows:
        return None
    key = KnownKey(rows[0].id, rows[0].vendor_id, rows[0].scope)
    if rows[0].stale:
        _note_use(key)
    return key


def _note_use(key: KnownKey) -> None:
    with db.transaction() as session:
        session.execute(
            update(ApiKey)
            .where(ApiKey.vendor_id == key.vendor_id, ApiKey.id == key.id)
            .values(last_used_at=func.now())
        )


def _names(key: str) -> ColumnElement[bool]:
    if key.startswith(PREFIX):
        if len(key) <= SHOWN_CHARACTERS:
            return ApiKey.prefix.startswith(key, autoescape=True)
        return ApiKey.key_hash == _digest(key)
    try:
        return ApiKey.id == UUID(key)
    except ValueError:
        return ApiKey.prefix == key


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
