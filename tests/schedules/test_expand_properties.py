"""What holds of every schedule on every day, above all where the clocks change.

A sample of zones every run; all of tzdata with SLOTKEEPER_TEST_ZONES=all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.schedules.expand import DAY, Deviation, Hours, Week, expand, instant, zone_of
from tests.weeks import (
    MINUTE,
    SAMPLE,
    ZONES,
    changes_of,
    modelled,
    modelled_instant,
    shown_at,
    week,
)

each_zone = pytest.mark.parametrize("name", ZONES)
EXAMPLES = settings(max_examples=10 if ZONES == SAMPLE else 25, deadline=None)


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Hours that do not overlap by the clock, in steps of five minutes."""
    edges = sorted(draw(st.sets(st.integers(0, 287), max_size=6)))
    hours = [(5 * one, 5 * other) for one, other in zip(edges[::2], edges[1::2], strict=False)]
    if edges and len(edges) % 2:
        # The last reaches midnight or beyond, before the first of the next day begins.
        hours.append((5 * edges[-1], 1440 + draw(st.integers(0, edges[0])) * 5))
    return [(start, end) for start, end in hours if end > start]


@st.composite
def weeks(draw: st.DrawFn, name: str) -> Week:
    """A schedule with the same hours every day, so that each change of the clocks meets them."""
    length = draw(st.none() | st.integers(1, 48).map(lambda n: 5 * n))
    return week(
        [draw(hours_of_a_day())] * 7,
        name,
        slot_minutes=length,
        gap_minutes=0 if length is None else draw(st.sampled_from([0, 0, 5, 20])),
    )


def days_of(name: str) -> st.SearchStrategy[date]:
    """Days of the years looked at, most of them those on which the zone's clocks change."""
    any_day = st.dates(date(2024, 1, 5), date(2028, 12, 20))
    changes = [change.day(zone_of(name)) for change in changes_of(name)]
    return st.sampled_from(changes) | any_day if changes else any_day


def around(day: date, name: str) -> tuple[datetime, datetime]:
    """From a day before to two days after, by the clocks of the zone."""
    zone = zone_of(name)
    return instant(day - DAY, 0, zone), instant(day + 2 * DAY, 0, zone)


@each_zone
@EXAMPLES
@given(data=st.data())
def test_slots_come_in_order_and_never_overlap_and_have_their_length(name, data):
    of = data.draw(weeks(name))
    start, end = around(data.draw(days_of(name)), name)
    found = expand([of], [], start, end)
    for one, other in pairwise(found):
        assert one.end <= other.start
    for one in found:
        assert start <= one.start < end
        assert one.start < one.end
        if of.slot_minutes is not None:
            assert one.end - one.start == of.slot_minutes * MINUTE


@each_zone
@EXAMPLES
@given(data=st.data())
def test_the_independent_model_finds_the_same_slots(name, data):
    of = data.draw(weeks(name))
    start, end = around(data.draw(days_of(name)), name)
    assert [(one.start, one.end) for one in expand([of], [], start, end)] == modelled(
        of, start, end
    )


@each_zone
@EXAMPLES
@given(data=st.data())
def test_what_the_clocks_show_at_an_instant_is_what_was_written_unless_they_skip_it(name, data):
    zone = zone_of(name)
    day, minutes = data.draw(days_of(name)), data.draw(st.integers(0, 2 * 1440))
    written = datetime(day.year, day.month, day.day) + minutes * MINUTE  # noqa: DTZ001  # As the clock shows it.
    found = instant(day, minutes, zone)
    assert found == modelled_instant(written, zone)
    if shown_at(found, zone) != written:
        # A gap: the clocks show more by as much as they skip.
        assert any(
            change.forward > timedelta(0)
            and shown_at(found, zone) - written == change.forward
            and change.before < found <= change.before + change.forward
            for change in changes_of(name)
        )


@each_zone
def test_every_minute_of_a_gap_takes_the_offset_before_and_of_two_is_the_first(name):
    zone = zone_of(name)
    for change in changes_of(name):
        before = shown_at(change.before, zone) + MINUTE
        for n in range(int(abs(change.forward) / MINUTE)):
            # Forward: what is skipped. Back: what comes again, and was there already.
            shown = (
                before + n * MINUTE if change.forward > timedelta(0) else before - (n + 1) * MINUTE
            )
            day = shown.date()
            minutes = int((shown - datetime(day.year, day.month, day.day)) / MINUTE)  # noqa: DTZ001  # As above.
            by_the_old_offset = change.before + (shown - shown_at(change.before, zone))
            assert instant(day, minutes, zone) == by_the_old_offset, shown


@each_zone
@EXAMPLES
@given(data=st.data())
def test_a_window_shows_what_a_larger_one_shows_of_it(name, data):
    of = [data.draw(weeks(name)), data.draw(weeks(name))]
    day = data.draw(days_of(name))
    said = data.draw(st.lists(deviations(day), max_size=4))
    start, end = around(day, name)
    large = expand(of, said, start - 3 * DAY, end + 3 * DAY)
    # Three days have less than so many minutes where the clocks go forward.
    split = min(data.draw(st.integers(0, 3 * 1440)) * MINUTE + start, end)
    parts = expand(of, said, start, split) + expand(of, said, split, end)
    assert parts == [one for one in large if start <= one.start < end]


@st.composite
def deviations(draw: st.DrawFn, day: date) -> Deviation:
    """An exception around a day, for all schedules."""
    starts_on = day + draw(st.integers(-2, 2)) * DAY
    kind = draw(st.sampled_from(["closed", "extra", "other"]))
    hours = tuple(Hours(*one) for one in draw(hours_of_a_day()))
    ends_on = starts_on + draw(st.integers(0, 3)) * DAY
    return Deviation(None, starts_on, ends_on, kind, () if kind == "closed" else hours)


@each_zone
@EXAMPLES
@given(data=st.data())
def test_with_exceptions_and_several_schedules_nothing_overlaps(name, data):
    of = [data.draw(weeks(name)), data.draw(weeks(name))]
    day = data.draw(days_of(name))
    found = expand(of, data.draw(st.lists(deviations(day), max_size=4)), *around(day, name))
    for one, other in pairwise(found):
        assert one.end <= other.start


@each_zone
@EXAMPLES
@given(data=st.data())
def test_a_closed_day_is_as_if_the_schedule_ended_before_and_began_again_after(name, data):
    of = data.draw(weeks(name))
    day = data.draw(days_of(name))
    apart = [replace(of, valid_until=day - DAY), replace(of, valid_from=day + DAY)]
    closed = Deviation(None, day, day, "closed")
    found, wanted = (
        [(one.start, one.end) for one in expand(*given, *around(day, name))]
        for given in (([of], [closed]), (apart, []))
    )
    assert found == wanted


@each_zone
def test_the_same_hours_by_the_clock_are_found_on_every_day_of_every_year(name):
    zone = zone_of(name)
    of = week([[(540, 720)]] * 7, name)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    found = expand([of], [], start, start + 366 * DAY)
    clocks = {(shown_at(one.start, zone).time(), shown_at(one.end, zone).time()) for one in found}
    assert len(found) in {365, 366, 367}
    # Nowhere do the clocks change between nine and noon.
    assert len(clocks) == 1
