"""Bringing a database to the newest schema, one migrator at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.config import sqlalchemy_url
from app.roles import ensure_role, limit_role

# In a checkout and in an installation alike, the migrations lie beside the package.
MIGRATIONS = Path(__file__).parents[1] / "migrations"
ADVISORY_LOCK = 0x510_7CEE9E12
LOCK_TIMEOUT = "5s"


def upgrade(owner_url: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Apply what is missing up to `revision`, all or nothing; return the revision before and after.

    Simultaneous calls wait for one another. A table that others keep busy for LOCK_TIMEOUT raises
    SQLSTATE 55P03, and nothing has changed.
    """
    with open_connection(owner_url) as connection:
        before = _revision(connection)
        ensure_role(connection)
        limit_role(connection)
        connection.commit()
        command.upgrade(_config(connection), revision)
        return before, _revision(connection)


def downgrade(owner_url: str, revision: str = "base") -> tuple[str | None, str | None]:
    """Undo the migrations after `revision`, data included; return the revision before and after."""
    with open_connection(owner_url) as connection:
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
    with engine.connect() as connection:
        # A session's lock, taken before any time limit and kept over alembic's transactions.
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        yield connection


def _config(connection: sa.Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _revision(connection: sa.Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    return revision
