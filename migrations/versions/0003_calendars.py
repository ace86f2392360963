"""Calendars: schedules, services with their rules, and the search for times."""

from __future__ import annotations

from alembic import op

from migrations import frozen

revision = "0003_calendars"
down_revision = "0002_door"
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
    # It stands on functions that go; down.sql makes it anew, as it was.
    frozen.run(connection, "DROP VIEW booking_descriptions")
    frozen.downgrade(connection, revision)
    frozen.run(connection, (frozen.FROZEN / revision / "down.sql").read_text())
