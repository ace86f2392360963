"""Are the database's functions, word for word, those whose files this program brings?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SQL = Path(__file__).parents[1] / "sql"
OFFENDERS_MAX = 10
# Bodies as the catalog keeps them; what stands before the body is the seal's business.
BODIES = """
    SELECT p.proname AS name, array_agg(p.prosrc) AS bodies FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    GROUP BY p.proname
"""
_BODY = re.compile(r"^AS \$\$(.*)\$\$;\s*\Z", re.DOTALL | re.MULTILINE)


def shipped_files() -> dict[str, Path]:
    """Function name -> the file that makes it."""
    return {path.stem: path for path in sorted(SQL.rglob("*/*.sql"))}


def find_unlike_shipped(bodies: dict[str, list[str]]) -> tuple[int, list[dict[str, Any]]]:
    """How many functions are missing, different or there twice, and the first of them.

    `bodies`: function name -> its bodies in the database, as BODIES reads them.
    """
    found = []
    for name, path in shipped_files().items():
        there = bodies.get(name, [])
        if there != [_body(path)]:
            reason = "missing" if not there else "twice" if len(there) > 1 else "different"
            found.append({"kind": "function", "name": name, "reason": reason})
    return len(found), found[:OFFENDERS_MAX]


def _body(path: Path) -> str:
    """As pg_proc.prosrc has it: nothing for a body in the standard's form, RETURN ..."""
    match = _BODY.search(path.read_text(encoding="utf-8"))
    return match.group(1) if match else ""
