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
_ALTERED = text("SELECT COALESCE(jsonb_agg(to_jsonb(c)), '[]') FROM find_schema_changes() AS c")
_SEAL = text("SELECT seal_schema(CAST(:altered AS jsonb))")


@contextmanager
def sealing(context: MigrationContext, connection: Connection) -> Iterator[None]:
    """Seal the schema anew if what happens inside has changed the revision, in its transaction."""
    before = context.get_current_heads()
    altered: Any = connection.scalar(_ALTERED) if connection.scalar(_IS_SEALED) else []
    yield
    if context.get_current_heads() != before and connection.scalar(_IS_SEALED):
        connection.execute(_SEAL, {"altered": json.dumps(altered)})
