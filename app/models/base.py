"""What the mirrors share: the declarative base and the columns that stand in most tables.

A column of a domain is mirrored as the type that the domain is over: the domain's rule is the
database's business.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from sqlalchemy import DateTime, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import UserDefinedType

MADE_BY_DATABASE = func.uuidv7()

VendorId = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True)]
Id = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True, server_default=MADE_BY_DATABASE)]
Version = Annotated[int, mapped_column(server_default=text("1"))]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
MomentOrNone = Annotated[datetime | None, mapped_column(DateTime(timezone=True))]
JsonObject = Annotated[dict[str, object], mapped_column(JSONB)]

PRICE_FORM = "(price_amount IS NULL) = (price_currency IS NULL) AND price_amount <= 10000000000"
# As PostgreSQL prints it, so that Alembic finds the generated columns equal.
OCCUPYING = "((status)::text <> ALL (ARRAY['cancelled'::text, 'expired'::text, 'declined'::text]))"


class Base(DeclarativeBase):
    type_annotation_map = {str: Text}  # noqa: RUF012  # SQLAlchemy reads it from the class.


class Xid8(UserDefinedType[int]):
    """A transaction's 64-bit number, which orders events by commit better than any clock."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "xid8"


# Reflection, and with it Alembic's comparison, then knows the type too.
PGDialect.ischema_names["xid8"] = Xid8
