"""A vendor's own look at the consistency of its data; the operator's is the command."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response

from app import db
from app.auth import VendorBlueprint, current_visit, vendor_admin
from app.consistency.checks import OF_DATA
from app.consistency.queries import run_checks
from app.consistency.schemas import ConsistencyQuery, ConsistencySchema
from app.errors import InvalidRequest
from app.wire.answers import answer

# What a request may ask of the database: a second or so in all. More is work for the command.
BOOKINGS_MAX = 20_000
CHECKS_SECONDS_MAX = 10
_MORE = (
    "SELECT count(*) AS found FROM (SELECT FROM bookings WHERE vendor_id = %s"
    " AND updated_at >= coalesce(%s::timestamptz, '-infinity') LIMIT %s) AS bookings"
)

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
    and rights included.
    """
    vendor_id, since = current_visit().vendor_id, query.get("since")
    _refuse_much(vendor_id, since)
    report = run_checks(vendor_id, since, OF_DATA, seconds_max=CHECKS_SECONDS_MAX)
    checks = [
        {name: said for name, said in check.items() if name != "seconds"}
        for check in report.as_json()
    ]
    status = "clean" if report.clean else "findings"
    return answer({"status": status, "at": report.at, "since": since, "checks": checks})


def _refuse_much(vendor_id: UUID, since: datetime | None) -> None:
    found = db.read(_MORE, vendor_id, since, BOOKINGS_MAX + 1)[0].found
    if found > BOOKINGS_MAX:
        sentence = f"More than {BOOKINGS_MAX:,} bookings have changed since. Name a later moment."
        if since is None:
            sentence = f"There are more than {BOOKINGS_MAX:,} bookings. Say since when to look."
        raise InvalidRequest({"since": sentence})
