"""Hardening: services required, slots cut between bookings, plans for vendors that are new."""

from __future__ import annotations

from alembic import op

from migrations import frozen

revision = "0005_hardening"
down_revision = "0004_upkeep"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the tables, then bring functions and rights up to date."""
    connection = op.get_bind()
    frozen.run(connection, (frozen.FROZEN / revision / "tables.sql").read_text())
    frozen.upgrade(connection, revision)
    frozen.run(connection, (frozen.FROZEN / revision / "planner.sql").read_text())


def downgrade() -> None:
    """Put functions and rights back, then take the additions away, with what they hold."""
    connection = op.get_bind()
    frozen.downgrade(connection, revision)
    frozen.run(connection, (frozen.FROZEN / revision / "down.sql").read_text())
