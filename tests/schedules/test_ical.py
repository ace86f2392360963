"""Calendars read: when somebody is busy, and what is wrong with files that say it badly."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.schedules.busy.ical import CalendarError
from app.schedules.busy.recurrence import SECONDS_MAX, Reading, read_calendar

BERLIN = ZoneInfo("Europe/Berlin")
FROM, TO = datetime(2031, 3, 1, tzinfo=UTC), datetime(2031, 5, 1, tzinfo=UTC)


def event(*lines: str) -> str:
    """A VEVENT of these lines, with a UID unless they bring one."""
    uid = () if any(line.startswith("UID") for line in lines) else ("UID:one@example.org",)
    return "\r\n".join(("BEGIN:VEVENT", *uid, *lines, "END:VEVENT")) + "\r\n"


def file(*events: str) -> bytes:
    """A whole calendar."""
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


def read(*events: str) -> Reading:
    return read_calendar(file(*events), BERLIN, FROM, TO)


def times(*events: str) -> list[str]:
    """When somebody is busy, in UTC."""
    return [f"{one.start:%m-%dT%H:%M}/{one.end:%m-%dT%H:%M}" for one in read(*events).times]


def test_times_are_read_in_utc_in_a_zone_and_in_the_zone_of_the_place():
    assert times(event("DTSTART:20310303T090000Z", "DTEND:20310303T100000Z")) == [
        "03-03T09:00/03-03T10:00"
    ]
    zoned = event(
        "DTSTART;TZID=America/New_York:20310303T090000",
        'DTEND;TZID="Eastern Standard Time":20310303T100000',
    )
    assert times(zoned) == ["03-03T14:00/03-03T15:00"]
    assert times(event("DTSTART:20310303T090000", "DURATION:PT90M")) == ["03-03T08:00/03-03T09:30"]
    path = event("DTSTART;TZID=/example.org/Tzfile/Europe/London:20310303T090000", "DURATION:PT1H")
    assert times(path) == ["03-03T09:00/03-03T10:00"]


def test_days_are_those_of_the_place_though_the_clock_changes():
    assert times(event("DTSTART;VALUE=DATE:20310330")) == ["03-29T23:00/03-30T22:00"]
    week = event("DTSTART;VALUE=DATE:20310328", "DTEND;VALUE=DATE:20310404")
    assert times(week) == ["03-27T23:00/04-03T22:00"]


def test_a_time_the_clock_skips_takes_the_offset_before():
    assert times(event("DTSTART;TZID=Europe/Berlin:20310330T023000", "DURATION:PT1H")) == [
        "03-30T01:30/03-30T02:30"
    ]


def test_series_keep_the_hour_of_the_clock():
    lines = ("DTSTART;TZID=Europe/Berlin:20100104T090000", "DURATION:PT1H")
    found = times(event(*lines, "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;UNTIL=20310415T000000Z"))
    assert found == [
        "03-03T08:00/03-03T09:00",
        "03-17T08:00/03-17T09:00",
        "03-31T07:00/03-31T08:00",
        "04-14T07:00/04-14T08:00",
    ]
    last = times(event(*lines, "RRULE:FREQ=MONTHLY;BYDAY=-1FR"))
    assert last == ["03-28T08:00/03-28T09:00", "04-25T07:00/04-25T08:00"]


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,SU;INTERVAL=3"])
def test_beginning_long_ago_changes_nothing(rule):
    """Against the library's own reckoning, day by day from the first."""
    from dateutil.rrule import rrulestr

    found = read(event("DTSTART:19990104T090000Z", "DURATION:PT1H", f"RRULE:{rule};WKST=SU")).times
    every = rrulestr(f"RRULE:{rule};WKST=SU", dtstart=datetime(1999, 1, 4, 9))  # noqa: DTZ001
    window = [one.replace(tzinfo=None) for one in (FROM, TO)]
    assert [one.start.replace(tzinfo=None) for one in found] == every.between(*window)


def test_counted_series_end_where_they_end():
    counted = ("DTSTART:20310227T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4")
    assert times(event(*counted)) == ["03-01T09:00/03-01T10:00", "03-02T09:00/03-02T10:00"]


def test_dates_are_added_and_taken_out():
    lines = ("DTSTART;TZID=Europe/Berlin:20310303T090000", "DURATION:PT1H")
    series = event(
        *lines,
        "RRULE:FREQ=DAILY;COUNT=4",
        "EXDATE;TZID=Europe/Berlin:20310304T090000",
        "EXDATE:20310305T080000Z",
        "RDATE;TZID=Europe/Berlin:20310310T100000,20310311T100000",
    )
    assert [one[:11] for one in times(series)] == [
        "03-03T08:00", "03-06T08:00", "03-10T09:00", "03-11T09:00",
    ]  # fmt: skip


