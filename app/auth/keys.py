"""API keys of vendors: random, shown once, kept as SHA-256, of a scope, revocable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import select

from app import db
from app.auth.key_rows import KeyKind
from app.models import ApiKey, Vendor

Scope = Literal["read", "write", "admin"]
# Each includes those before it.
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "sk_"
KEYS = KeyKind(ApiKey, PREFIX, ("id", "vendor_id", "scope"))


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that is valid, whose it is, and what it may do."""

    id: UUID
    vendor_id: UUID
    scope: Scope


def create_key(vendor_id: UUID, name: str, scope: Scope = "admin") -> tuple[ApiKey, str]:
    """A new key of the vendor, and its text, which cannot be had again."""
    return KEYS.create(vendor_id=vendor_id, name=name, scope=scope)


def list_keys(vendor_id: UUID | None = None) -> list[tuple[Vendor, ApiKey]]:
    """All keys, or those of one vendor, oldest first, revoked ones included."""
    wanted = select(Vendor, ApiKey).join(ApiKey, ApiKey.vendor_id == Vendor.id)
    if vendor_id is not None:
        wanted = wanted.where(Vendor.id == vendor_id)
    rows = db.db.session.execute(wanted.order_by(Vendor.slug, ApiKey.id))
    return [(vendor, key) for vendor, key in rows]


def revoke_key(key: str) -> datetime | None:
    """From now on the key is refused: see KeyKind.revoke."""
    return KEYS.revoke(key)


def find_key(text: str) -> KnownKey | None:
    """The key, if there is such a one and it has not been revoked."""
    row = KEYS.find(text)
    return row and KnownKey(row.id, row.vendor_id, row.scope)
