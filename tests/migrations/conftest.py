"""What a database looks like, so that two can be compared."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

OURS = "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {}.oid AND d.deptype = 'e')"
HERE = "'public'::regnamespace"
PARTS = {
    "functions": f"""
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p
        WHERE p.pronamespace = {HERE} AND {OURS.format("p")}""",
    "constraints": f"""
        SELECT c.conrelid::regclass::text, c.contypid::regtype::text, c.conname,
               pg_get_constraintdef(c.oid)
        FROM pg_constraint c WHERE c.connamespace = {HERE}""",
    "columns": f"""
        SELECT c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attgenerated, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = {HERE} AND c.relkind IN ('r', 'v', 'c') AND NOT a.attisdropped""",
    "relations": f"""
        SELECT c.relname, c.relkind, c.relacl::text, c.reloptions::text,
               CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END
        FROM pg_class c WHERE c.relnamespace = {HERE} AND c.relkind IN ('r', 'v', 'c')""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "domains": f"""
        SELECT t.typname, format_type(t.typbasetype, t.typtypmod) FROM pg_type t
        WHERE t.typnamespace = {HERE} AND t.typtype = 'd'""",
    "triggers": """
        SELECT c.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal""",
    "rights": "SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'",
    "default_rights": "SELECT defaclobjtype::text, defaclacl::text FROM pg_default_acl",
}
Picture = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def picture() -> Callable[[str], Picture]:
    """Everything that migrations make in a database, part by part."""

    def take(url: str) -> Picture:
        with psycopg.connect(url, autocommit=True) as connection:
            found = {part: connection.execute(query).fetchall() for part, query in PARTS.items()}
        return {part: sorted(rows, key=repr) for part, rows in found.items()}

    return take
