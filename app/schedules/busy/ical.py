"""From an iCalendar file (RFC 5545) to its events, each line checked; nothing is expanded here.

Only what says when somebody is busy is looked at; descriptions, guests, alarms and definitions of
time zones are passed over, so that none of them is kept or costs anything. Nothing here knows the
database or the present.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from icalendar.parser import Contentline
from icalendar.prop import vDuration
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from app.schedules.expand import instant, zone_of

EVENTS_MAX = 10_000
LINE_MAX = 10_000
DATES_MAX = 5_000
DEPTH_MAX = 8
NAMED_MAX = 60
YEAR_MIN, YEAR_MAX = 1600, 9000
NO_CALENDAR = "Not an iCalendar file: it begins with BEGIN:VCALENDAR."
_STAMP = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII)
_WANTED = re.compile(
    r"(?:BEGIN|END|UID|DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|EXRULE|RECURRENCE-ID|STATUS|TRANSP"
    r"|SUMMARY)[;:]",
    re.IGNORECASE,
)
_ONCE = frozenset({"UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "STATUS", "TRANSP"})


class CalendarError(ValueError):
    """What is wrong with the file, in a sentence that begins with the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"Line {line}: {message}")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time as the file writes it: by the clock of a zone, or a whole day (`whole`)."""

    clock: datetime
    zone: tzinfo
    whole: bool

    def moment(self) -> datetime:
        """In UTC, by the rule for clock changes."""
        return moment(self.clock, self.zone)


@dataclass(slots=True)
class Event:
    """A VEVENT; `line` is where it begins."""

    line: int
    uid: str = ""
    summary: str | None = None
    start: Stamp | None = None
    end: Stamp | None = None
    duration: timedelta | None = None
    # Days of a DURATION are days of the clock, hours are elapsed time.
    duration_days: int = 0
    rules: list[tuple[int, str]] = field(default_factory=list)
    dates: list[Stamp] = field(default_factory=list)
    excepted: list[Stamp] = field(default_factory=list)
    recurrence: Stamp | None = None
    # Instead of that time of the series and of all later ones, not of that alone.
    onward: bool = False
    status: str = ""
    transparent: bool = False

    @property
    def cancelled(self) -> bool:
        return self.status == "CANCELLED"


def moment(clock: datetime, zone: tzinfo) -> datetime:
    """The moment in UTC at which the zone's clocks show this."""
    if zone is UTC:
        return clock.replace(tzinfo=UTC)
    minutes, seconds = clock.hour * 60 + clock.minute, clock.second
    return instant(clock.date(), minutes, zone) + timedelta(seconds=seconds)  # type: ignore[arg-type]


def read_events(raw: bytes, zone: tzinfo) -> list[Event]:
    """The events of a file; times without a zone, and days, are of `zone`. Raises CalendarError."""
    reader = _Reader(zone)
    number = 1
    for number, line in _lines(_decoded(raw)):
        if _WANTED.match(line):
            reader.read(number, *_parts(number, line))
        elif not reader.stack:
            raise CalendarError(number, NO_CALENDAR)
    if reader.stack:
        raise CalendarError(number, f"The file ends in the middle of {reader.stack[-1]}.")
    if number == 1:
        raise CalendarError(number, NO_CALENDAR)
    return reader.events


class _Reader:
    """Takes one line after another; `stack`: what has begun and not ended."""

    def __init__(self, zone: tzinfo) -> None:
        self.stack: list[str] = []
        self.events: list[Event] = []
        self._zone, self._seen = zone, set[str]()

    def read(self, number: int, name: str, parameters: dict[str, str], value: str) -> None:
        """Raises CalendarError."""
        in_event = self.stack == ["VCALENDAR", "VEVENT"]
        if name == "BEGIN":
            self._begin(number, value.upper())
        elif name == "END":
            if not self.stack or self.stack.pop() != value.upper():
                raise CalendarError(number, f"END:{value[:NAMED_MAX]} ends nothing that has begun.")
            if in_event:
                _require_whole(self.events[-1])
        elif in_event:
            if name in _ONCE and name in self._seen:
                raise CalendarError(number, f"The event has a second {name}.")
            self._seen.add(name)
            line = _Line(number, name, parameters, value, self._zone)
            _take(self.events[-1], line)

    def _begin(self, number: int, what: str) -> None:
        if not self.stack and what != "VCALENDAR":
            raise CalendarError(number, NO_CALENDAR)
        self.stack.append(what)
        if len(self.stack) > DEPTH_MAX:
            raise CalendarError(number, "Nested too deeply.")
        if self.stack == ["VCALENDAR", "VFREEBUSY"]:
            # Passed over it would read as a calendar without events, which forgets what stands.
            raise CalendarError(number, "Free/busy times are not taken: send the events.")
        if self.stack == ["VCALENDAR", "VEVENT"]:
            self.events.append(Event(number))
            self._seen.clear()
            if len(self.events) > EVENTS_MAX:
                raise CalendarError(number, f"More than {EVENTS_MAX} events.")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalendarError(raw.count(b"\n", 0, error.start) + 1, "Not UTF-8.") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, unfolded, each with the number of its first."""
    first, pieces, length = 1, list[str](), 0
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")  # noqa: PLW2901
        if line[:1] in {" ", "\t"} and pieces:
            # What is too long is cut: of what is looked at, nothing is.
            if length <= LINE_MAX or _WANTED.match(pieces[0]):
                pieces.append(line[1:])
                length += len(line)
            if length > 1_000 * LINE_MAX:
                raise CalendarError(first, "Too long.")
            continue
        if pieces:
            yield first, "".join(pieces)
        first, pieces, length = number, [line] if line.strip() else [], len(line)
    if pieces:
        yield first, "".join(pieces)


def _parts(number: int, line: str) -> tuple[str, dict[str, str], str]:
    if len(line) > LINE_MAX and not re.match("SUMMARY|[ER]X?DATE", line, re.IGNORECASE):
        raise CalendarError(number, f"Longer than {LINE_MAX} characters.")
    try:
        name, parameters, value = Contentline(line).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        raise CalendarError(number, "Not a line of an iCalendar file.") from None
    return name.upper(), {key.upper(): str(one) for key, one in parameters.items()}, str(value)


def _require_whole(event: Event) -> None:
    if event.start is None:
        raise CalendarError(event.line, "The event has no DTSTART.")
    if event.end is not None and event.end.whole != event.start.whole:
        raise CalendarError(event.line, "DTSTART and DTEND must both be days, or both times.")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of an event, taken apart; `zone` is for times that name none."""

    number: int
    name: str
    parameters: dict[str, str]
    value: str
    zone: tzinfo

    def stamp(self) -> Stamp:
        """Its value as a time."""
        return _stamp(self, self.value)


