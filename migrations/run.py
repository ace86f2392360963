"""Run the migrations with an engine of their own, as the database's owner."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

APPLICATION_ROLE = "slotkeeper_app"
# Two deployments at once: the second waits for the first, then finds nothing left to do.
ADVISORY_LOCK = 7_305_804_302_119_412
# Waiting for a lock blocks everybody who comes after us; better to fail and be run again.
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"
# The application's own limits, kept with the role so that every client has them.
ROLE_SETTINGS = {"lock_timeout": "3s", "statement_timeout": "10s"}


class RoleMissingError(Exception):
    """The application's role does not exist, and the owner may not make it."""


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring the database up to the revision; errors leave it as it was."""
    with _connected(owner_url) as connection:
        _ensure_role(connection)
        command.upgrade(_config(connection), revision)
        _limit_role(connection)


def downgrade(owner_url: str, revision: str) -> None:
    """Bring the database down to the revision ("base": nothing); errors leave it as it was."""
    with _connected(owner_url) as connection:
        command.downgrade(_config(connection), revision)


def current(owner_url: str) -> str | None:
    """Return the revision the database is at, or None when it has none."""
    with _connected(owner_url) as connection:
        known = connection.scalar(text("SELECT to_regclass('public.alembic_version')"))
        return connection.scalar(text("SELECT version_num FROM alembic_version")) if known else None


def head() -> str:
    """Return the newest revision that this release knows."""
    newest = ScriptDirectory.from_config(_config(None)).get_current_head()
    if newest is None:
        raise LookupError("no migrations found beside migrations/run.py")
    return newest


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(owner_url: str) -> Iterator[Connection]:
    # An engine of its own: multi-statement files cannot be prepared, so prepare_threshold is None.
    url = make_url(owner_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, connect_args={"prepare_threshold": None})
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
        yield connection
    engine.dispose()


def _ensure_role(connection: Connection) -> None:
    known = text("SELECT FROM pg_roles WHERE rolname = :role")
    if connection.execute(known, {"role": APPLICATION_ROLE}).first() is not None:
        return
    may = connection.scalar(
        text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    )
    if not may:
        raise RoleMissingError(
            f"the application's role is missing and this owner may not create it. As a superuser run:"
            f" CREATE ROLE {APPLICATION_ROLE} LOGIN PASSWORD '…'; and try again"
        )
    connection.execute(text(f"CREATE ROLE {APPLICATION_ROLE} LOGIN"))


def _limit_role(connection: Connection) -> None:
    """Set the role's timeouts where the owner may; the application asks for the same itself."""
    for name, value in ROLE_SETTINGS.items():
        wanted = f"{name}={value}"
        with connection.begin_nested() as savepoint:
            settings = connection.scalar(
                text("SELECT coalesce(rolconfig, '{}') FROM pg_roles WHERE rolname = :role"),
                {"role": APPLICATION_ROLE},
            )
            if wanted in settings or not _may_alter(connection):
                savepoint.rollback()
                continue
            connection.execute(text(f"ALTER ROLE {APPLICATION_ROLE} SET {name} = '{value}'"))


def _may_alter(connection: Connection) -> bool:
    return bool(
        connection.scalar(
            text(
                "SELECT rolsuper OR (rolcreaterole AND pg_has_role(current_user, :role, 'MEMBER WITH ADMIN OPTION'))"
                " FROM pg_roles WHERE rolname = current_user"
            ),
            {"role": APPLICATION_ROLE},
        )
    )
