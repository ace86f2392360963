"""Files that are no calendar to import, and what each gets: sent, and in the documentation."""

from __future__ import annotations

from tests.bad_inputs import Bad


def _file(*lines: str) -> bytes:
    event = ("BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT")
    return "\r\n".join(("BEGIN:VCALENDAR", *event, "END:VCALENDAR", "")).encode()


START, HOUR = "DTSTART:20310303T090000Z", "DURATION:PT1H"
JSON = (("Content-Type", "application/json"),)
CALENDARS = [
    Bad("nothing", b"", "Is required.", "body"),
    Bad(
        "JSON",
        b"{}",
        "the body calls itself application/json, not text/calendar.",
        "Content-Type",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        JSON,
    ),
    Bad("another file", b"Dear all", "Line 1: Not an iCalendar file: …", "body"),
    Bad("bytes that are no UTF-8", _file("X:") + b"\xff", "Line 7: Not UTF-8.", "body"),
    Bad("half a file", _file(START)[:-15], "Line 5: The file ends in the middle of …", "body"),
    Bad("an event without a start", _file(HOUR), "Line 2: The event has no DTSTART.", "body"),
    Bad("the year 9999", _file("DTSTART:99991231T000000Z"), "Line 4: Not between …", "body"),
    Bad(
        "a rule for every second",
        _file(START, HOUR, "RRULE:FREQ=SECONDLY"),
        "Line 6: Rules …",
        "body",
    ),
    Bad(
        "a rule that is none",
        _file(START, HOUR, "RRULE:OFTEN"),
        "Line 6: Not a rule: OFTEN",
        "body",
    ),
    Bad(
        "a series of a million days",
        _file("DTSTART:19000101T000000Z", HOUR, *["RRULE:FREQ=DAILY;COUNT=1000000"] * 400),
        "Line …: Reckoning the repetitions takes too long: send fewer.",
        "body",
    ),
    Bad(
        "free/busy times in place of events",
        b"BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n",
        "Line 2: Free/busy times are not taken: …",
        "body",
    ),
    Bad("an unknown zone", _file("DTSTART;TZID=Here:20310303T090000"), "Line 4: Unknown …", "body"),
    Bad("10 MB", b"x" * 10_000_000, "…", "", 413, "PAYLOAD_TOO_LARGE"),
]
