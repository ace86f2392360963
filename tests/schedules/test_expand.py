"""What schedules give on ordinary days, on days with exceptions, and where two collide."""

from __future__ import annotations

from datetime import UTC, date, datetime

from app.schedules.expand import Deviation, Hours, expand, instant, zone_of
from app.wire.fields import _time_zones
from tests.weeks import clocks, every_day, week

BERLIN = zone_of("Europe/Berlin")
NINE_TO_NOON = every_day((9, 12))


def local(text: str, zone=BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def slots(weeks, start: str, end: str, *deviations) -> list[str]:
    """The slots that begin from one Berlin midnight to another, by the clock."""
    return clocks(expand(weeks, deviations, local(start), local(end)))


def deviation(kind: str, first: str, last: str, *hours: tuple[float, float], of=None) -> Deviation:
    written = tuple(Hours(int(start * 60), int(end * 60)) for start, end in hours)
    schedule_id = of.schedule_id if of else None
    return Deviation(
        schedule_id, date.fromisoformat(first), date.fromisoformat(last), kind, written
    )


def test_hours_are_one_long_slot_each_unless_a_length_is_said():
    whole = week({0: [(540, 720), (780, 1020)], 2: [(600, 660)]})
    assert slots([whole], "2026-03-02", "2026-03-09") == [
        "03-02 09:00-12:00",
        "03-02 13:00-17:00",
        "03-04 10:00-11:00",
    ]
    assert not any(
        one.whole for one in expand([whole], [], local("2026-03-02"), local("2026-03-09"))
    )


def test_a_length_cuts_hours_from_their_start_with_gaps_and_leaves_the_rest():
    cut = week({0: [(540, 720)]}, slot_minutes=40, gap_minutes=10)
    assert slots([cut], "2026-03-02", "2026-03-03") == [
        "03-02 09:00-09:40",
        "03-02 09:50-10:30",
        "03-02 10:40-11:20",
    ]
    exact = week({0: [(540, 660)]}, slot_minutes=60)
    assert slots([exact], "2026-03-02", "2026-03-03") == ["03-02 09:00-10:00", "03-02 10:00-11:00"]


def test_a_slot_carries_its_schedules_place_capacity_and_price():
    of = week(NINE_TO_NOON, capacity=12, price=(4500, "EUR"))
    (found,) = expand([of], [], local("2026-03-02"), local("2026-03-03"))
    assert found.week is of
    assert (found.start, found.end) == (local("2026-03-02T09:00"), local("2026-03-02T12:00"))
    assert found.start.tzinfo is UTC


def test_hours_past_midnight_belong_to_the_day_they_begin_on():
    late = week({4: [(22 * 60, 26 * 60)]}, slot_minutes=60)
    assert slots([late], "2026-03-02", "2026-03-09") == [
        "03-06 22:00-23:00",
        "03-06 23:00-00:00",
        "03-07 00:00-01:00",
        "03-07 01:00-02:00",
    ]
    # A window that begins in the night still finds what begins in it.
    assert slots([late], "2026-03-07", "2026-03-08") == ["03-07 00:00-01:00", "03-07 01:00-02:00"]
    friday = deviation("closed", "2026-03-06", "2026-03-06")
    assert slots([late], "2026-03-02", "2026-03-09", friday) == []
    assert (
        len(
            slots(
                [late], "2026-03-02", "2026-03-09", deviation("closed", "2026-03-07", "2026-03-07")
            )
        )
        == 4
    )


def test_a_night_at_a_hotel_is_one_slot_from_afternoon_to_the_next_morning():
    nights = week(every_day((15, 24 + 11)))
    assert slots([nights], "2026-03-02", "2026-03-04") == ["03-02 15:00-11:00", "03-03 15:00-11:00"]


def test_the_first_and_last_day_are_both_included_and_no_other():
    spring = week(NINE_TO_NOON, valid_from=date(2026, 3, 3), valid_until=date(2026, 3, 5))
    assert [one[:5] for one in slots([spring], "2026-03-01", "2026-03-10")] == [
        "03-03",
        "03-04",
        "03-05",
    ]
    one_day = week(NINE_TO_NOON, valid_from=date(2026, 3, 3), valid_until=date(2026, 3, 3))
    assert slots([one_day], "2026-03-01", "2026-03-10") == ["03-03 09:00-12:00"]
    # The night of the last day is still whole.
    night = week(every_day((22, 30)), valid_from=date(2026, 3, 3), valid_until=date(2026, 3, 3))
    assert slots([night], "2026-03-01", "2026-03-10") == ["03-03 22:00-06:00"]


def test_years_ahead_the_clock_changes_are_still_known():
    far = week(NINE_TO_NOON)
    for day, offset in [("2998-01-15", 1), ("2998-07-15", 2)]:
        (found,) = expand([far], [], local(day), local(f"{day}T23:00"))
        assert found.start == datetime.fromisoformat(f"{day}T09:00+0{offset}:00")


def test_closed_days_have_no_hours_and_others_have_others():
    usual = week(NINE_TO_NOON)
    closed = deviation("closed", "2026-03-03", "2026-03-04")
    other = deviation("other", "2026-03-05", "2026-03-05", (14, 16), (17, 18))
    assert slots([usual], "2026-03-02", "2026-03-07", closed, other) == [
        "03-02 09:00-12:00",
        "03-05 14:00-16:00",
        "03-05 17:00-18:00",
        "03-06 09:00-12:00",
    ]


def test_further_hours_are_added_on_closed_days_too():
    usual = week(NINE_TO_NOON)
    closed = deviation("closed", "2026-03-03", "2026-03-04")
    extra = deviation("extra", "2026-03-04", "2026-03-05", (18, 20))
    assert slots([usual], "2026-03-03", "2026-03-06", closed, extra) == [
        "03-04 18:00-20:00",
        "03-05 09:00-12:00",
        "03-05 18:00-20:00",
    ]


def test_of_two_that_say_what_holds_instead_the_one_of_fewer_days_is_meant():
    usual = week(NINE_TO_NOON)
    holidays = deviation("closed", "2026-03-01", "2026-03-31")
    open_day = deviation("other", "2026-03-05", "2026-03-05", (10, 11))
    for order in [(holidays, open_day), (open_day, holidays)]:
        assert slots([usual], "2026-03-02", "2026-03-08", *order) == ["03-05 10:00-11:00"]
    # Of two for equally many days the one for this schedule alone, and then the newer.
    mine = deviation("other", "2026-03-05", "2026-03-05", (14, 15), of=usual)
    newer = deviation("other", "2026-03-05", "2026-03-05", (16, 17))
    assert slots([usual], "2026-03-05", "2026-03-06", mine, open_day, newer) == [
        "03-05 14:00-15:00"
    ]
    assert slots([usual], "2026-03-05", "2026-03-06", open_day, newer) == ["03-05 16:00-17:00"]


def test_hours_for_all_schedules_are_published_once_by_the_oldest_of_the_day():
    winter = week(NINE_TO_NOON, valid_until=date(2026, 3, 3))
    here, there = week({3: [(540, 600)]}), week({3: [(660, 720)]})
    other = deviation("other", "2026-03-03", "2026-03-05", (18, 19))
    found = expand([winter, here, there], [other], local("2026-03-03"), local("2026-03-06"))
    assert clocks(found) == ["03-03 18:00-19:00", "03-04 18:00-19:00", "03-05 18:00-19:00"]
    assert [one.week for one in found] == [winter, here, here]


def test_an_exception_of_one_schedule_leaves_the_other_alone():
    here, there = week({3: [(540, 600)]}), week({3: [(660, 720)]})
    closed = deviation("closed", "2026-03-05", "2026-03-05", of=there)
    assert slots([here, there], "2026-03-05", "2026-03-06", closed) == ["03-05 09:00-10:00"]
    extra = deviation("extra", "2026-03-05", "2026-03-05", (13, 14), of=there)
    found = expand([here, there], [extra], local("2026-03-05"), local("2026-03-06"))
    assert [one.week for one in found] == [here, there, there]


def test_an_exception_outside_the_schedules_days_gives_nothing():
    spring = week(NINE_TO_NOON, valid_until=date(2026, 3, 31))
    extra = deviation("extra", "2026-04-02", "2026-04-02", (9, 10), of=spring)
    assert slots([spring], "2026-04-01", "2026-04-04", extra) == []


def test_further_hours_only_add_where_nothing_is_yet():
    usual = week(NINE_TO_NOON)
    extra = deviation("extra", "2026-03-02", "2026-03-02", (8, 14))
    assert slots([usual], "2026-03-02", "2026-03-03", extra) == [
        "03-02 08:00-09:00",
        "03-02 09:00-12:00",
        "03-02 12:00-14:00",
    ]
    cut = week(NINE_TO_NOON, slot_minutes=60)
    early = deviation("extra", "2026-03-02", "2026-03-02", (7.5, 10.5))
    # 07:30 and no 08:30, which would run into the usual 09:00.
    assert slots([cut], "2026-03-02", "2026-03-03", early) == [
        "03-02 07:30-08:30",
        "03-02 09:00-10:00",
        "03-02 10:00-11:00",
        "03-02 11:00-12:00",
    ]


def test_a_time_in_the_gap_takes_the_offset_before_it():
    # In Berlin on 29 March 2026 the clocks go from 02:00 to 03:00.
    assert instant(date(2026, 3, 29), 150, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    within = week({6: [(135, 165)]})
    assert slots([within], "2026-03-29", "2026-03-30") == ["03-29 03:15-03:45"]
    swallowed = week({6: [(150, 195)]})
    assert slots([swallowed], "2026-03-29", "2026-03-30") == []


def test_a_time_that_happens_twice_is_the_first():
    # In Berlin on 25 October 2026 the clocks go from 03:00 back to 02:00.
    assert instant(date(2026, 10, 25), 150, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    (first,) = expand([week({6: [(120, 150)]})], [], local("2026-10-25"), local("2026-10-26"))
    assert (first.start, first.end) == (
        datetime(2026, 10, 25, 0, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    )


def test_the_night_of_a_change_has_more_slots_or_fewer_and_each_is_as_long_as_ever():
    night = week(every_day((22, 30)), slot_minutes=60)
    assert len(slots([night], "2026-03-28T20:00", "2026-03-29T20:00")) == 7
    assert len(slots([night], "2026-10-24T20:00", "2026-10-25T20:00")) == 9
    assert len(slots([night], "2026-06-01T20:00", "2026-06-02T20:00")) == 8


def test_hours_that_a_gap_pushes_together_do_not_overlap():
    pushed = [(60, 150), (180, 240)]
    assert slots([week({6: pushed})], "2026-03-29", "2026-03-30") == [
        "03-29 01:00-03:30",
        "03-29 03:30-04:00",
    ]
    assert slots([week({6: pushed}, slot_minutes=45)], "2026-03-29", "2026-03-30") == [
        "03-29 01:00-01:45",
        "03-29 01:45-03:30",
    ]


def test_weeks_of_places_in_different_zones_are_each_meant_by_their_own_clocks():
    berlin, london = week({0: [(540, 600)]}), week({0: [(540, 600)]}, "Europe/London")
    found = expand([berlin, london], [], local("2026-03-02"), local("2026-03-03"))
    assert [one.start.hour for one in found] == [8, 9]


def test_every_zone_that_is_accepted_is_in_the_package():
    for name in _time_zones():
        assert zone_of(name).key == name
