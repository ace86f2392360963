"""Bringing a database to the newest schema, one migrator at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app import logins
from app.config import sqlalchemy_url
from app.roles import APPLICATION_ROLE, ensure_role, limit_role

# In a checkout and in an installation alike, the migrations lie beside the package.
MIGRATIONS = Path(__file__).parents[1] / "migrations"
ADVISORY_LOCK = 0x510_7CEE9E12
LOCK_TIMEOUT = "5s"
# Whoever migrates must be the one who made the tables, or act as them.
_STRANGER = """
    SELECT current_user AS me, pg_get_userbyid(relowner) AS owner FROM pg_class
    WHERE oid = to_regclass('public.alembic_version')
      AND NOT pg_has_role(current_user, relowner, 'USAGE')
"""


class NotTheOwnerError(Exception):
    """DATABASE_OWNER_URL does not lead to the tables' owner; the message says what to do."""


def upgrade(owner_url: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Apply what is missing up to `revision`, all or nothing; return the revision before and after.

    Simultaneous calls wait for one another. A table that others keep busy for LOCK_TIMEOUT raises
    SQLSTATE 55P03, and nothing has changed. Raises NotTheOwnerError, RoleMissingError.
    """
    with open_connection(owner_url) as connection:
        _require_owner(connection)
        before = _revision(connection)
        ensure_role(connection)
        limit_role(connection)
        connection.commit()
        command.upgrade(_config(connection), revision)
        return before, _revision(connection)


def downgrade(owner_url: str, revision: str = "base") -> tuple[str | None, str | None]:
    """Undo the migrations after `revision`, data included; return the revision before and after."""
    with open_connection(owner_url) as connection:
        _require_owner(connection)
        before = _revision(connection)
        command.downgrade(_config(connection), revision)
        return before, _revision(connection)


def newest_revision() -> str | None:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


@contextmanager
def open_connection(owner_url: str) -> Iterator[sa.Connection]:
    """A connection of its own for migrations, on which no other migrator works meanwhile."""
    engine = sa.create_engine(
        sqlalchemy_url(owner_url),
        poolclass=sa.NullPool,
        hide_parameters=True,
        # A file of several statements cannot be prepared.
        connect_args={"prepare_threshold": None},
    )
    sa.event.listen(engine, "do_connect", _dial)
    with engine.connect() as connection:
        # A session's lock, taken before any time limit and kept over alembic's transactions.
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        yield connection


def _dial(dialect: object, _record: object, words: object, named: object) -> object:
    try:
        return logins.dial(dialect, words, named)
    except psycopg.OperationalError as error:
        advice = logins.advice(error.sqlstate, "DATABASE_OWNER_URL")
        if advice is None:
            raise
        raise NotTheOwnerError(f"{advice} ({str(error).strip().splitlines()[0]})") from error


def _require_owner(connection: sa.Connection) -> None:
    stranger = connection.execute(sa.text(_STRANGER)).one_or_none()
    me = stranger.me if stranger else connection.scalar(sa.text("SELECT current_user"))
    if stranger is None and me != APPLICATION_ROLE:
        return
    why = (
        f"does not own the schema; {stranger.owner} does" if stranger else "books, and owns nothing"
    )
    raise NotTheOwnerError(
        f"The role {me} {why}. Give DATABASE_OWNER_URL the owner's address, and to servers and"
        " workers the application's as DATABASE_URL. Nothing has been changed."
    )


def _config(connection: sa.Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _revision(connection: sa.Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    return revision
