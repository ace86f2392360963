"""Alembic's environment: one connection, handed over by `migrations.run`, one transaction."""

from __future__ import annotations

from alembic import context

from migrations.neighbours import tell_neighbours
from migrations.seal import sealing

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=context.config.attributes.get("metadata"))
with context.begin_transaction(), sealing(context.get_context(), connection):
    context.run_migrations()
    tell_neighbours(context.get_context(), context.script, connection)
