"""Whether this server may be sent requests: database there, schema as needed, role held down."""

from __future__ import annotations

from functools import cache

from app import db
from app.errors import Problem
from app.migrate import newest_revision

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
        db.read("SELECT 1")
    except Problem:
        return {"database": "cannot be reached"}
    return {"database": "ok", "migrations": _migrations(), "role": _role()}


def _migrations() -> str:
    known = db.read("SELECT to_regclass('public.alembic_version') IS NOT NULL AS there")
    if not known[0].there:
        return f"none; this server needs {_needed()}: run slotkeeper migrate"
    applied = [row.version_num for row in db.read("SELECT version_num FROM alembic_version")]
    if applied != [_needed()]:
        found = ", ".join(applied) or "none"
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
