"""The rows of keys of either kind: made, found by their hash, noted as used, revoked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, inspect, select, true, update
from sqlalchemy.orm import Session

from app import db
from app.auth.key_texts import LAST_USED_STEP, digest_of, names_key, new_key_text
from app.errors import DatabaseProblem
from app.models import ApiKey, OperatorKey

NOTING_WAITS = "50ms"

Key = TypeVar("Key", ApiKey, OperatorKey)


@dataclass(frozen=True, slots=True)
class KeyKind(Generic[Key]):
    """The keys of one table, whose texts begin with `prefix`; `known`: what is read of a found one.

    Among these columns are those of the primary key.
    """

    model: type[Key]
    prefix: str
    known: tuple[str, ...]

    def add(self, session: Session, **columns: object) -> tuple[Key, str]:
        """A new key and its text, which cannot be had again, in the session's transaction."""
        new = new_key_text(self.prefix)
        key = self.model(key_hash=new.digest, prefix=new.shown, **columns)
        session.add(key)
        session.flush()
        session.refresh(key)
        return key, new.text

    def create(self, **columns: object) -> tuple[Key, str]:
        """As `add`, in a transaction of its own."""

        def work() -> tuple[Key, str]:
            with db.transaction() as session:
                return self.add(session, **columns)

        return db.persist(work)

    def find(self, text: str) -> db.Row | None:
        """What is `known` of the key, if it is there and not revoked: each request asks anew."""
        digest = digest_of(self.prefix, text)
        rows = digest and db.read(
            f"SELECT {', '.join(self.known)},"  # noqa: S608  # Names of our own.
            " (last_used_at IS NULL OR last_used_at < now() - %s::interval)"
            " AND current_setting('transaction_read_only') = 'off' AS stale"
            f" FROM {self.model.__tablename__} WHERE key_hash = %s AND revoked_at IS NULL",
            LAST_USED_STEP,
            digest,
        )
        if not rows:
            return None
        if rows[0].stale:
            # What was asked for is answered all the same; the next request notes its use.
            with suppress(DatabaseProblem):
                self._note_use(rows[0])
        return rows[0]

    def revoke(self, key: str) -> datetime | None:
        """From now on the key is refused. `key`: its id, its text, or its first characters if they
        are nobody else's. When it was revoked; None when no one key is meant.
        """
        return db.persist(lambda: self._revoke(key))

    def end(self, session: Session, key: Key) -> None:
        """Revoke the key in the session's transaction; doing it again changes nothing."""
        values: dict[str, Any] = {"revoked_at": func.now()}
        if isinstance(key, ApiKey):
            values["version"] = ApiKey.version + 1
        session.execute(
            update(self.model).where(*self._is(key), self.model.revoked_at.is_(None)).values(values)
        )
        session.refresh(key)

    def _revoke(self, key: str) -> datetime | None:
        with db.transaction() as session:
            meant = session.scalars(select(self.model).where(self._names(key)).limit(2)).all()
            if len(meant) != 1:
                return None
            self.end(session, meant[0])
            return meant[0].revoked_at

    def _note_use(self, row: db.Row) -> None:
        # Whoever holds the row is noting the same, or ending the key: no request waits for that,
        # nor for whoever has locked the table.
        free = select(self.model.id).where(*self._is(row))
        with db.transaction() as session:
            session.execute(select(func.set_config("lock_timeout", NOTING_WAITS, true())))
            session.execute(
                update(self.model)
                .where(
                    *self._is(row),
                    self.model.id
                    == free.with_for_update(key_share=True, skip_locked=True).scalar_subquery(),
                )
                .values(last_used_at=func.now())
            )

    def _is(self, row: Any) -> list[ColumnElement[bool]]:
        return [column == getattr(row, column.name) for column in inspect(self.model).primary_key]

    def _names(self, key: str) -> ColumnElement[bool]:
        try:
            return self.model.id == UUID(key)
        except ValueError:
            return names_key(self.prefix, key, self.model.key_hash, self.model.prefix)
