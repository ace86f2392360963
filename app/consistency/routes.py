"""A vendor's own look at the consistency of its data; the operator's is the command."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from flask import Response

from app import db
from app.auth import VendorBlueprint, current_visit, vendor_admin
from app.consistency.checks import OF_DATA
from app.consistency.queries import UNABLE, Report, run_checks
from app.consistency.schemas import ConsistencyQuery, ConsistencySchema
from app.errors import InvalidRequest, Problem
from app.wire.answers import answer

# What a request may ask of the database: a second or so in all. More is work for the command.
BOOKINGS_MAX = 20_000
CHECKS_SECONDS_MAX = 10
_MORE = (
    "SELECT count(*) AS found FROM (SELECT FROM bookings WHERE vendor_id = %s"
    " AND updated_at >= coalesce(%s::timestamptz, '-infinity') LIMIT %s) AS bookings"
)

log = structlog.get_logger(__name__)
blueprint = VendorBlueprint("consistency", "Whether bookings, slots and history agree.")


@blueprint.call(
    "GET",
    "/consistency",
    query=ConsistencyQuery(),
    answers=(200, ConsistencySchema()),
    refuses=["VENDOR_NOT_FOUND"],
    guard=vendor_admin,
)
def check_consistency(query: dict[str, Any]) -> Response:
    """Check the vendor's data, independently of the constraints that guard it.

    `checks` has one entry a check, always the same ones. Without `since` all data are looked at;
    a vendor with more than 20,000 bookings must say `since`, and so narrowly that no more have
    changed. The server's operator checks everything with `slotkeeper consistency check`, the schema
    and rights included. A check that cannot run has failed, and its one offender's `reason` is
    `could_not_run`; if none of them can, the answer is 503 `SERVICE_UNAVAILABLE`.
    """
    vendor_id, since = current_visit().vendor_id, query.get("since")
    _refuse_much(vendor_id, since)
    report = run_checks(vendor_id, since, OF_DATA, seconds_max=CHECKS_SECONDS_MAX)
    _tell_unable(report)
    checks = [
        {
            "check_name": result.check_name,
            "status": result.status,
            "violations": result.violations,
            # What the database says of itself is the operator's business.
            "offenders": [{"reason": UNABLE}] if result.unable else result.offenders,
        }
        for result in report.results
    ]
    status = "clean" if report.clean else "findings"
    return answer({"status": status, "at": report.at, "since": since, "checks": checks})


def _tell_unable(report: Report) -> None:
    """Log what could not run; refuse where nothing could."""
    for result in report.results:
        if result.unable:
            log.error("check could not run", check=result.check_name, **result.offenders[0])
    if report.unable:
        raise Problem(
            "SERVICE_UNAVAILABLE",
            "The consistency check is itself out of order. Bookings go on; nothing is known of"
            " whether the data are consistent.",
            hint="Tell the server's operator, who runs slotkeeper consistency check --repair-plan.",
        )


def _refuse_much(vendor_id: UUID, since: datetime | None) -> None:
    found = db.read(_MORE, vendor_id, since, BOOKINGS_MAX + 1)[0].found
    if found > BOOKINGS_MAX:
        sentence = f"More than {BOOKINGS_MAX:,} bookings have changed since. Name a later moment."
        if since is None:
            sentence = f"There are more than {BOOKINGS_MAX:,} bookings. Say since when to look."
        raise InvalidRequest({"since": sentence})
