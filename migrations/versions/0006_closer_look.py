"""A closer look: the consistency check finds more, and says it in words."""

from __future__ import annotations

from alembic import op

from migrations import frozen

revision = "0006_closer_look"
down_revision = "0005_hardening"
# Functions alone change, and none of them what a server calls it with.
compatible_with = ("0005_hardening",)
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the frozen functions and rights."""
    frozen.upgrade(op.get_bind(), revision)


def downgrade() -> None:
    """Put back the functions and rights of the revision before."""
    frozen.downgrade(op.get_bind(), revision)
