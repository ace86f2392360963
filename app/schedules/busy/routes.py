"""Time off of a provider: list, get, make, change, archive; published time follows at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import VendorBlueprint, current_visit, vendor_read, vendor_write
from app.idempotency import idempotency_key
from app.schedules.actions import Change
from app.schedules.busy import actions, queries
from app.schedules.busy.schemas import ChangedTimeOffSchema, TimeOffQuery, TimeOffSchema
from app.schedules.schemas import DryRunQuery
from app.wire.answers import answer, created, expected_version
from app.wire.pages import page_of

blueprint = VendorBlueprint(
    "busy_times", "When a provider is not to be had, whatever is published."
)

VENDOR, PROVIDER, TIME_OFF = "VENDOR_NOT_FOUND", "PROVIDER_NOT_FOUND", "TIME_OFF_NOT_FOUND"


@blueprint.call(
    "GET",
    "/providers/<uuid:provider_id>/time-off",
    query=TimeOffQuery(),
    answers=(200, page_of(TimeOffSchema)),
    refuses=[VENDOR, PROVIDER],
    guard=vendor_read,
)
def list_time_off(query: dict[str, Any], provider_id: UUID) -> Response:
    """List the time off of a provider, by start."""
    vendor_id = current_visit().vendor_id
    return answer(queries.list_busy_times(vendor_id, provider_id, queries.TIME_OFF, **query))


@blueprint.call(
    "POST",
    "/providers/<uuid:provider_id>/time-off",
    body=TimeOffSchema(),
    query=DryRunQuery(),
    answers=(201, ChangedTimeOffSchema()),
    refuses=[VENDOR, PROVIDER],
    guard=vendor_write,
    keyed=True,
    example={"starts_on": "2031-08-04", "ends_on": "2031-08-15", "reason": "Summer leave"},
)
def create_time_off(query: dict[str, Any], values: dict[str, Any], provider_id: UUID) -> Response:
    """Take time off: what is published then is blocked, now and whenever more is published."""
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    made, replayed = actions.create_time_off(_by(query), provider_id, values, key)
    if query["dry_run"]:
        # As it would be answered, but there is nothing to be found anywhere.
        return answer(made, 201)
    location = f"/api/v1/vendors/{visit.vendor}/time-off/{made['id']}"
    return created(made, location, replayed=replayed)


@blueprint.call(
    "GET",
    "/time-off/<uuid:time_off_id>",
    answers=(200, TimeOffSchema()),
    refuses=[VENDOR, TIME_OFF],
    guard=vendor_read,
)
def get_time_off(time_off_id: UUID) -> Response:
    """Get time off."""
    return answer(queries.get_time_off(current_visit().vendor_id, time_off_id), unchanging=False)


@blueprint.call(
    "PATCH",
    "/time-off/<uuid:time_off_id>",
    body=TimeOffSchema(),
    query=DryRunQuery(),
    answers=(200, ChangedTimeOffSchema()),
    refuses=[VENDOR, TIME_OFF, PROVIDER],
    guard=vendor_write,
    versioned=True,
    example={"end": "2031-08-20T10:00:00Z", "reason": "Longer leave"},
)
def change_time_off(query: dict[str, Any], values: dict[str, Any], time_off_id: UUID) -> Response:
    """Change time off (JSON merge patch): what it covers no more is open again."""
    return answer(actions.change_time_off(_by(query), time_off_id, values, expected_version()))


@blueprint.call(
    "DELETE",
    "/time-off/<uuid:time_off_id>",
    query=DryRunQuery(),
    answers=(200, ChangedTimeOffSchema()),
    refuses=[VENDOR, TIME_OFF, PROVIDER],
    guard=vendor_write,
    versioned=True,
)
def archive_time_off(query: dict[str, Any], time_off_id: UUID) -> Response:
    """End time off: its blocks are lifted."""
    return answer(actions.archive_time_off(_by(query), time_off_id, expected_version()))


def _by(query: dict[str, Any]) -> Change:
    visit = current_visit()
    return Change(visit.vendor_id, visit.actor, query["dry_run"])
