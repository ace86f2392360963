"""What the rows of imported files are called there, so that a second import finds what it made."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ImportRef(Base):
    __tablename__ = "import_refs"
    __table_args__ = (Index("import_refs_by_row", "vendor_id", "row_id"),)

    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(
        CheckConstraint(
            "kind IN ('locations', 'providers', 'services', 'schedules', 'exceptions',"
            " 'customers', 'bookings')",
            name="import_refs_kind",
        ),
        primary_key=True,
    )
    ref: Mapped[str] = mapped_column(
        CheckConstraint("length(ref) BETWEEN 1 AND 200", name="import_refs_ref_length"),
        primary_key=True,
    )
    row_id: Mapped[uuid.UUID]
