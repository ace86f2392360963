"""Runs the checks that stand beside the constraints and share no code with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import db
from app.consistency.checks import AS_SHIPPED, CHECKS
from app.consistency.shipped import BODIES, find_unlike_shipped
from app.errors import DatabaseProblem, Problem
from app.migrate import newest_revision

UNABLE = "could_not_run"
_NOTHING = "It answers nothing that can be read."


class OtherSchemaError(Problem):
    """The database's schema is not the one these checks are for; the message says what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__("SERVICE_UNAVAILABLE", detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one check found: `status` is PASS or FAIL, `offenders` are the first ten.

    A check that the database could not run has failed, too: its offender is UNABLE, and says why.
    """

    check_name: str
    status: str
    violations: int
    offenders: list[dict[str, Any]]
    seconds: float

    @property
    def unable(self) -> bool:
        """Whether it is not known what it would have found."""
        return any(offender.get("reason") == UNABLE for offender in self.offenders)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What all checks found, at the one moment they looked at."""

    at: datetime
    results: list[Result]

    @property
    def clean(self) -> bool:
        return all(result.status == "PASS" for result in self.results)

    @property
    def unable(self) -> str | None:
        """Why the database could run none of its checks: then nothing is known. None: one ran."""
        ran = [result for result in self.results if result.check_name != AS_SHIPPED]
        if not ran or not all(result.unable for result in ran):
            return None
        state, said = (ran[0].offenders[0][name] for name in ("sqlstate", "error"))
        return f"{said} ({state})" if state else str(said)

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.results)

    def as_json(self) -> list[dict[str, Any]]:
        """The checks as programs read them."""
        return [asdict(result) | {"seconds": round(result.seconds, 3)} for result in self.results]


def verify_booking_slot_consistency(vendor_id: UUID | None) -> list[dict[str, Any]]:
    """All checks, as `run_checks` runs them whatever is broken: one entry each, with check_name,
    status, violations, offenders and seconds.
    """
    return run_checks(vendor_id).as_json()


def run_checks(
    vendor_id: UUID | None = None,
    since: datetime | None = None,
    names: Sequence[str] | None = None,
    *,
    seconds_max: float | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run the checks (all, or those named), one after another, on one snapshot, and write nothing.

    `seconds_max` limits all of them together; without it the statement timeout does not apply, for
    reading everything may take minutes. `say` is told the name of each before it begins. A check
    that the database cannot run is a finding of its own, for the others tell why. Raises
    DatabaseProblem (TRANSACTION_TIMEOUT when time is up), OtherSchemaError.
    """
    chosen = [check.name for check in CHECKS if names is None or check.name in names]
    results = []
    ends = None if seconds_max is None else time.monotonic() + seconds_max
    with db.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        _limit(session, ends)
        _require_schema(session)
        at = session.scalar(text("SELECT now()"))
        for name in chosen:
            say(name)
            if ends is not None:
                _limit(session, ends)
            results.append(_run(session, name, vendor_id, since))
    return Report(at=(at or datetime.now(UTC)).astimezone(UTC), results=results)


def _limit(session: Session, ends: float | None) -> None:
    """Let the next statements take no longer than until `ends`, or without it as long as needed."""
    limit = 0 if ends is None else int((ends - time.monotonic()) * 1000)
    # Zero would be no limit at all.
    if ends is not None and limit <= 0:
        raise DatabaseProblem("TRANSACTION_TIMEOUT", "The checks did not finish in time.")
    session.execute(text(f"SET LOCAL statement_timeout = {limit}"))


def _run(session: Session, name: str, vendor_id: UUID | None, since: datetime | None) -> Result:
    began = time.perf_counter()
    try:
        # What it breaks is undone, so that the next one can be run.
        with session.begin_nested():
            violations, offenders = _look(session, name, vendor_id, since)
    except (psycopg.Error, LookupError) as error:
        violations, offenders = 1, [_unable(error)]
    return Result(
        check_name=name,
        status="FAIL" if violations else "PASS",
        violations=violations,
        offenders=offenders,
        seconds=time.perf_counter() - began,
    )


def _look(
    session: Session, name: str, vendor_id: UUID | None, since: datetime | None
) -> tuple[int, list[dict[str, Any]]]:
    """What one check finds. Raises LookupError when what is called is not the check it was."""
    if name == AS_SHIPPED:
        rows = session.execute(text(BODIES)).all()
        return find_unlike_shipped({row.name: row.bodies for row in rows})
    row = db.call(
        "verify_booking_slot_consistency",
        within=session,
        p_vendor_id=vendor_id,
        p_since=since,
        p_checks=[name],
    )
    found = getattr(row, "violations", None), getattr(row, "offenders", None)
    if isinstance(found[0], int) and isinstance(found[1], list):
        return found[0], found[1]
    raise LookupError(_NOTHING)


def _unable(error: psycopg.Error | LookupError) -> dict[str, Any]:
    """Why a check could not be run, in the words of the database."""
    if isinstance(error, psycopg.Error):
        said = error.diag.message_primary or str(error)
        return {"reason": UNABLE, "sqlstate": error.sqlstate, "error": said}
    return {"reason": UNABLE, "sqlstate": None, "error": _NOTHING}


def _require_schema(session: Session) -> None:
    known = session.scalar(text("SELECT to_regclass('public.alembic_version') IS NOT NULL"))
    applied = (
        session.scalars(text("SELECT version_num FROM alembic_version")).all() if known else []
    )
    if list(applied) != [_needed()]:
        raise OtherSchemaError(
            f"The schema is at {', '.join(applied) or 'nothing'}, and this program's checks are for"
            f" {_needed()}: run slotkeeper migrate.",
        )


@cache
def _needed() -> str | None:
    return newest_revision()
