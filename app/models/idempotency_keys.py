"""Idempotency keys: which request a key stands for, and what that request made."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, VendorId


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 16 AND 255", name="idempotency_keys_key_length"),
        ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="idempotency_keys_booking_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("idempotency_keys_by_age", "vendor_id", "created_at"),
    )

    vendor_id: Mapped[VendorId]
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    booking_id: Mapped[uuid.UUID | None]
    made: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'"))
    created_at: Mapped[Moment]
