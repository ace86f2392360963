"""Which releases can go on serving with this schema beside the one that was made for it.

A revision names those that they were made for: `compatible_with = ("0003_calendars",)`. It is kept
in the database, as the comment of Alembic's table, where servers ask for it that know nothing of
this revision.
"""

from __future__ import annotations

import json

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy.engine import Connection

from migrations import frozen


def tell_neighbours(
    context: MigrationContext, script: ScriptDirectory, connection: Connection
) -> None:
    """Write down whom the revision that is now applied is compatible with, in its transaction."""
    names = [
        name
        for head in context.get_current_heads()
        for name in getattr(script.get_revision(head).module, "compatible_with", ())
    ]
    comment = sql.Literal(json.dumps({"compatible_with": names}) if names else None)
    frozen.run(connection, f"COMMENT ON TABLE alembic_version IS {comment.as_string()}")
