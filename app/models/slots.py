"""Slots: the published time ranges of providers."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import PRICE_FORM, Base, Id, Moment, VendorId, Version


class Slot(Base):
    __tablename__ = "slots"
    __table_args__ = (
        CheckConstraint(PRICE_FORM, name="slots_price"),
        ForeignKeyConstraint(
            ["vendor_id", "provider_id"],
            ["providers.vendor_id", "providers.id"],
            name="slots_provider_fkey",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "location_id"],
            ["locations.vendor_id", "locations.id"],
            name="slots_location_fkey",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "schedule_id"],
            ["schedules.vendor_id", "schedules.id"],
            name="slots_schedule_fkey",
        ),
        ExcludeConstraint(
            ("vendor_id", "="), ("provider_id", "="), ("during", "&&"), name="slots_no_overlap"
        ),
        UniqueConstraint(
            "vendor_id", "id", "provider_id", "during", "capacity", name="slots_shape_key"
        ),
        Index("slots_by_start", "vendor_id", text("lower(during)"), "id"),
        CheckConstraint(
            "closed = '{}' OR schedule_id IS NOT NULL AND range_merge(closed) <@ during",
            name="slots_closed",
        ),
        Index("slots_by_provider_and_start", "vendor_id", "provider_id", text("lower(during)")),
        Index(
            "slots_partly_closed",
            "vendor_id",
            "provider_id",
            postgresql_where=text("closed <> '{}'::tstzmultirange"),
        ),
    )

    vendor_id: Mapped[VendorId]
    id: Mapped[Id]
    provider_id: Mapped[uuid.UUID]
    location_id: Mapped[uuid.UUID]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    capacity: Mapped[int]
    price_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str | None]
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    schedule_id: Mapped[uuid.UUID | None]
    closed: Mapped[MultiRange[datetime]] = mapped_column(
        TSTZMULTIRANGE, server_default=text("'{}'::tstzmultirange")
    )
