"""Events: the append-only history of bookings."""

from __future__ import annotations

import uuid

from sqlalchemy import DateTime, ForeignKeyConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, JsonObject, Moment, VendorId, Xid8


class Event(Base):
    __tablename__ = "events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="events_booking_fkey",
        ),
    )

    vendor_id: Mapped[VendorId]
    booking_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(Xid8, server_default=func.pg_current_xact_id())
    kind: Mapped[str]
    actor: Mapped[JsonObject]
    request_id: Mapped[str | None]
    changes: Mapped[JsonObject]
    occurred_at: Mapped[Moment] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
