"""Schedules and exceptions: list, get, make, change, archive; each change is published at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import VendorBlueprint, current_visit, vendor_admin, vendor_read
from app.idempotency import idempotency_key
from app.models import Schedule, ScheduleException
from app.schedules import actions, queries
from app.schedules.following import follow_clocks
from app.schedules.queries import Kept
from app.schedules.schemas import (
    ChangedExceptionSchema,
    ChangedScheduleSchema,
    DryRunQuery,
    ExceptionSchema,
    ScheduleSchema,
)
from app.wire.answers import answer, created, expected_version
from app.wire.pages import PageQuery, page_of
from app.wire.signals import clocks_changed

blueprint = VendorBlueprint("schedules", "Weekly hours in local time, kept published as slots.")

VENDOR, PROVIDER, LOCATION = "VENDOR_NOT_FOUND", "PROVIDER_NOT_FOUND", "LOCATION_NOT_FOUND"
clocks_changed.connect(follow_clocks)
SCHEDULE, EXCEPTION = "SCHEDULE_NOT_FOUND", "EXCEPTION_NOT_FOUND"
OVERLAP = "SCHEDULE_OVERLAP"
_WEEK = {"monday": [["09:00", "12:00"], ["13:00", "17:30"]], "friday": [["20:00", "02:00"]]}


@blueprint.call(
    "GET",
    "/providers/<uuid:provider_id>/schedules",
    query=PageQuery(),
    answers=(200, page_of(ScheduleSchema)),
    refuses=[VENDOR, PROVIDER],
    guard=vendor_read,
)
def list_schedules(query: dict[str, Any], provider_id: UUID) -> Response:
    """List the schedules of a provider."""
    vendor_id = current_visit().vendor_id
    return answer(queries.list_page(Schedule, vendor_id, provider_id, **query))


@blueprint.call(
    "POST",
    "/providers/<uuid:provider_id>/schedules",
    body=ScheduleSchema(),
    query=DryRunQuery(),
    answers=(201, ChangedScheduleSchema()),
    refuses=[VENDOR, PROVIDER, LOCATION, OVERLAP],
    guard=vendor_admin,
    keyed=True,
    example={"valid_from": "2031-03-03", "weekly": _WEEK, "slot_minutes": 30},
)
def create_schedule(query: dict[str, Any], values: dict[str, Any], provider_id: UUID) -> Response:
    """Make a schedule of a provider, and publish its slots."""
    return _create(Schedule, "schedules", query, values, provider_id)


@blueprint.call(
    "GET",
    "/schedules/<uuid:schedule_id>",
    answers=(200, ScheduleSchema()),
    refuses=[VENDOR, SCHEDULE],
    guard=vendor_read,
)
def get_schedule(schedule_id: UUID) -> Response:
    """Get a schedule."""
    return answer(
        queries.get_one(Schedule, current_visit().vendor_id, schedule_id), unchanging=False
    )


@blueprint.call(
    "PATCH",
    "/schedules/<uuid:schedule_id>",
    body=ScheduleSchema(partial=True),
    query=DryRunQuery(),
    answers=(200, ChangedScheduleSchema()),
    refuses=[VENDOR, SCHEDULE, PROVIDER, LOCATION, OVERLAP],
    guard=vendor_admin,
    versioned=True,
    example={"weekly": {"tuesday": [["10:00", "16:00"]], "friday": None}, "capacity": 2},
)
def change_schedule(query: dict[str, Any], values: dict[str, Any], schedule_id: UUID) -> Response:
    """Change a schedule (JSON merge patch): unclaimed time follows, bookings keep theirs."""
    return answer(actions.change(Schedule, _by(query), schedule_id, values, expected_version()))


@blueprint.call(
    "DELETE",
    "/schedules/<uuid:schedule_id>",
    query=DryRunQuery(),
    answers=(200, ChangedScheduleSchema()),
    refuses=[VENDOR, SCHEDULE, PROVIDER],
    guard=vendor_admin,
    versioned=True,
)
def archive_schedule(query: dict[str, Any], schedule_id: UUID) -> Response:
    """Archive a schedule: its unclaimed slots go, bookings keep their time."""
    return answer(actions.archive(Schedule, _by(query), schedule_id, expected_version()))


@blueprint.call(
    "GET",
    "/providers/<uuid:provider_id>/exceptions",
    query=PageQuery(),
    answers=(200, page_of(ExceptionSchema)),
    refuses=[VENDOR, PROVIDER],
    guard=vendor_read,
)
def list_exceptions(query: dict[str, Any], provider_id: UUID) -> Response:
    """List the exceptions of a provider's schedules."""
    vendor_id = current_visit().vendor_id
    return answer(queries.list_page(ScheduleException, vendor_id, provider_id, **query))


@blueprint.call(
    "POST",
    "/providers/<uuid:provider_id>/exceptions",
    body=ExceptionSchema(),
    query=DryRunQuery(),
    answers=(201, ChangedExceptionSchema()),
    refuses=[VENDOR, PROVIDER, SCHEDULE],
    guard=vendor_admin,
    keyed=True,
    example={"starts_on": "2031-12-24", "ends_on": "2031-12-26", "kind": "closed"},
)
def create_exception(query: dict[str, Any], values: dict[str, Any], provider_id: UUID) -> Response:
    """Close days, or give them other or further hours."""
    return _create(ScheduleException, "exceptions", query, values, provider_id)


@blueprint.call(
    "GET",
    "/exceptions/<uuid:exception_id>",
    answers=(200, ExceptionSchema()),
    refuses=[VENDOR, EXCEPTION],
    guard=vendor_read,
)
def get_exception(exception_id: UUID) -> Response:
    """Get an exception."""
    return answer(queries.get_one(ScheduleException, current_visit().vendor_id, exception_id))


@blueprint.call(
    "PATCH",
    "/exceptions/<uuid:exception_id>",
    body=ExceptionSchema(partial=True),
    query=DryRunQuery(),
    answers=(200, ChangedExceptionSchema()),
    refuses=[VENDOR, EXCEPTION, PROVIDER, SCHEDULE],
    guard=vendor_admin,
    versioned=True,
    example={"kind": "other", "hours": [["10:00", "13:00"]], "reason": "Stocktaking"},
)
def change_exception(query: dict[str, Any], values: dict[str, Any], exception_id: UUID) -> Response:
    """Change an exception (JSON merge patch)."""
    return answer(
        actions.change(ScheduleException, _by(query), exception_id, values, expected_version())
    )


@blueprint.call(
    "DELETE",
    "/exceptions/<uuid:exception_id>",
    query=DryRunQuery(),
    answers=(200, ChangedExceptionSchema()),
    refuses=[VENDOR, EXCEPTION, PROVIDER],
    guard=vendor_admin,
    versioned=True,
)
def archive_exception(query: dict[str, Any], exception_id: UUID) -> Response:
    """Archive an exception: the week holds again."""
    return answer(actions.archive(ScheduleException, _by(query), exception_id, expected_version()))


def _by(query: dict[str, Any]) -> actions.Change:
    visit = current_visit()
    return actions.Change(visit.vendor_id, visit.actor, query["dry_run"])


def _create(
    model: type[Kept],
    path: str,
    query: dict[str, Any],
    values: dict[str, Any],
    provider_id: UUID,
) -> Response:
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    made, replayed = actions.create(model, _by(query), provider_id, values, key)
    if query["dry_run"]:
        # As it would be answered, but there is nothing to be found anywhere.
        return answer(made, 201)
    return created(made, f"/api/v1/vendors/{visit.vendor}/{path}/{made['id']}", replayed=replayed)
