"""Frozen copies of the SQL files: what each revision made of the functions, kept word for word.

`app/sql` holds the functions as they are now and is what people edit. `migrations/sql/<revision>/`
holds what a revision applied and is never edited again, so that an old database always takes the
same path. A function keeps one signature at a time: when it changes, the old one is dropped, since
an overload would make calls with named arguments ambiguous.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

FROZEN = Path(__file__).parent / "sql"
CURRENT = Path(__file__).parent.parent / "app" / "sql"
RIGHTS = "rights.sql"

# A function's name and what a caller sees of it: everything before its language and body.
_SIGNATURE = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)\s*(\(.*?)\nLANGUAGE", re.DOTALL)


def run(connection: Connection, sql: str) -> None:
    """Execute one or several statements exactly as written: no `:name` or `%` is a parameter."""
    connection.execution_options(no_parameters=True).exec_driver_sql(sql)


def function_files(folder: Path) -> dict[str, Path]:
    """Return function name -> file of a folder of SQL files, in alphabetical order."""
    found = {
        path.stem: path
        for path in folder.rglob("*.sql")
        if "CREATE OR REPLACE FUNCTION" in path.read_text()
    }
    return dict(sorted(found.items()))


def signature(sql: str) -> str:
    """Return a function's arguments and result as written, without white space between words."""
    match = _SIGNATURE.search(sql)
    if match is None:
        raise ValueError("the file holds no CREATE OR REPLACE FUNCTION … LANGUAGE …")
    return " ".join(match.group(2).split())


def revisions() -> list[str]:
    """Return the names of all frozen folders, oldest first."""
    return sorted(path.name for path in FROZEN.iterdir() if path.is_dir())


def state_before(revision: str) -> dict[str, str]:
    """Return function name -> SQL as the revisions before this one left them."""
    state: dict[str, str] = {}
    for earlier in revisions():
        if earlier >= revision:
            break
        state = state_after(earlier, state)
    return state


def state_after(revision: str, before: dict[str, str] | None = None) -> dict[str, str]:
    """Return function name -> SQL once the revision is applied."""
    state = dict(state_before(revision) if before is None else before)
    state.update(
        {name: path.read_text() for name, path in function_files(FROZEN / revision).items()}
    )
    for name in dropped(revision):
        state.pop(name, None)
    return state


def dropped(revision: str) -> list[str]:
    """Return the names of the functions that the revision takes away."""
    listed = FROZEN / revision / "dropped.txt"
    return listed.read_text().split() if listed.exists() else []


def rights(revision: str) -> str:
    """Return the rights as they stand after the revision."""
    for name in reversed([name for name in revisions() if name <= revision]):
        if (FROZEN / name / RIGHTS).exists():
            return (FROZEN / name / RIGHTS).read_text()
    raise LookupError(f"no revision up to {revision} says who may do what")


def move(connection: Connection, before: dict[str, str], after: dict[str, str]) -> None:
    """Turn one set of functions into another: drop what is gone or changes shape, then create."""
    # Bodies name tables and functions that come later in the alphabet; they are checked by use.
    run(connection, "SET LOCAL check_function_bodies = off")
    for name in _to_drop(before, after):
        run(connection, f"DROP FUNCTION {name}")
    for name, sql in after.items():
        if before.get(name) != sql:
            run(connection, sql)


def _to_drop(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    for name, sql in before.items():
        if name not in after or signature(after[name]) != signature(sql):
            yield name


def upgrade(connection: Connection, revision: str) -> None:
    """Apply the functions and rights that the revision froze."""
    before = state_before(revision)
    move(connection, before, state_after(revision, before))
    run(connection, rights(revision))


def downgrade(connection: Connection, revision: str) -> None:
    """Put back the functions and rights as they were before the revision."""
    before = state_before(revision)
    move(connection, state_after(revision, before), before)
    run(connection, rights(revisions()[revisions().index(revision) - 1]))
