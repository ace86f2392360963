"""Times as people at the place say them: 2026-03-02 09:00-09:30 (Europe/Berlin)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def said_moment(moment: str | datetime, time_zone: object) -> str:
    """The moment in that zone, and its offset only where the clocks show this time twice."""
    local = _local(moment, time_zone)
    return f"{_said(local, offset=_twice(local))} ({local.tzinfo})"


def said_either(one: str | datetime, other: str | datetime, time_zone: object) -> str:
    """Either of two moments in that zone, as said_moment says them."""
    return f"{said_moment(one, time_zone).partition(' (')[0]} or {said_moment(other, time_zone)}"


def minute_from(moment: str | datetime) -> datetime:
    """The first full minute that is not before the moment."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return minute_to(at + timedelta(minutes=1, microseconds=-1))


def minute_to(moment: str | datetime) -> datetime:
    """The last full minute that is not after the moment."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at.replace(second=0, microsecond=0)


def said_span(start: str | datetime, end: str | datetime, time_zone: object) -> str:
    """From when to when in that zone, with the offsets only where one must know them.

    That is when the clocks show one of the two times twice, or are changed in between.
    """
    begins, ends = _local(start, time_zone), _local(end, time_zone)
    offsets = _twice(begins) or _twice(ends) or begins.utcoffset() != ends.utcoffset()
    from_, until = _said(begins, offset=offsets), _said(ends, offset=offsets)
    if begins.date() != ends.date():
        return f"{from_} - {until} ({begins.tzinfo})"
    between = " - " if offsets else "-"
    return f"{from_}{between}{until.split(' ')[1]} ({begins.tzinfo})"


def _local(moment: str | datetime, time_zone: object) -> datetime:
    try:
        zone: tzinfo = ZoneInfo(str(time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = UTC
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at.astimezone(zone)


def _twice(local: datetime) -> bool:
    """Whether the clocks there show this time twice: once before they are put back, once after."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _said(local: datetime, *, offset: bool) -> str:
    exact = "auto" if local.second or local.microsecond else "minutes"
    return (local if offset else local.replace(tzinfo=None)).isoformat(" ", exact)
