"""What a person could do about an altered schema, function or right, as SQL."""

from __future__ import annotations

import re
from typing import Any

from app.consistency.shipped import SQL, shipped_files

Offender = dict[str, Any]
ROLE = "slotkeeper_app"
# What definition_in_words adds to PostgreSQL's own.
_STATE = re.compile(
    r" \((?:\d+ triggers, [a-z ]+|not validated|not valid|index not valid|(?:always )?on|off"
    r"|on for replicas only|not all alike)\)"
)
_STRANGER = re.compile(r"\bof the role [^\s,:]+")
# The owner of one table is that of all.
_GIVE_BACK = (
    "DO $$BEGIN EXECUTE format('ALTER %s %s OWNER TO %%I', (SELECT pg_get_userbyid(relowner)"
    " FROM pg_class WHERE oid = 'schema_seal'::regclass)); END$$; -- as a superuser"
)


def mend_law(offender: Offender) -> list[str]:
    """Put back what was there, or take away what was not."""
    mend = {
        "constraint": _mend_constraint,
        "domain constraint": _mend_constraint,
        "table": _mend_table,
        "row security": _mend_row_security,
        "view": _mend_view,
        "column": _mend_column,
        "index": _mend_index,
        "trigger": _mend_trigger,
        "setting": _mend_setting,
        "child": _mend_child,
        "seal": _mend_seal,
        "law": _mend_lost_law,
    }.get(offender["kind"])
    if mend is not None:
        return mend(offender)
    table, _, name = offender["name"].partition(".")
    if offender["expected"] is None:
        return [f"DROP {offender['kind'].upper()} {_quoted(name)} ON {_quoted(table)};"]
    return _shown(offender)


def mend_check(offender: Offender) -> list[str]:
    """Give the rights back that it lacks; otherwise what else is found says why it cannot run."""
    if offender["sqlstate"] == "42501":
        return [f"\\i {SQL / 'rights.sql'}"]
    return [
        f"-- It could not run: {_one_line(offender['error'])}",
        "-- Mend first what the checks of schema, functions and rights find, then check again.",
    ]


def mend_function(offender: Offender) -> list[str]:
    """The file to run again, or the second form to drop."""
    if offender["expected"] is None:
        return [f"DROP FUNCTION {offender['name']};"]
    found = _STRANGER.sub("of the owner", offender["found"] or "")
    back = _give_back("FUNCTION", offender["name"], offender["found"] or "")
    if found == offender["expected"]:
        return back
    reason = "different" if offender["found"] else "missing"
    again = mend_shipped({"name": offender["name"].partition("(")[0], "reason": reason})
    return [*back, *again] if found else again


def mend_shipped(offender: Offender) -> list[str]:
    """The file to run again in psql."""
    path = shipped_files().get(offender["name"])
    if path is None:
        return ["-- This program brings no such function: is it of another version?"]
    # A function made anew may be called by nobody.
    rights = [f"\\i {SQL / 'rights.sql'}"] if offender["reason"] == "missing" else []
    return [f"\\i {path}", *rights]


def mend_right(offender: Offender) -> list[str]:
    """Take away what is too much, give what is missing."""
    what, _, name = offender["name"].partition(" ")
    if what == "on":
        return _mend_table_rights(_quoted(name), offender)
    if what == "to":
        function = name.removeprefix("call ")
        if offender["expected"] == "yes":
            return [f"GRANT EXECUTE ON FUNCTION {function} TO {ROLE};"]
        return [f"REVOKE EXECUTE ON FUNCTION {function} FROM {ROLE}, PUBLIC;"]
    other = {
        "attribute": f"ALTER ROLE {ROLE} NO{name};",
        "member": f"REVOKE {_quoted(name.removeprefix('of '))} FROM {ROLE};",
        "owns": f"-- Give {name} to the owner of the other tables: ALTER ... OWNER TO ...;",
        "role": f"-- slotkeeper migrate makes the role {ROLE}; its rights are in rights.sql.",
        "CREATE": f"REVOKE CREATE ON SCHEMA public FROM {ROLE}, PUBLIC;",
    }
    if name == "in the database":
        return [f"-- REVOKE CREATE ON DATABASE ... FROM {ROLE}, PUBLIC;"]
    return [other.get(what, f"REVOKE {what} {name} FROM {ROLE}, PUBLIC;")]


def _mend_table_rights(table: str, offender: Offender) -> list[str]:
    expected, found = (
        set(offender[which].split(", ")) - {"none"} for which in ("expected", "found")
    )
    return [
        *(f"REVOKE {right} ON {table} FROM {ROLE}, PUBLIC;" for right in sorted(found - expected)),
        *(f"GRANT {right} ON {table} TO {ROLE};" for right in sorted(expected - found)),
    ]


def _mend_table(offender: Offender) -> list[str]:
    """Whose it is, whether it survives a crash, and who sees its rows; a lost one is not made."""
    table, found = _quoted(offender["name"]), offender["found"] or ""
    mends = {
        "unlogged": f"ALTER TABLE {table} SET LOGGED; -- writes it anew, and all wait",
        "row security on": f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    }
    back = _give_back("TABLE", table, found)
    return [*back, *(mend for sign, mend in mends.items() if sign in found)] or _shown(offender)


def _mend_row_security(offender: Offender) -> list[str]:
    return [f"ALTER TABLE {_quoted(offender['name'])} NO FORCE ROW LEVEL SECURITY;"]