def _take(event: Event, line: _Line) -> None:
    value = line.value
    match line.name:
        case "UID":
            event.uid = value
        case "SUMMARY":
            event.summary = value
        case "STATUS":
            event.status = value.upper()
        case "TRANSP":
            event.transparent = value.upper() == "TRANSPARENT"
        case "DTSTART":
            event.start = line.stamp()
        case "DTEND":
            event.end = line.stamp()
        case "DURATION":
            _take_duration(event, line.number, value)
        case _:
            _take_repetition(event, line)


def _take_repetition(event: Event, line: _Line) -> None:
    match line.name:
        case "RRULE":
            event.rules.append((line.number, line.value))
        case "EXRULE":
            raise CalendarError(line.number, "EXRULE is not taken: write EXDATE.")
        case "RECURRENCE-ID":
            span = line.parameters.get("RANGE", "").upper()
            if span not in {"", "THISANDFUTURE"}:
                raise CalendarError(line.number, "Of RANGE only THISANDFUTURE is taken.")
            event.recurrence, event.onward = line.stamp(), bool(span)
        case _:
            if line.parameters.get("VALUE", "").upper() == "PERIOD":
                raise CalendarError(line.number, "Periods are not taken: write times.")
            taken = event.dates if line.name == "RDATE" else event.excepted
            written = line.value.split(",")
            if len(taken) + len(written) > DATES_MAX:
                raise CalendarError(line.number, f"More than {DATES_MAX} dates.")
            taken.extend(_stamp(line, one) for one in written)


def _take_duration(event: Event, number: int, value: str) -> None:
    try:
        whole = vDuration.from_ical(value)  # type: ignore[no-untyped-call]
    except (ValueError, OverflowError):
        raise CalendarError(number, f"Not a duration: {value[:NAMED_MAX]}") from None
    found = re.match(r"[+-]?P(?:(\d+)W|(\d+)D)?", value, re.ASCII)
    weeks, days = found.groups() if found else (None, None)
    event.duration_days = int(weeks or 0) * 7 + int(days or 0)
    event.duration = whole - timedelta(days=event.duration_days)


def _stamp(line: _Line, value: str) -> Stamp:
    found = _STAMP.fullmatch(value.strip())
    if found is None:
        raise CalendarError(line.number, f"Not a time: {value[:NAMED_MAX]}")
    digits = found[2] or "000000"
    try:
        day = datetime.strptime(found[1], "%Y%m%d")  # noqa: DTZ007
        # A leap second is the last of its minute.
        clock = time(int(digits[:2]), int(digits[2:4]), min(int(digits[4:]), 59))
    except ValueError:
        raise CalendarError(line.number, f"Not a time: {value[:NAMED_MAX]}") from None
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise CalendarError(line.number, f"Not between the years {YEAR_MIN} and {YEAR_MAX}.")
    if found[2] is None:
        return Stamp(day, line.zone, whole=True)
    named = line.parameters.get("TZID")
    zone = UTC if found[3] else line.zone if named is None else _zone(line.number, named)
    return Stamp(datetime.combine(day, clock), zone, whole=False)


def _zone(number: int, named: str) -> tzinfo:
    """The zone by its name, that of Windows, or one with a path before it."""
    if named in {"UTC", "Etc/UTC", "GMT"}:
        return UTC
    parts = named.strip("/").split("/")
    for name in (WINDOWS_TO_OLSON.get(named), *("/".join(parts[at:]) for at in range(len(parts)))):
        if name and re.fullmatch(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+){0,2}", name, re.ASCII):
            try:
                return zone_of(name)
            except (OSError, ValueError):
                continue
    raise CalendarError(number, f"Unknown time zone {named[:NAMED_MAX]}: name one of the IANA.")
