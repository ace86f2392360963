"""From events to the times at which they make somebody busy, in a window and in bounded time."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from operator import attrgetter, itemgetter

from dateutil.rrule import rrulestr

from app.schedules.busy.ical import NAMED_MAX, CalendarError, Event, Stamp, moment, read_events

TIMES_MAX = 5_000
DAYS_MAX = 366
SECONDS_MAX = 3.0
YEAR_MIN = 1900
# The calendar repeats itself every 400 years, to the weekday. Rules are expanded so much later: one
# that never matches comes to the end of all dates soon, and need not be waited for until then.
_LATER = 7_600
_DAY = r"(?:[+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)"
_PART = {
    "FREQ": "DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,3}",
    "COUNT": r"\d{1,7}",
    "UNTIL": r"\d{8}(?:T\d{6}Z?)?",
    "WKST": "MO|TU|WE|TH|FR|SA|SU",
    "BYDAY": f"{_DAY}(?:,{_DAY})*",
    **dict.fromkeys(
        ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"),
        r"[+-]?\d{1,3}(?:,[+-]?\d{1,3})*",
    ),
}
_WITHIN_A_DAY = re.compile("FREQ=(?:SECONDLY|MINUTELY|HOURLY)|BY(?:SECOND|MINUTE|HOUR)=")
REASONS = ("transparent", "cancelled", "no_time", "over", "beyond")


@dataclass(frozen=True, slots=True)
class Busy:
    """A time at which somebody is busy. `event`: SHA-256 of which event, and which time of it."""

    event: bytes
    start: datetime
    end: datetime
    summary: str | None


@dataclass(slots=True)
class Reading:
    """What a file says of a window, and how many events say nothing, by why."""

    events: int = 0
    times: list[Busy] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


class _Turn:
    """The time of the processor that one file may take."""

    def __init__(self) -> None:
        self._until = time.thread_time() + SECONDS_MAX

    def require(self, line: int) -> None:
        """Raises CalendarError when it is used up."""
        if time.thread_time() > self._until:
            raise CalendarError(line, "Reckoning the repetitions takes too long: send fewer.")


def read_calendar(raw: bytes, zone: tzinfo, start: datetime, end: datetime) -> Reading:
    """The times in [start, end) at which the file makes somebody busy. Raises CalendarError."""
    turn, reading = _Turn(), Reading()
    events = read_events(raw, zone)
    reading.events = len(events)
    instead: dict[str, set[datetime]] = defaultdict(set)
    onward: dict[str, list[_Onward]] = defaultdict(list)
    series = {event.uid for event in events if event.recurrence is None and event.uid}
    for event in events:
        if event.recurrence is None or not event.uid:
            continue
        if event.onward and event.uid in series:
            onward[event.uid].append(_onward(event))
        else:
            instead[event.uid].add(event.recurrence.moment())
    seen: Counter[tuple[str, str]] = Counter()
    for event in events:
        if event.onward and event.uid in series:
            # Its times are those of the series, unless it ends that.
            why = _why_not(event)
            reading.ignored.update([why] if why else [])
            continue
        # A series may be nothing but from some time on.
        changes = onward[event.uid] if event.recurrence is None and event.uid else []
        why = None if changes else _why_not(event)
        found = 0
        window = () if why else _times(event, instead[event.uid], changes, (start, end), turn)
        for which, begins, ends, summary in window:
            found += 1
            if len(reading.times) >= TIMES_MAX:
                raise CalendarError(
                    event.line, f"More than {TIMES_MAX} times until {end:%Y-%m-%d}."
                )
            # The same again is another: files hold copies.
            seen[event.uid, which] += 1
            named = f"{event.uid}\n{which}\n{seen[event.uid, which]}"
            reading.times.append(Busy(sha256(named.encode()).digest(), begins, ends, summary))
        if not found:
            reading.ignored[why or _when_then(event, end)] += 1
        turn.require(event.line)
    return reading


def _why_not(event: Event) -> str | None:
    if event.cancelled:
        return "cancelled"
    if event.transparent:
        return "transparent"
    return None if any(_length(event)) else "no_time"


def _when_then(event: Event, end: datetime) -> str:
    return "beyond" if _start(event).clock >= end.replace(tzinfo=None) else "over"


def _start(event: Event) -> Stamp:
    if event.start is None:
        raise CalendarError(event.line, "The event has no DTSTART.")
    return event.start


def _length(event: Event) -> tuple[int, timedelta]:
    """Days of the clock, and time on top."""
    start = _start(event)
    days, more = event.duration_days, event.duration or timedelta()
    if event.end is not None:
        days, more = 0, event.end.moment() - start.moment()
        if start.whole:
            days, more = (event.end.clock - start.clock).days, timedelta()
    elif event.duration is None and start.whole:
        days = 1
    whole = timedelta(days=days) + more
    if whole < timedelta():
        raise CalendarError(event.line, "The event ends before it begins.")
    if whole > timedelta(days=DAYS_MAX):
        raise CalendarError(event.line, f"The event lasts more than {DAYS_MAX} days.")
    return days, more


@dataclass(frozen=True, slots=True)
class _Onward:
    """What a series is from some time on (RANGE=THISANDFUTURE)."""

    since: datetime
    event: Event
    # None: nothing that makes busy.
    length: tuple[int, timedelta] | None

    def moved(self, begins: datetime) -> tuple[datetime, tzinfo]:
        """What the clocks show when a time of the series that would begin then begins instead."""
        start = _start(self.event)
        there, first = (one.astimezone(start.zone) for one in (begins, self.since))
        return there.replace(tzinfo=None) + (start.clock - first.replace(tzinfo=None)), start.zone

    def reach(self) -> timedelta:
        """How far from where the series has them its times may lie."""
        days, more = self.length or (0, timedelta())
        return abs(_start(self.event).moment() - self.since) + timedelta(days=days + 1) + more


def _onward(event: Event) -> _Onward:
    if event.recurrence is None:
        raise CalendarError(event.line, "The event has no RECURRENCE-ID.")
    return _Onward(event.recurrence.moment(), event, _length_of(event))


def _length_of(event: Event) -> tuple[int, timedelta] | None:
    """As _length; None of what makes nobody busy."""
    return None if _why_not(event) else _length(event)


def _times(
    event: Event,
    instead: set[datetime],
    changes: list[_Onward],
    wanted: tuple[datetime, datetime],
    turn: _Turn,
) -> Iterator[tuple[str, datetime, datetime, str | None]]:
    """The event's times in the window, each with its name among them, and its summary."""
    begin, (start, end) = _start(event), wanted
    plain, (days, more) = _length_of(event), _length(event)
    repeated = bool(event.rules or event.dates)
    excepted = {one.moment() for one in event.excepted if not one.whole}
    days_excepted = {one.clock.date() for one in event.excepted if one.whole or begin.whole}
    if event.recurrence is None and event.uid:
        excepted |= instead
    reach = max((one.reach() for one in changes), default=timedelta())
    far = end.replace(tzinfo=None) + timedelta(days=2) + reach
    early = start.replace(tzinfo=None) - timedelta(days=days + 3) - more - reach
    for clock, zone in sorted(_clocks(event, (early, far), turn), key=itemgetter(0)):
        if not early <= clock <= far or clock.date() in days_excepted:
            continue
        begins = moment(clock, zone)
        if begins in excepted:
            continue
        which = begins.isoformat() if repeated else ""
        if event.recurrence is not None:
            which = event.recurrence.moment().isoformat()
        change = max(
            (one for one in changes if one.since <= begins), key=attrgetter("since"), default=None
        )
        source = event if change is None else change.event
        length = plain if change is None else change.length
        if length is None:
            continue
        if change is not None:
            clock, zone = change.moved(begins)  # noqa: PLW2901
            begins = moment(clock, zone)
        ends = moment(clock + timedelta(days=length[0]), zone) + length[1]
        if ends > start and begins < end and ends > begins:
            yield which, begins, ends, (source.summary or "").strip() or None


