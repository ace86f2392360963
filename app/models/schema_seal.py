"""The seal: the schema as the last migration left it, for the consistency check to compare with."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class SchemaSeal(Base):
    __tablename__ = "schema_seal"

    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    definition: Mapped[str]
