"""The API's calls that change when a provider is to be had."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from chaos.doors import Call
from chaos.doors.ical import icalendar
from chaos.history import Asked
from chaos.stage import WEEKDAYS


def _hours(asked: Asked) -> Call:
    """All days alike."""
    weekly = dict.fromkeys(WEEKDAYS, asked["hours"])
    return "PATCH", f"/schedules/{asked['schedule']}", {"weekly": weekly}


def _exception(asked: Asked) -> Call:
    body = {"kind": asked["exception_kind"], "hours": asked["hours"]}
    return "PATCH", f"/exceptions/{asked['exception']}", body


def _time_off(asked: Asked) -> Call:
    body = {"start": asked["start"], "end": asked["end"], "reason": asked["token"]}
    return "PATCH", f"/time-off/{asked['time_off']}", body


def _take_off(asked: Asked) -> Call:
    body = {"start": asked["start"], "end": asked["end"], "reason": asked["token"]}
    return "POST", f"/providers/{asked['provider_id']}/time-off", body


def _calendar(asked: Asked) -> Call:
    query = urlencode({"calendar": asked["calendar"], "reason": asked["token"]})
    return "POST", f"/providers/{asked['provider_id']}/calendar?{query}", icalendar(asked["busy"])


OF_TIME: dict[str, Callable[[Asked], Call]] = {
    "hours": _hours,
    "exception": _exception,
    "time_off": _time_off,
    "take_off": _take_off,
    "end_off": lambda asked: ("DELETE", f"/time-off/{asked['time_off']}", None),
    "calendar": _calendar,
}
