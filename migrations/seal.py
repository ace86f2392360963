"""The seal: after each migration the schema is written down, so that later changes by hand show.

A migration must not make such a change lawful. What differed before it, and is left alone by it,
is expected afterwards as it was expected before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection

_IS_SEALED = text("SELECT to_regprocedure('seal_schema(jsonb)') IS NOT NULL")
# Tables that inherit from ours are looked for here: the functions before 0004 do not see them, and
# what nobody has seen would be taken for right by the first seal that tells it.
_ALTERED = text("""
    SELECT to_jsonb(c) FROM find_schema_changes() AS c WHERE c.kind <> 'child'
    UNION ALL
    SELECT jsonb_build_object(
        'kind', 'child', 'name', child.name, 'expected', NULL, 'found', 'inherits')
    FROM pg_inherits i
    JOIN pg_class parent ON parent.oid = i.inhparent AND parent.relkind IN ('r', 'p')
        AND parent.relnamespace = 'public'::regnamespace
    CROSS JOIN LATERAL (SELECT parent.relname || '.' || i.inhrelid::regclass AS name) AS child
    WHERE NOT EXISTS (SELECT FROM schema_seal s WHERE s.kind = 'child' AND s.name = child.name)
""")
_SEAL = text("SELECT seal_schema(CAST(:altered AS jsonb))")


@contextmanager
def sealing(context: MigrationContext, connection: Connection) -> Iterator[None]:
    """Seal the schema anew if what happens inside has changed the revision, in its transaction."""
    before = context.get_current_heads()
    altered: list[Any] = []
    if connection.scalar(_IS_SEALED):
        altered = list(connection.scalars(_ALTERED))
    yield
    if context.get_current_heads() != before and connection.scalar(_IS_SEALED):
        connection.execute(_SEAL, {"altered": json.dumps(altered)})