def test_a_time_of_a_series_that_was_moved_or_cancelled_is_where_it_was_moved():
    series = event("DTSTART:20310303T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    moved = event(
        "RECURRENCE-ID:20310304T090000Z", "DTSTART:20310304T150000Z", "DTEND:20310304T170000Z"
    )
    gone = event("RECURRENCE-ID:20310305T090000Z", "STATUS:CANCELLED", "DTSTART:20310305T090000Z")
    assert times(moved, series, gone) == ["03-04T15:00/03-04T17:00", "03-03T09:00/03-03T10:00"]
    before = {one.event for one in read(series).times}
    assert {one.event for one in read(series, moved).times} == before


def test_a_series_that_moves_from_some_time_on_is_where_it_was_moved():
    lines = ("DTSTART;TZID=Europe/Berlin:20310328T090000", "DURATION:PT1H")
    series = event(*lines, "RRULE:FREQ=DAILY;COUNT=6", "SUMMARY:Yoga")
    onward = "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin"
    later = event(
        f"{onward}:20310329T090000",
        "DTSTART;TZID=Europe/Berlin:20310329T180000",
        "DURATION:PT2H",
        "SUMMARY:Choir",
    )
    one = event("RECURRENCE-ID:20310330T070000Z", "DTSTART:20310330T120000Z", "DURATION:PT1H")
    gone = event(f"{onward}:20310401T090000", "STATUS:CANCELLED", f"{lines[0]}")
    # The clocks go forward on the 30th, and the hour they show stays.
    expected = [
        "03-28T08:00/03-28T09:00", "03-29T17:00/03-29T19:00", "03-30T12:00/03-30T13:00",
        "03-31T16:00/03-31T18:00",
    ]  # fmt: skip
    assert sorted(times(gone, one, later, series)) == expected
    reading = read(series, later, one, gone)
    assert [busy.summary for busy in reading.times] == ["Yoga", "Choir", "Choir", None]
    unmoved = {busy.event for busy in read(series).times}
    assert {busy.event for busy in reading.times} < unmoved
    assert reading.ignored == {"cancelled": 1}
    assert times(later) == ["03-29T17:00/03-29T19:00"], "alone it is one time"


def test_what_makes_nobody_busy_is_counted_by_why():
    reading = read(
        event("DTSTART:20310303T090000Z", "DTEND:20310303T100000Z", "TRANSP:TRANSPARENT"),
        event("DTSTART:20310303T090000Z", "DTEND:20310303T100000Z", "STATUS:CANCELLED"),
        event("DTSTART:20310303T090000Z"),
        event("DTSTART:20300303T090000Z", "DTEND:20300303T100000Z"),
        event("DTSTART:20320303T090000Z", "DTEND:20320303T100000Z"),
        event("DTSTART:20310303T090000Z", "DTEND:20310303T100000Z", "STATUS:TENTATIVE"),
    )
    assert (reading.events, len(reading.times)) == (6, 1)
    assert reading.ignored == {
        "transparent": 1, "cancelled": 1, "no_time": 1, "over": 1, "beyond": 1,
    }  # fmt: skip


def test_alarms_zones_and_descriptions_are_passed_over():
    zone = "BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
    zone += "RRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    alarm = "BEGIN:VALARM\r\nDURATION:PT5M\r\nDTSTART:never\r\nEND:VALARM"
    folded = "DESCRIPTION:" + "\r\n ".join(["word" * 20] * 50)
    lines = ("DTSTART:20310303T0900\r\n 00Z", "DURATION:PT1H", folded, alarm)
    assert times(zone, event(*lines)) == ["03-03T09:00/03-03T10:00"]


def test_copies_of_an_event_and_events_without_a_uid_are_times_of_their_own():
    one = event("UID:", "DTSTART:20310303T090000Z", "DURATION:PT1H")
    assert len({busy.event for busy in read(one, one).times}) == 2


