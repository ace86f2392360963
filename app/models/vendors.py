"""Vendors and their catalogue: locations, providers, services."""

from __future__ import annotations

import uuid

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    MADE_BY_DATABASE,
    PRICE_FORM,
    Base,
    Id,
    Moment,
    MomentOrNone,
    VendorId,
    Version,
)


class Vendor(Base):
    __tablename__ = "vendors"
    __table_args__ = (
        UniqueConstraint("slug", name="vendors_slug_key"),
        CheckConstraint(
            "id <> '00000000-0000-0000-0000-000000000000'", name="vendors_id_is_not_nil"
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=MADE_BY_DATABASE)
    slug: Mapped[str] = mapped_column(
        CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="vendors_slug_form")
    )
    name: Mapped[str] = mapped_column(
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="vendors_name_length")
    )
    time_zone: Mapped[str]
    public_booking: Mapped[bool] = mapped_column(server_default=text("true"))
    availability_numbers: Mapped[str] = mapped_column(
        CheckConstraint(
            "availability_numbers IN ('exact', 'few_left', 'hidden')",
            name="vendors_availability_numbers",
        ),
        server_default=text("'exact'"),
    )
    open_bookings_max: Mapped[int | None] = mapped_column(
        CheckConstraint("open_bookings_max BETWEEN 1 AND 10000", name="vendors_open_bookings_max")
    )
    hold_minutes: Mapped[int] = mapped_column(
        CheckConstraint("hold_minutes BETWEEN 1 AND 10080", name="vendors_hold_minutes"),
        server_default=text("10"),
    )
    service_required: Mapped[bool] = mapped_column(server_default=text("false"))
    channels: Mapped[dict[str, list[str]]] = mapped_column(JSONB, server_default=text("'{}'"))
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    archived_at: Mapped[MomentOrNone]


class Location(Base):
    __tablename__ = "locations"

    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="locations_name_length")
    )
    address: Mapped[str] = mapped_column(
        CheckConstraint("length(address) <= 1000", name="locations_address_length"),
        server_default=text("''"),
    )
    time_zone: Mapped[str]
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    archived_at: Mapped[MomentOrNone]


class Provider(Base):
    __tablename__ = "providers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["vendor_id", "location_id"],
            ["locations.vendor_id", "locations.id"],
            name="providers_location_fkey",
        ),
    )

    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[Id]
    location_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="providers_name_length")
    )
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    archived_at: Mapped[MomentOrNone]


class Service(Base):
    __tablename__ = "services"
    __table_args__ = (
        CheckConstraint(PRICE_FORM, name="services_price"),
        CheckConstraint("quantity_max >= quantity_min", name="services_quantities"),
        CheckConstraint(
            "duration_minutes IS NOT NULL"
            " OR (buffer_before_minutes = 0 AND buffer_after_minutes = 0)",
            name="services_buffers_need_duration",
        ),
    )

    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="services_name_length")
    )
    duration_minutes: Mapped[int | None] = mapped_column(
        CheckConstraint("duration_minutes BETWEEN 1 AND 525600", name="services_duration")
    )
    buffer_before_minutes: Mapped[int] = mapped_column(
        CheckConstraint("buffer_before_minutes BETWEEN 0 AND 1440", name="services_buffer_before"),
        server_default=text("0"),
    )
    buffer_after_minutes: Mapped[int] = mapped_column(
        CheckConstraint("buffer_after_minutes BETWEEN 0 AND 1440", name="services_buffer_after"),
        server_default=text("0"),
    )
    start_step_minutes: Mapped[int] = mapped_column(
        CheckConstraint("start_step_minutes BETWEEN 1 AND 1440", name="services_start_step"),
        server_default=text("15"),
    )
    notice_minutes: Mapped[int] = mapped_column(
        CheckConstraint("notice_minutes BETWEEN 0 AND 525600", name="services_notice"),
        server_default=text("0"),
    )
    window_days: Mapped[int | None] = mapped_column(
        CheckConstraint("window_days BETWEEN 1 AND 3650", name="services_window")
    )
    quantity_min: Mapped[int] = mapped_column(
        CheckConstraint("quantity_min BETWEEN 1 AND 100000", name="services_quantity_min"),
        server_default=text("1"),
    )
    quantity_max: Mapped[int | None] = mapped_column(
        CheckConstraint("quantity_max BETWEEN 1 AND 100000", name="services_quantity_max")
    )
    price_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str | None]
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    archived_at: Mapped[MomentOrNone]


class ServiceNeed(Base):
    __tablename__ = "service_needs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="service_needs_service_fkey",
        ),
    )

    vendor_id: Mapped[VendorId]
    service_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    need: Mapped[int] = mapped_column(
        SmallInteger,
        CheckConstraint("need BETWEEN 1 AND 10", name="service_needs_need"),
        primary_key=True,
        autoincrement=False,
    )
    role: Mapped[str] = mapped_column(
        CheckConstraint("length(role) BETWEEN 1 AND 100", name="service_needs_role_length")
    )


class ServiceProvider(Base):
    __tablename__ = "service_providers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["vendor_id", "service_id", "need"],
            ["service_needs.vendor_id", "service_needs.service_id", "service_needs.need"],
            name="service_providers_need_fkey",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "provider_id"],
            ["providers.vendor_id", "providers.id"],
            name="service_providers_provider_fkey",
        ),
        Index("service_providers_by_provider", "vendor_id", "provider_id"),
    )

    vendor_id: Mapped[VendorId]
    service_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    need: Mapped[int] = mapped_column(SmallInteger)
    preference: Mapped[int] = mapped_column(
        CheckConstraint("preference BETWEEN 1 AND 1000", name="service_providers_preference"),
        server_default=text("1"),
    )
