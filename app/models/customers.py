"""Customers: the only table of personal data beside a booking's own notes."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Moment, MomentOrNone, Version

# As PostgreSQL prints what phone_digits and folded do, so that Alembic finds the indexes equal.
_DIGITS = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९"
PHONE_DIGITS = (
    f"regexp_replace(translate(NORMALIZE(phone, NFKC), '{_DIGITS}'::text,"
    f" '{'0123456789' * 3}'::text), '^[^0-9]*00|[^0-9]'::text, ''::text, 'g'::text)"
)
_UNSEEN = (
    r"[\u0001-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F-\u1160\u17B4-\u17B5\u180B-\u180F"
    r"\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB"
    r"\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]"
)


def _folded(column: str) -> str:
    legible = f"regexp_replace({column}, '{_UNSEEN}'::text, ''::text, 'g'::text)"
    return f"casefold(NORMALIZE({legible}, NFKC) COLLATE pg_unicode_fast)"


class Customer(Base):
    __tablename__ = "customers"
    __table_args__ = (
        Index(
            "customers_details_key",
            "vendor_id",
            "email",
            "phone",
            "name",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("erased_at IS NULL"),
        ),
        Index(
            "customers_by_email",
            "vendor_id",
            literal_column(_folded("email")).label("email_key"),
            postgresql_ops={"email_key": "text_pattern_ops"},
            postgresql_where=text("email IS NOT NULL"),
        ),
        Index(
            "customers_by_phone",
            "vendor_id",
            literal_column(PHONE_DIGITS).label("phone_key"),
            postgresql_ops={"phone_key": "text_pattern_ops"},
            postgresql_where=text("phone IS NOT NULL"),
        ),
        Index(
            "customers_by_name",
            "vendor_id",
            literal_column(_folded("name")).label("name_key"),
            postgresql_ops={"name_key": "gin_trgm_ops"},
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 256},
        ),
        Index(
            "customers_banned", "vendor_id", "id", postgresql_where=text("banned_at IS NOT NULL")
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
    note: Mapped[str | None] = mapped_column(
        CheckConstraint("length(note) <= 10000", name="customers_note_length")
    )
    banned_at: Mapped[MomentOrNone]
    erased_at: Mapped[MomentOrNone]
    version: Mapped[Version]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
