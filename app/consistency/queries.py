"""Runs the checks that stand beside the constraints and share no code with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from app import db


def verify_booking_slot_consistency(vendor_id: UUID | None) -> list[dict[str, Any]]:
    """One entry a check: check_name, status PASS or FAIL, violations, and the first offenders.

    Reads everything, which may take long: the statement timeout does not apply. Raises
    DatabaseProblem.
    """
    with db.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        rows = db.call_rows(
            "verify_booking_slot_consistency", within=session, p_vendor_id=vendor_id
        )
    return [row._asdict() for row in rows]
