"""API keys of vendors, kept as SHA-256 only."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Moment, MomentOrNone, Version


class ApiKey(Base):
    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="api_keys_name_length"),
        CheckConstraint("length(key_hash) = 32", name="api_keys_hash_length"),
        CheckConstraint("scope IN ('read', 'write', 'admin')", name="api_keys_scope_known"),
        UniqueConstraint("key_hash", name="api_keys_hash_key"),
    )

    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[Id]
    name: Mapped[str]
    scope: Mapped[str]
    key_hash: Mapped[bytes]
    prefix: Mapped[str]
    version: Mapped[Version]
    created_at: Mapped[Moment]
    last_used_at: Mapped[MomentOrNone]
    revoked_at: Mapped[MomentOrNone]
