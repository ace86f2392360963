"""Bookings and the claims by which they occupy parts of slots."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import (
    ARRAY,
    INT4MULTIRANGE,
    JSONB,
    TSTZRANGE,
    ExcludeConstraint,
    Range,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    OCCUPYING,
    Base,
    Id,
    Moment,
    MomentOrNone,
    VendorId,
    Version,
)

CLAIMS_KEY = ["claims.vendor_id", "claims.booking_id", "claims.ordinal"]


class Booking(Base):
    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("cardinality(slot_ids) = claim_count", name="bookings_slot_ids"),
        CheckConstraint(
            "status <> 'held' OR hold_expires_at IS NOT NULL", name="bookings_hold_expires"
        ),
        CheckConstraint(
            "(price_amount IS NULL) = (price_currency IS NULL)",
            name="bookings_price",
        ),
        *(
            ForeignKeyConstraint(
                ["vendor_id", f"{one}_id"],
                [f"{one}s.vendor_id", f"{one}s.id"],
                name=f"bookings_{one}_fkey",
            )
            for one in ("service", "customer")
        ),
        UniqueConstraint(
            "vendor_id", "id", "occupying", "quantity", "claim_count", name="bookings_claimed_key"
        ),
        # Bookings and claims refer to each other: one of the two is made afterwards.
        ForeignKeyConstraint(
            ["vendor_id", "id", "last_ordinal"],
            CLAIMS_KEY,
            name="bookings_last_claim_fkey",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        Index(
            "bookings_lapsing",
            "vendor_id",
            "hold_expires_at",
            postgresql_where=text("status = 'held'"),
        ),
        Index(
            "bookings_by_customer",
            "vendor_id",
            "customer_id",
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
        Index("bookings_by_start", "vendor_id", text("lower(during)"), "id"),
        Index(
            "bookings_by_provider_and_start",
            "vendor_id",
            "provider_id",
            text("lower(during)"),
            "id",
        ),
        Index(
            "bookings_blocks",
            "vendor_id",
            text("lower(during)"),
            "id",
            postgresql_where=text("kind = 'block'"),
        ),
        Index("bookings_by_change", "vendor_id", "updated_at", "id"),
        Index(
            "bookings_long",
            "vendor_id",
            "during",
            postgresql_using="gist",
            postgresql_where=text("upper(during) - lower(during) > '12:00:00'::interval"),
        ),
    )

    vendor_id: Mapped[VendorId]
    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(server_default=text("'appointment'"))
    status: Mapped[str]
    occupying: Mapped[bool] = mapped_column(Computed(OCCUPYING, persisted=True))
    quantity: Mapped[int]
    claim_count: Mapped[int]
    last_ordinal: Mapped[int | None] = mapped_column(
        Computed(
            f"CASE WHEN {OCCUPYING} THEN (claim_count)::integer ELSE NULL::integer END",
            persisted=True,
        )
    )
    provider_id: Mapped[uuid.UUID]
    location_id: Mapped[uuid.UUID]
    service_id: Mapped[uuid.UUID | None]
    customer_id: Mapped[uuid.UUID | None]
    slot_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    # The time shown; its claims hold the buffers, too.
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    buffer_before_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    buffer_after_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    price_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str | None]
    hold_expires_at: Mapped[MomentOrNone]
    guests: Mapped[int | None]
    channel: Mapped[str | None] = mapped_column(String(100))
    notes: Mapped[str | None] = mapped_column(String(10000))
    internal_notes: Mapped[str | None] = mapped_column(String(10000))
    # "metadata" itself is a name that the declarative base keeps.
    booking_metadata: Mapped[dict[str, object]] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'")
    )
    token_version: Mapped[Version]
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    cancellation_reason: Mapped[str | None] = mapped_column(String(500))


class Claim(Base):
    __tablename__ = "claims"
    __table_args__ = (
        CheckConstraint("booking_occupying", name="claims_booking_occupies"),
        CheckConstraint("ordinal <= claim_count", name="claims_ordinal"),
        CheckConstraint("during <@ slot_during", name="claims_inside_slot"),
        CheckConstraint(
            "NOT isempty(units) AND units <@ int4range(1, slot_capacity + 1)",
            name="claims_within_capacity",
        ),
        CheckConstraint("units_count(units) = quantity", name="claims_units_are_quantity"),
        ExcludeConstraint(
            ("vendor_id", "="),
            ("provider_id", "="),
            ("during", "&&"),
            ("units", "&&"),
            name="claims_no_overlap",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "slot_id", "provider_id", "slot_during", "slot_capacity"],
            ["slots.vendor_id", "slots.id", "slots.provider_id", "slots.during", "slots.capacity"],
            name="claims_slot_fkey",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "booking_id", "booking_occupying", "quantity", "claim_count"],
            [
                "bookings.vendor_id",
                "bookings.id",
                "bookings.occupying",
                "bookings.quantity",
                "bookings.claim_count",
            ],
            name="claims_booking_fkey",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "booking_id", "previous_ordinal"],
            CLAIMS_KEY,
            name="claims_previous_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("claims_by_slot", "vendor_id", "slot_id"),
    )

    vendor_id: Mapped[VendorId]
    booking_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    claim_count: Mapped[int]
    previous_ordinal: Mapped[int | None] = mapped_column(
        Computed("NULLIF((ordinal - 1), 0)", persisted=True)
    )
    booking_occupying: Mapped[bool] = mapped_column(server_default=text("true"))
    quantity: Mapped[int]
    slot_id: Mapped[uuid.UUID]
    provider_id: Mapped[uuid.UUID]
    slot_during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    slot_capacity: Mapped[int]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    units: Mapped[list[Range[int]]] = mapped_column(INT4MULTIRANGE)
