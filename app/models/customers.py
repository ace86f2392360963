"""Customers: the only table of personal data beside a booking's own notes."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Moment, Version


class Customer(Base):
    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint(
            "vendor_id",
            "email",
            "phone",
            "name",
            name="customers_details_key",
            postgresql_nulls_not_distinct=True,
        ),
    )

    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[Id]
    name: Mapped[str | None] = mapped_column(
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="customers_name_length")
    )
    email: Mapped[str | None] = mapped_column(
        CheckConstraint("length(email) BETWEEN 3 AND 254", name="customers_email_length")
    )
    phone: Mapped[str | None] = mapped_column(
        CheckConstraint("length(phone) BETWEEN 3 AND 40", name="customers_phone_length")
    )
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
