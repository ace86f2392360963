"""Upkeep: closed days that stay closed, and a consistency check that sees more."""

from __future__ import annotations

from alembic import op

from migrations import frozen

revision = "0004_upkeep"
down_revision = "0003_calendars"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the tables, then bring functions, rights and views up to date."""
    connection = op.get_bind()
    frozen.run(connection, (frozen.FROZEN / revision / "tables.sql").read_text())
    frozen.upgrade(connection, revision)
    frozen.run(connection, (frozen.FROZEN / revision / "views.sql").read_text())


def downgrade() -> None:
    """Put functions and rights back, then take the additions away, with what they hold."""
    connection = op.get_bind()
    # As they were, before what they stand on goes.
    frozen.run(connection, (frozen.FROZEN / "0003_calendars" / "views.sql").read_text())
    frozen.downgrade(connection, revision)
    frozen.run(connection, (frozen.FROZEN / revision / "down.sql").read_text())
