"""Operator keys: they make vendors and a vendor's first key, and see no vendor's calendar."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app import db
from app.auth.key_rows import KeyKind
from app.models import OperatorKey

PREFIX = "op_"
OPERATOR_KEYS = KeyKind(OperatorKey, PREFIX, ("id",))


def create_operator_key(name: str) -> tuple[OperatorKey, str]:
    """A new key, and its text, which cannot be had again."""
    return OPERATOR_KEYS.create(name=name)


def list_operator_keys() -> list[OperatorKey]:
    """All of them, oldest first, revoked ones included."""
    return list(db.db.session.scalars(select(OperatorKey).order_by(OperatorKey.id)))


def revoke_operator_key(key: str) -> datetime | None:
    """From now on the key is refused: see KeyKind.revoke."""
    return OPERATOR_KEYS.revoke(key)


def find_operator_key(text: str) -> UUID | None:
    """The key's id, if there is such a one and it has not been revoked."""
    row = OPERATOR_KEYS.find(text)
    return row and row.id
