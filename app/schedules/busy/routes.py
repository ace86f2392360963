"""Time off of a provider, and imports of their calendars; published time follows at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, request

from app.auth import VendorBlueprint, current_visit, vendor_read, vendor_write
from app.idempotency import idempotency_key
from app.schedules.actions import Change
from app.schedules.busy import actions, calendars, queries
from app.schedules.busy.schemas import (
    CALENDAR_BYTES_MAX,
    CalendarImportQuery,
    CalendarQuery,
    CalendarTimeSchema,
    ChangedTimeOffSchema,
    ImportedSchema,
    TimeOffQuery,
    TimeOffSchema,
)
from app.schedules.schemas import DryRunQuery
from app.wire.answers import answer, created, expected_version
from app.wire.pages import page_of

blueprint = VendorBlueprint(
    "busy_times", "When a provider is not to be had, whatever is published."
)

VENDOR, PROVIDER, TIME_OFF = "VENDOR_NOT_FOUND", "PROVIDER_NOT_FOUND", "TIME_OFF_NOT_FOUND"
RANGE = "INVALID_DATE_RANGE"
_FILE = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1@example.org
DTSTART;TZID=Europe/Berlin:20310303T090000
DTEND;TZID=Europe/Berlin:20310303T100000
RRULE:FREQ=WEEKLY;COUNT=10
END:VEVENT
END:VCALENDAR
"""


def _allow_large_body(path: dict[str, Any]) -> None:
    vendor_write.check(path)
    request.max_content_length = CALENDAR_BYTES_MAX


# Like vendor_write; and then the body may be larger than elsewhere.
importer = replace(vendor_write, check=_allow_large_body)


@blueprint.call(
    "GET",
    "/providers/<uuid:provider_id>/time-off",
    query=TimeOffQuery(),
    answers=(200, page_of(TimeOffSchema)),
    refuses=[VENDOR, PROVIDER, RANGE],
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
    refuses=[VENDOR, PROVIDER, RANGE],
    guard=vendor_write,
    keyed=True,
    example={
        "start": "2031-08-04T07:00:00Z",
        "end": "2031-08-15T16:00:00Z",
        "reason": "Summer leave",
    },
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
    refuses=[VENDOR, TIME_OFF, PROVIDER, RANGE],
    guard=vendor_write,
    versioned=True,
    example={"start": "2031-08-04T07:00:00Z", "end": "2031-08-20T16:00:00Z"},
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


@blueprint.call(
    "GET",
    "/providers/<uuid:provider_id>/calendar",
    query=CalendarQuery(),
    answers=(200, page_of(CalendarTimeSchema)),
    refuses=[VENDOR, PROVIDER, RANGE],
    guard=vendor_read,
)
def list_calendar(query: dict[str, Any], provider_id: UUID) -> Response:
    """List the busy times that came with calendars, by start."""
    vendor_id = current_visit().vendor_id
    return answer(queries.list_busy_times(vendor_id, provider_id, queries.CALENDAR, **query))


@blueprint.call(
    "POST",
    "/providers/<uuid:provider_id>/calendar",
    takes=("text/calendar", _FILE),
    query=CalendarImportQuery(),
    answers=(200, ImportedSchema()),
    refuses=[VENDOR, PROVIDER],
    guard=importer,
    keyed=True,
)
def import_calendar(query: dict[str, Any], raw: bytes, provider_id: UUID) -> Response:
    """Import an iCalendar file: whenever it says busy, what is published is blocked.

    It replaces what the calendar of that name said before; one without events forgets it.
    """
    key = idempotency_key(current_visit().caller.identity)
    done, replayed = calendars.import_calendar(_by(query), provider_id, raw, query, key)
    answered = answer(done)
    if replayed:
        answered.headers["Idempotency-Replayed"] = "true"
    return answered


def _by(query: dict[str, Any]) -> Change:
    visit = current_visit()
    return Change(visit.vendor_id, visit.actor, query["dry_run"])
