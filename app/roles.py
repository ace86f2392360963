"""The application's role: made if it is missing, and held to its time limits."""

from __future__ import annotations

import sqlalchemy as sa

APPLICATION_ROLE = "slotkeeper_app"
# Kept with the role, so that every client has them, whatever it is written in.
ROLE_SETTINGS = {"lock_timeout": "3s", "statement_timeout": "10s", "TimeZone": "UTC"}


class RoleMissingError(Exception):
    """The application's role is missing and the owner may not make it; the message says who can."""


def ensure_role(connection: sa.Connection) -> None:
    """Make sure the application's role exists; raises RoleMissingError."""
    known = sa.text("SELECT count(*) FROM pg_roles WHERE rolname = :role")
    if connection.scalar(known, {"role": APPLICATION_ROLE}):
        return
    may = sa.text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    if not connection.scalar(may):
        raise RoleMissingError(
            "The application's role is missing and this owner may not create it. As a superuser,"
            f" run CREATE ROLE {APPLICATION_ROLE} LOGIN PASSWORD '…'; and migrate again."
        )
    connection.execute(sa.text(f"CREATE ROLE {APPLICATION_ROLE} LOGIN"))


def limit_role(connection: sa.Connection) -> None:
    """Give the role its time limits where the owner may; the application asks for them too."""
    current = sa.text("SELECT coalesce(rolconfig, '{}') FROM pg_roles WHERE rolname = :role")
    settings = connection.scalar(current, {"role": APPLICATION_ROLE})
    missing = [name for name, limit in ROLE_SETTINGS.items() if f"{name}={limit}" not in settings]
    if not missing or not connection.scalar(_MAY_ALTER, {"role": APPLICATION_ROLE}):
        return
    for name in missing:
        connection.execute(
            sa.text(f"ALTER ROLE {APPLICATION_ROLE} SET {name} = '{ROLE_SETTINGS[name]}'")
        )


# Since PostgreSQL 16, CREATEROLE reaches only roles of which one holds the ADMIN option.
_MAY_ALTER = sa.text("""
    SELECT rolsuper
        OR (rolcreaterole AND pg_has_role(current_user, :role, 'MEMBER WITH ADMIN OPTION'))
    FROM pg_roles WHERE rolname = current_user
""")
