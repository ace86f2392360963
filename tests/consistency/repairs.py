"""What the repair plan suggests for a database, and a person who runs all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from psycopg.rows import dict_row

from app.consistency.queries import Report, Result
from app.consistency.repair import plan_repairs

VERIFY = "SELECT * FROM verify_booking_slot_consistency(%s, p_checks => %s)"


def plan(connection, vendor_id=None, checks=None):
    """The plan for what these checks find, or all."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(VERIFY, [vendor_id, checks]).fetchall()
    results = [Result(**row, seconds=0) for row in rows]
    return plan_repairs(Report(at=datetime.now(UTC), results=results))


def run(connection, repairs):
    """What a person would give to psql, which also reads files."""
    statements = [statement for repair in repairs for statement in repair.statements]
    for statement in statements:
        file = statement.removeprefix("\\i ")
        if file == statement:
            connection.execute(statement)
            continue
        # What is made anew belongs to whoever makes it: the owner, as the plan says.
        connection.execute("SET LOCAL ROLE slotkeeper_owner")
        connection.execute(Path(file).read_bytes())
        connection.execute("RESET ROLE")
