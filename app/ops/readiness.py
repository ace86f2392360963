"""Whether this server may be sent requests: database there, schema as needed, role held down."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import psycopg

from app import db
from app.errors import DatabaseProblem, Problem
from app.migrate import newest_revision

# The first with uuidv7().
POSTGRESQL_VERSION_MIN = 18
_SERVER = """
    SELECT current_setting('server_version_num')::int / 10000 AS version,
           current_setting('transaction_read_only')::bool AS read_only,
           extract(epoch FROM current_setting('lock_timeout')::interval) AS lock_timeout,
           extract(epoch FROM current_setting('statement_timeout')::interval) AS statement_timeout
"""
# What only the SQL functions may write.
TRUTH = ("slots", "bookings", "claims", "events", "idempotency_keys")
_RIGHTS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
# Rights may come to the role directly, to one of its columns, through another role it is a member
# of (SET ROLE included), or because it is a superuser or the tables' owner: all are asked for.
_WRITABLE = """
    SELECT DISTINCT c.relname AS name
    FROM pg_class c
    CROSS JOIN unnest(%s::text[]) AS wanted (privilege)
    JOIN pg_roles r ON pg_has_role(session_user, r.oid, 'MEMBER')
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (%s)
      AND (has_table_privilege(r.oid, c.oid, wanted.privilege)
           OR (wanted.privilege IN ('INSERT', 'UPDATE')
               AND has_any_column_privilege(r.oid, c.oid, wanted.privilege)))
    ORDER BY c.relname
"""


def check_readiness() -> dict[str, str]:
    """What was checked, each "ok" or what is wrong with it."""
    try:
        server = db.read(_SERVER)[0]
    except DatabaseProblem as problem:
        return {"database": problem.advice or "cannot be reached"}
    return {
        "database": _database(server),
        "migrations": _answer_of(_migrations),
        "role": _answer_of(_role),
        "limits": _limits(server),
    }


def _answer_of(check: Callable[[], str]) -> str:
    """What a check finds, or why it could not look: a role may be denied even that."""
    try:
        return check()
    except Problem as problem:
        return f"could not be looked at: {problem.detail}"
    except psycopg.Error as error:
        return f"could not be looked at: SQLSTATE {error.sqlstate}"


def _database(server: db.Row) -> str:
    if server.version < POSTGRESQL_VERSION_MIN:
        return f"PostgreSQL {server.version}; this server needs {POSTGRESQL_VERSION_MIN} or newer"
    if server.read_only:
        return "takes no writes: give DATABASE_URL the address of the primary"
    return "ok"


def _limits(server: db.Row) -> str:
    """A lock or a statement without a limit would hold its caller, and then everybody, for ever."""
    endless = [name for name in ("lock_timeout", "statement_timeout") if getattr(server, name) == 0]
    if endless:
        return f"{' and '.join(endless)} not set for the role: run slotkeeper migrate as its admin"
    return "ok"


# The revision, and whether we can serve beside those it was made for: see migrations/neighbours.py.
_APPLIED = """
    SELECT v.version_num AS revision,
           COALESCE(obj_description('public.alembic_version'::regclass, 'pg_class'), '{}')::jsonb
               -> 'compatible_with' ? %s AS compatible
    FROM alembic_version v
"""


def _migrations() -> str:
    known = db.read("SELECT to_regclass('public.alembic_version') IS NOT NULL AS there")
    if not known[0].there:
        return f"none; this server needs {_needed()}: run slotkeeper migrate"
    applied = db.read(_APPLIED, _needed())
    revisions = [row.revision for row in applied]
    if revisions != [_needed()] and not (len(applied) == 1 and applied[0].compatible):
        found = ", ".join(revisions) or "none"
        return f"at {found}; this server needs {_needed()}: run slotkeeper migrate"
    return "ok"


def _role() -> str:
    writable = [row.name for row in db.read(_WRITABLE, list(_RIGHTS), list(TRUTH))]
    if writable:
        return f"could write {', '.join(writable)}: give DATABASE_URL the application's role"
    return "ok"


@cache
def _needed() -> str | None:
    return newest_revision()