def _mend_view(offender: Offender) -> list[str]:
    view, expected = _quoted(offender["name"]), offender["expected"]
    found = _STRANGER.sub("of the owner", offender["found"] or "")
    back = _give_back("VIEW", view, offender["found"] or "")
    # With the rights of whoever reads, or with its owner's: that is all that differs.
    options = re.compile(r", \{(.*?)\}")
    asked = options.search(expected)
    if asked and options.sub("", expected, 1) == options.sub("", found, 1) and expected != found:
        return [*back, f"ALTER VIEW {view} SET ({asked[1]});"]
    return back if found == expected else [*back, *_shown(offender)]


def _give_back(kind: str, name: str, found: str) -> list[str]:
    stranger = _STRANGER.search(found)
    if stranger is None:
        return []
    # What it had as the owner it has no more; what it is to have is given anew.
    rights = [f"\\i {SQL / 'rights.sql'}"] if stranger[0].endswith(ROLE) else []
    return [_GIVE_BACK % (kind, name), *rights]


def _shown(offender: Offender) -> list[str]:
    return [
        f"-- expected: {_one_line(offender['expected'])}",
        f"-- found: {_one_line(offender['found'] or 'nothing')}",
    ]


def _mend_constraint(offender: Offender) -> list[str]:
    owner, _, name = offender["name"].partition(".")
    kind = "DOMAIN" if offender["kind"] == "domain constraint" else "TABLE"
    alter = f"ALTER {kind} {_quoted(owner)}"
    expected = _STATE.sub("", offender["expected"])
    found = _STATE.sub("", offender["found"] or "")
    if found == f"{expected} NOT VALID":
        return [f"{alter} VALIDATE CONSTRAINT {_quoted(name)};"]
    if "index not valid" in (offender["found"] or ""):
        return [f"REINDEX INDEX CONCURRENTLY {_quoted(name)}; -- not inside BEGIN and COMMIT"]
    if found == expected:
        return [f"{alter} ENABLE TRIGGER ALL; -- as a superuser; and so for the table it refers to"]
    drop = [f"{alter} DROP CONSTRAINT {_quoted(name)};"] if found else []
    return [*drop, f"{alter} ADD CONSTRAINT {_quoted(name)} {expected};"]


def _mend_column(offender: Offender) -> list[str]:
    table, _, name = offender["name"].partition(".")
    if offender["found"] == offender["expected"].replace(" NOT NULL", "", 1):
        return [f"ALTER TABLE {_quoted(table)} ALTER COLUMN {_quoted(name)} SET NOT NULL;"]
    return _shown(offender)


def _mend_index(offender: Offender) -> list[str]:
    name = _quoted(offender["name"])
    expected = _STATE.sub("", offender["expected"])
    if offender["found"] and _STATE.sub("", offender["found"]) == expected:
        return [f"REINDEX INDEX CONCURRENTLY {name}; -- not inside BEGIN and COMMIT"]
    drop = [f"DROP INDEX {name};"] if offender["found"] else []
    return [*drop, f"{expected}; -- unless a constraint brings it"]


def _mend_trigger(offender: Offender) -> list[str]:
    table, _, name = offender["name"].partition(".")
    if offender["expected"] is None:
        return [f"DROP TRIGGER {_quoted(name)} ON {_quoted(table)};"]
    make = [] if offender["found"] else [f"{_STATE.sub('', offender['expected'])};"]
    always = " ALWAYS" if offender["expected"].endswith("(always on)") else ""
    return [*make, f"ALTER TABLE {_quoted(table)} ENABLE{always} TRIGGER {_quoted(name)};"]


def _mend_setting(offender: Offender) -> list[str]:
    setting, _, role = offender["name"].partition(" of ")
    whom = f"ROLE {_quoted(role)}" if role else 'DATABASE :"DBNAME"'
    return [f"-- In psql, as a superuser, then in new sessions: ALTER {whom} RESET {setting};"]


def _mend_seal(_: Offender) -> list[str]:
    """No statement: whoever seals what is there makes lawful what is missing."""
    return [
        "-- Do not seal anew: that takes for right whatever stands now, and forgets what is gone.",
        "-- Put back the lines of schema_seal from a backup made since the last migration, or from",
        "-- a new database that the same release has migrated: pg_dump --data-only --table",
        "-- schema_seal; then DELETE FROM schema_seal and those lines, in one transaction.",
    ]


def _mend_lost_law(offender: Offender) -> list[str]:
    """Where the law is written; the seal does not know it any more."""
    return [
        f"-- {offender['name']} is a law, is gone or does not bind, and was sealed so.",
        "-- As migrations/sql/0001_core writes it, or pg_dump --schema-only of a new database.",
    ]


def _mend_child(offender: Offender) -> list[str]:
    table, _, child = offender["name"].partition(".")
    if offender["found"] is None:
        return [f"ALTER TABLE {_quoted(child)} INHERIT {_quoted(table)};"]
    return [f"ALTER TABLE {_quoted(child)} NO INHERIT {_quoted(table)};"]


def _quoted(name: str) -> str:
    """Names of PostgreSQL, quoted where they must be; a schema before them is left as it is."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_.]*", name) else '"' + name.replace('"', '""') + '"'


def _one_line(text: str) -> str:
    return " ".join(text.split())
