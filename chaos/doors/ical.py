"""A person's own calendar, as calendars export it (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, datetime

DATE_TIME = "%Y%m%dT%H%M%SZ"
HEAD = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//chaos//EN"]


def icalendar(busy: list[tuple[str, str, int]]) -> str:
    """The file that says busy then: start, end, and on how many days, one after another."""
    lines = list(HEAD)
    for number, (start, end, days) in enumerate(busy, 1):
        begins, ends = (
            datetime.fromisoformat(text).astimezone(UTC).strftime(DATE_TIME)
            for text in (start, end)
        )
        lines += [
            *("BEGIN:VEVENT", f"UID:{number}@chaos.example", f"DTSTAMP:{begins}"),
            *(f"DTSTART:{begins}", f"DTEND:{ends}"),
            *([f"RRULE:FREQ=DAILY;COUNT={days}"] if days > 1 else []),
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])
