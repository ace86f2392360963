"""What a person could do about each finding: advice and statements, which nobody runs by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.consistency import repair_data as data
from app.consistency import repair_schema as schema
from app.consistency.checks import BY_NAME
from app.consistency.queries import UNABLE, Report
from app.consistency.repair_orphans import mend_orphan

Offender = dict[str, Any]
_MEND: dict[str, Callable[[Offender], list[str]]] = {
    "claims_fit_slot_and_booking": data.mend_misfit,
    "no_unit_claimed_twice": data.mend_twice,
    "occupying_bookings_have_their_claims": data.mend_half,
    "bookings_within_capacity": data.mend_crowd,
    "bookings_match_their_claims": data.mend_times,
    "slots_do_not_overlap": data.mend_slots,
    "events_retell_bookings": data.mend_history,
    "idempotency_keys_point_to_bookings": data.mend_key,
    "busy_blocks_match_their_bookings": data.mend_busy_block,
    "busy_time_is_closed": data.mend_open_time,
    "times_are_possible": data.mend_moment,
    "nothing_is_orphaned": mend_orphan,
    "no_hold_is_long_lapsed": data.mend_hold,
    "laws_are_in_force": schema.mend_law,
    "functions_are_unaltered": schema.mend_function,
    "rights_are_as_designed": schema.mend_right,
    "functions_are_as_shipped": schema.mend_shipped,
}
_HEADING = """\
-- Suggestions. Nothing of this has been done. Find out first how it came about, and take a backup.
-- Run what you choose as the tables' owner (psql "$DATABASE_OWNER_URL"), then check again.
-- Only the first ten findings of each check are here."""

_HIDDEN = "row security"
_HIDES = """\
-- Rows of a table are hidden, from these checks as well: show them first, then check again. What
-- the other checks miss until then may be there, and to mend it would do harm."""


@dataclass(frozen=True, slots=True)
class Repair:
    """For one offender: what to think of first, and statements to choose from, as SQL."""

    check_name: str
    offender: Offender
    advice: str
    statements: list[str]


def plan_repairs(report: Report) -> list[Repair]:
    """A suggestion for each offender that the report names; first what hides rows from others."""
    repairs = [
        Repair(
            result.check_name,
            offender,
            BY_NAME[result.check_name].advice,
            (
                schema.mend_check(offender)
                if offender.get("reason") == UNABLE
                else _MEND[result.check_name](offender)
            ),
        )
        for result in report.results
        for offender in result.offenders
    ]
    return sorted(repairs, key=lambda repair: repair.offender.get("kind") != _HIDDEN)


def as_script(repairs: list[Repair]) -> str:
    """The plan as text that a person reads, chooses from, and gives to psql."""
    lines = [_HEADING]
    if repairs and repairs[0].offender.get("kind") == _HIDDEN:
        lines += ["", _HIDES]
    for repair in repairs:
        about = ", ".join(
            f"{name} {'nothing' if said is None else said}"
            for name, said in repair.offender.items()
        )
        lines += ["", *_comment(f"{repair.check_name}: {about}"), *_comment(repair.advice)]
        lines += repair.statements
    if not repairs:
        lines.append("-- There is nothing to repair.")
    return "\n".join(lines)


def _comment(text: str) -> list[str]:
    return [f"-- {line}" for line in text.splitlines()]
