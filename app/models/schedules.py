"""Schedules: a provider's weeks in local time, their exceptions, and what was published of them."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    PRICE_FORM,
    Base,
    Id,
    JsonObject,
    Moment,
    MomentOrNone,
    VendorId,
    Version,
)


def _provider_key(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["vendor_id", "provider_id"],
        ["providers.vendor_id", "providers.id"],
        name=f"{table}_provider_fkey",
    )


class Schedule(Base):
    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint(PRICE_FORM, name="schedules_price"),
        CheckConstraint("valid_until >= valid_from", name="schedules_valid"),
        CheckConstraint(
            "slot_minutes IS NOT NULL OR gap_minutes = 0", name="schedules_gap_needs_length"
        ),
        _provider_key("schedules"),
        ForeignKeyConstraint(
            ["vendor_id", "location_id"],
            ["locations.vendor_id", "locations.id"],
            name="schedules_location_fkey",
        ),
        Index("schedules_by_provider", "vendor_id", "provider_id", "id"),
    )

    vendor_id: Mapped[VendorId]
    id: Mapped[Id]
    provider_id: Mapped[uuid.UUID]
    location_id: Mapped[uuid.UUID | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    weekly: Mapped[JsonObject]
    slot_minutes: Mapped[int | None] = mapped_column(
        CheckConstraint("slot_minutes BETWEEN 5 AND 1440", name="schedules_slot_minutes")
    )
    gap_minutes: Mapped[int] = mapped_column(
        CheckConstraint("gap_minutes BETWEEN 0 AND 1440", name="schedules_gap_minutes"),
        server_default=text("0"),
    )
    capacity: Mapped[int] = mapped_column(server_default=text("1"))
    price_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str | None]
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    archived_at: Mapped[MomentOrNone]


class ScheduleException(Base):
    __tablename__ = "schedule_exceptions"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="schedule_exceptions_days"),
        CheckConstraint("(kind = 'closed') = (hours = '[]')", name="schedule_exceptions_closed"),
        _provider_key("schedule_exceptions"),
        ForeignKeyConstraint(
            ["vendor_id", "schedule_id"],
            ["schedules.vendor_id", "schedules.id"],
            name="schedule_exceptions_schedule_fkey",
        ),
        Index("schedule_exceptions_by_provider", "vendor_id", "provider_id", "id"),
    )

    vendor_id: Mapped[VendorId]
    id: Mapped[Id]
    provider_id: Mapped[uuid.UUID]
    schedule_id: Mapped[uuid.UUID | None]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    kind: Mapped[str] = mapped_column(
        CheckConstraint("kind IN ('closed', 'extra', 'other')", name="schedule_exceptions_kind")
    )
    hours: Mapped[list[list[str]]] = mapped_column(
        JSONB,
        CheckConstraint("jsonb_typeof(hours) = 'array'", name="schedule_exceptions_hours"),
        server_default=text("'[]'"),
    )
    reason: Mapped[str | None] = mapped_column(
        CheckConstraint(
            "length(reason) BETWEEN 1 AND 500", name="schedule_exceptions_reason_length"
        )
    )
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    archived_at: Mapped[MomentOrNone]


class SchedulePublishing(Base):
    __tablename__ = "schedule_publishings"
    __table_args__ = (_provider_key("schedule_publishings"),)

    vendor_id: Mapped[VendorId]
    provider_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    inputs: Mapped[bytes] = mapped_column(LargeBinary)
    looked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
