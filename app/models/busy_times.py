"""Busy times: when a provider is not to be had, and the blocks that stand for it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Moment, MomentOrNone, VendorId, Version

STANDING = text("archived_at IS NULL")


class BusyTime(Base):
    __tablename__ = "busy_times"
    __table_args__ = (
        CheckConstraint(
            "(calendar IS NOT NULL) = (source = 'calendar')"
            " AND (event IS NOT NULL) = (source = 'calendar')",
            name="busy_times_of_calendars",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "provider_id"],
            ["providers.vendor_id", "providers.id"],
            name="busy_times_provider_fkey",
        ),
        Index(
            "busy_times_by_time",
            "vendor_id",
            "provider_id",
            "during",
            postgresql_using="gist",
            postgresql_where=STANDING,
        ),
        Index(
            "busy_times_by_event",
            "vendor_id",
            "provider_id",
            "calendar",
            "event",
            unique=True,
            postgresql_where=STANDING,
        ),
        Index(
            "busy_times_by_provider",
            "vendor_id",
            "provider_id",
            text("lower(during)"),
            "id",
        ),
        Index("busy_times_by_change", "vendor_id", "updated_at"),
    )

    vendor_id: Mapped[VendorId]
    id: Mapped[Id]
    provider_id: Mapped[uuid.UUID]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    reason: Mapped[str | None] = mapped_column(
        CheckConstraint("length(reason) BETWEEN 1 AND 500", name="busy_times_reason_length")
    )
    source: Mapped[str] = mapped_column(
        CheckConstraint("source IN ('time_off', 'calendar')", name="busy_times_source")
    )
    calendar: Mapped[str | None] = mapped_column(
        CheckConstraint("length(calendar) BETWEEN 1 AND 100", name="busy_times_calendar_length")
    )
    event: Mapped[bytes | None] = mapped_column(
        LargeBinary, CheckConstraint("length(event) = 32", name="busy_times_event_length")
    )
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    archived_at: Mapped[MomentOrNone]


class BusyBlock(Base):
    __tablename__ = "busy_blocks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="busy_blocks_booking_fkey",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "busy_time_id"],
            ["busy_times.vendor_id", "busy_times.id"],
            name="busy_blocks_busy_time_fkey",
        ),
        Index("busy_blocks_by_end", "vendor_id", "provider_id", "ends"),
    )

    vendor_id: Mapped[VendorId]
    booking_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    busy_time_id: Mapped[uuid.UUID]
    provider_id: Mapped[uuid.UUID]
    ends: Mapped[datetime] = mapped_column(DateTime(timezone=True))