def _clocks(
    event: Event, window: tuple[datetime, datetime], turn: _Turn
) -> set[tuple[datetime, tzinfo]]:
    """What the clocks show when it begins, each time; those of rules in the window."""
    begin = _start(event)
    found = {(begin.clock, begin.zone)}
    found |= {(one.clock, one.zone) for one in event.dates}
    for line, rule in event.rules:
        if begin.clock.year < YEAR_MIN:
            raise CalendarError(event.line, f"A series that began before {YEAR_MIN}.")
        parts = _checked(line, rule.strip().upper())
        if begin.clock <= window[1]:
            clocks = _expand(line, parts, begin, window, turn)
            found |= {(clock, begin.zone) for clock in clocks}
        if len(found) > TIMES_MAX:
            raise CalendarError(line, f"More than {TIMES_MAX} times.")
    return found


def _expand(
    line: int, parts: dict[str, str], begin: Stamp, window: tuple[datetime, datetime], turn: _Turn
) -> Iterator[datetime]:
    """What the clocks show at the rule's times in the window."""
    early, far = window
    until = _until(line, parts.pop("UNTIL", None), begin)
    last = far if until is None else min(far, until)
    first = begin.clock
    step = {"DAILY": 1, "WEEKLY": 7}.get(parts["FREQ"])
    if step and "COUNT" not in parts and early > first:
        # Whole steps change nothing but where it begins, and need not be gone one by one.
        step *= int(parts.get("INTERVAL", "1"))
        first += timedelta(days=(early - first).days // step * step)
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        later = rrulestr(f"RRULE:{text}", dtstart=first.replace(year=first.year + _LATER))
        for number, clock in enumerate(later):
            if number % 500 == 0:
                turn.require(line)
            now = clock.replace(year=clock.year - _LATER)
            if now > last:
                return
            if now >= early:
                yield now
    except CalendarError:
        raise
    except (ValueError, OverflowError, IndexError, TypeError):
        raise CalendarError(line, f"Not a rule: {text[:NAMED_MAX]}") from None


def _checked(line: int, rule: str) -> dict[str, str]:
    if _WITHIN_A_DAY.search(rule):
        raise CalendarError(line, "Rules that repeat within a day are not taken.")
    parts: dict[str, str] = {}
    for part in rule.rstrip(";").split(";"):
        name, _, value = part.partition("=")
        if name in parts or name not in _PART or not re.fullmatch(_PART[name], value, re.ASCII):
            raise CalendarError(line, f"Not a rule: {part[:NAMED_MAX]}")
        parts[name] = value
    if "FREQ" not in parts or {"COUNT", "UNTIL"} <= parts.keys():
        raise CalendarError(line, "A rule needs FREQ, and at most one of COUNT and UNTIL.")
    if parts.get("COUNT", "1").strip("0") == "":
        raise CalendarError(line, "Not a rule: COUNT=0")
    return parts


def _until(line: int, written: str | None, begin: Stamp) -> datetime | None:
    """What the event's clocks show at the end of the rule."""
    if written is None:
        return None
    try:
        if len(written) == 8:  # A day, which belongs to it.
            return datetime.strptime(written, "%Y%m%d") + timedelta(days=1, seconds=-1)  # noqa: DTZ007
        clock = datetime.strptime(written.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
        if not written.endswith("Z") or begin.whole:
            return clock
        return clock.replace(tzinfo=UTC).astimezone(begin.zone).replace(tzinfo=None)
    except OverflowError:
        return None
    except ValueError:
        raise CalendarError(line, f"Not a time: {written}") from None