BAD = [
    (b"", 1, "Not an iCalendar file"),
    (b'{"no": "calendar"}', 1, "Not an iCalendar file"),
    (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", 1, "Not an iCalendar file"),
    (b"BEGIN:VCALENDAR\r\nX:\xff\r\n", 2, "Not UTF-8"),
    ("BEGIN:VCALENDAR\r\n".encode("utf-16"), 1, "Not UTF-8"),
    (file()[:-15], 2, "ends in the middle of VCALENDAR"),
    (file("BEGIN:VEVENT\r\n"), 4, "END:VCALENDAR ends nothing"),
    (file(event("SUMMARY:No time")), 3, "no DTSTART"),
    (file(event("DTSTART:tomorrow")), 5, "Not a time: tomorrow"),
    (file(event("DTSTART:20310230T090000Z")), 5, "Not a time"),
    (file(event("DTSTART:99990101T090000Z")), 5, "Not between the years"),
    (file(event("DTSTART;TZID=Nowhere/At_All:20310303T090000")), 5, "Unknown time zone"),
    (file(event("DTSTART;TZID=../../etc/passwd:20310303T090000")), 5, "Unknown time zone"),
    (file(event("DTSTART:20310303T090000Z", "DTEND:20310302T090000Z")), 3, "ends before"),
    (file(event("DTSTART:20310303T090000Z", "DTEND:20330302T090000Z")), 3, "lasts more than"),
    (file(event("DTSTART:20310303T090000Z", "DTEND;VALUE=DATE:20310304")), 3, "both be days"),
    (file(event("DTSTART:20310303T090000Z", "DTSTART:20310303T090000Z")), 6, "second DTSTART"),
    (file(event("DTSTART:20310303T090000Z", "DURATION:long")), 6, "Not a duration"),
    (
        file(event("DTSTART:20310303T090000Z", "RRULE:FREQ=SECONDLY", "DURATION:PT1H")),
        6,
        "within a day",
    ),
    (
        file(event("DTSTART:20310303T090000Z", "RRULE:FREQ=DAILY;BYSECOND=1,2", "DURATION:PT1H")),
        6,
        "within a day",
    ),
    (file(event("DTSTART:20310303T090000Z", "RRULE:EVERY DAY", "DURATION:PT1H")), 6, "Not a rule"),
    (
        file(event("DTSTART:20310303T090000Z", "RRULE:FREQ=DAILY;INTERVAL=0", "DURATION:PT1H")),
        6,
        "Not a rule",
    ),
    (file(event("DTSTART:20310303T090000Z", "RRULE:INTERVAL=2", "DURATION:PT1H")), 6, "needs FREQ"),
    (
        file(event("DTSTART:20310303T090000Z", "RRULE:FREQ=DAILY;UNTIL=20311301", "DURATION:PT1H")),
        6,
        "Not a time",
    ),
    (file(event("DTSTART:20310303T090000Z", "EXRULE:FREQ=DAILY")), 6, "EXRULE"),
    (file(event("RECURRENCE-ID;RANGE=THISANDPRIOR:20310303T090000Z")), 5, "THISANDFUTURE"),
    (file(event("RDATE;VALUE=PERIOD:20310303T090000Z/PT1H")), 5, "Periods"),
    (file("BEGIN:X\r\n" * 9), 10, "Nested too deeply"),
    (file(event('DTSTART;TZID="Europe:20310303T090000')), 5, "Not a"),
]


@pytest.mark.parametrize("raw, line, says", BAD)
def test_a_bad_file_is_refused_by_the_line(raw, line, says):
    with pytest.raises(CalendarError) as refusal:
        read_calendar(raw, BERLIN, FROM, TO)
    assert str(refusal.value).startswith(f"Line {line}: ")
    assert says in str(refusal.value)


HOSTILE = [
    ["RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"] * 1,
    ["RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=1000000"],
    ["RRULE:FREQ=DAILY;COUNT=9999999"],
    [f"RRULE:FREQ=DAILY;INTERVAL={number}" for number in range(1, 400)],
    ["RDATE:" + ",".join(["20310401T090000Z"] * 5_001)],
]


@pytest.mark.parametrize("lines", HOSTILE)
@pytest.mark.parametrize("copies", [1, 300])
def test_a_hostile_file_takes_bounded_time(lines, copies):
    raw = file(event("DTSTART:19000101T090000Z", "DURATION:PT1H", *lines) * copies)
    began = time.thread_time()
    try:
        found = len(read_calendar(raw, BERLIN, FROM, TO).times)
    except CalendarError as refusal:
        assert "Line " in str(refusal)  # noqa: PT017
    else:
        assert found <= 5_000
    assert time.thread_time() - began < 2 * SECONDS_MAX


def test_more_times_than_anybody_has_are_refused():
    raw = file(event("DTSTART:20310101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY") * 300)
    with pytest.raises(CalendarError, match="More than 5000 times"):
        read_calendar(raw, BERLIN, FROM, TO)
    far = FROM + timedelta(days=10)
    assert len(read_calendar(raw, BERLIN, FROM, far).times) == 3_000
