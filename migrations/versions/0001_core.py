"""The core: tables, the six laws, the functions and the two roles' rights."""

from __future__ import annotations

from alembic import op

from migrations import frozen

revision = "0001_core"
down_revision = None
branch_labels = None
depends_on = None

# Tables refer to these, so they come before them and go after them.
FIRST = ("units_count", "refuse_changed_history")


def upgrade() -> None:
    """Make everything, in an empty database."""
    connection = op.get_bind()
    functions = frozen.state_after(revision)
    frozen.run(connection, "CREATE EXTENSION IF NOT EXISTS btree_gist")
    frozen.run(connection, "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    for name in FIRST:
        frozen.run(connection, functions[name])
    frozen.run(connection, (frozen.FROZEN / revision / "tables.sql").read_text())
    frozen.move(connection, {name: functions[name] for name in FIRST}, functions)
    frozen.run(connection, (frozen.FROZEN / revision / "views.sql").read_text())
    frozen.run(connection, frozen.rights(revision))


def downgrade() -> None:
    """Take everything away again, except the extension, which others may be using."""
    connection = op.get_bind()
    functions = frozen.state_after(revision)
    # Functions take rows of tables as arguments, so they go first.
    frozen.run(connection, "DROP VIEW slot_availability, booking_descriptions")
    frozen.move(connection, functions, {name: functions[name] for name in FIRST})
    frozen.run(connection, (frozen.FROZEN / revision / "down.sql").read_text())
    for name in FIRST:
        frozen.run(connection, f"DROP FUNCTION {name}")
    frozen.run(connection, "REVOKE USAGE ON SCHEMA public FROM slotkeeper_app")
    frozen.run(connection, "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC")
