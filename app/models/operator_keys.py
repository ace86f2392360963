"""Keys of those who run the installation, kept as SHA-256 only. They belong to no vendor."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import MADE_BY_DATABASE, Base, Moment, MomentOrNone


class OperatorKey(Base):
    __tablename__ = "operator_keys"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="operator_keys_name_length"),
        CheckConstraint("length(key_hash) = 32", name="operator_keys_hash_length"),
        UniqueConstraint("key_hash", name="operator_keys_hash_key"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=MADE_BY_DATABASE)
    name: Mapped[str]
    key_hash: Mapped[bytes]
    prefix: Mapped[str]
    created_at: Mapped[Moment]
    last_used_at: Mapped[MomentOrNone]
    revoked_at: Mapped[MomentOrNone]
