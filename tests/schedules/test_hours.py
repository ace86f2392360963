"""Hours as people write them, and which of them cannot stand beside each other."""

from __future__ import annotations

from datetime import date

import pytest

from app.schedules.expand import Hours
from app.schedules.hours import (
    overlap_in_week,
    overlap_of_weeks,
    overlapping,
    read_hours,
    read_week,
)
from tests.weeks import every_day, week


@pytest.mark.parametrize(
    "written, minutes",
    [
        (["09:00", "17:30"], (540, 1050)),
        (["00:00", "24:00"], (0, 1440)),
        (["22:00", "02:00"], (1320, 1560)),
        (["15:00", "11:00"], (900, 2100)),
        (["18:00", "00:00"], (1080, 1440)),
        (["09:00", "09:00"], (540, 1980)),
    ],
)
def test_an_end_that_is_not_after_its_start_is_on_the_next_day(written, minutes):
    assert read_hours(written) == Hours(*minutes)


@pytest.mark.parametrize(
    "written",
    [
        ["9:00", "17:00"],
        ["09:00"],
        ["09:00", "12:00", "13:00"],
        ["09:00", "25:00"],
        ["09:00", "24:01"],
        ["09:60", "12:00"],
        ["24:00", "02:00"],
        ["09:00:00", "12:00"],
        ["\u0660\u0669:\u0660\u0660", "12:00"],
        ["", ""],
    ],
)
def test_what_is_no_time_of_the_clock_is_refused(written):
    with pytest.raises(ValueError, match=r"by the clock|24:00"):
        read_hours(written)


def test_days_that_are_not_named_are_closed():
    days = read_week({"sunday": [["14:00", "16:00"], ["09:00", "12:00"]]})
    assert days == ((),) * 6 + ((Hours(540, 720), Hours(840, 960)),)


def test_hours_that_touch_do_not_overlap():
    assert not overlapping([Hours(720, 840), Hours(540, 720)])
    assert overlapping([Hours(720, 840), Hours(540, 721)])


def test_hours_past_midnight_overlap_the_next_days_and_sundays_those_of_monday():
    assert overlap_in_week(read_week({"monday": [["22:00", "02:00"]]})) is None
    days = {"monday": [["22:00", "02:00"]], "tuesday": [["01:30", "03:00"]]}
    assert overlap_in_week(read_week(days)) == "tuesday"
    days = {"sunday": [["22:00", "02:00"]], "monday": [["01:30", "03:00"]]}
    assert overlap_in_week(read_week(days)) == "monday"
    assert (
        overlap_in_week(read_week({"sunday": [["22:00", "02:00"]], "monday": [["02:00", "03:00"]]}))
        is None
    )
    assert (
        overlap_in_week(read_week({"friday": [["09:00", "12:00"], ["11:00", "13:00"]]})) == "friday"
    )
    assert overlap_in_week(read_week({})) is None


def test_two_schedules_overlap_only_on_a_day_that_both_hold_on():
    winter = week(every_day((9, 12)), valid_until=date(2026, 3, 31))
    summer = week(every_day((9, 12)), valid_from=date(2026, 4, 1))
    assert overlap_of_weeks(winter, summer) is None
    early = week(every_day((11, 14)), valid_from=date(2026, 3, 31))
    assert overlap_of_weeks(winter, early) == date(2026, 3, 31)
    assert overlap_of_weeks(early, summer) == date(2026, 4, 1)
    afternoons = week(every_day((12, 15)), valid_from=date(2026, 3, 1))
    assert overlap_of_weeks(winter, afternoons) is None
    # Mondays here, Tuesdays there; but a Monday's night reaches into Tuesday.
    nights = week({0: [(1320, 1560)]})
    assert overlap_of_weeks(nights, week({1: [(540, 720)]})) is None
    assert overlap_of_weeks(nights, week({1: [(60, 120)]})) is not None
