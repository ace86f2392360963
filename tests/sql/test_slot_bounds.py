"""Which times a slot may have: what lies outside is a slip of somebody's hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.shop import at

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
TWENTY_YEARS = timedelta(days=365 * 20 + 5)
BEYOND = [
    (timedelta(), MINUTE - SECOND, "end", "slot_too_short"),
    (timedelta(), timedelta(microseconds=1), "end", "slot_too_short"),
    (timedelta(), 366 * DAY + SECOND, "end", "slot_too_long"),
    (TWENTY_YEARS + DAY, MINUTE, "start", "slot_too_far_ahead"),
    (TWENTY_YEARS - 2 * DAY, 4 * DAY, "end", "slot_too_far_ahead"),
    (-TWENTY_YEARS - DAY, 2 * DAY, "start", "slot_too_far_back"),
]
WITHIN = [
    (timedelta(), MINUTE),
    (timedelta(), 366 * DAY),
    (TWENTY_YEARS - 2 * DAY, DAY),
    (2 * DAY - TWENTY_YEARS, DAY),
]


@pytest.mark.parametrize("away, length, field, reason", BEYOND)
def test_a_slot_that_nobody_means_is_neither_published_nor_made(shop, away, length, field, reason):
    start = datetime.now(UTC) + away
    slot = shop.slot()
    times = {"start": start, "end": start + length}
    fine = {"start": at(12), "end": at(13)}
    with shop.unchanged():
        published = shop.publish([fine, times])
        resized = shop.call("resize_slot", slot_id=slot, **times)[0]
    facts = {"field": field, "reason": reason}
    assert (published["outcome"], published["facts"]) == (
        "INVALID_DATE_RANGE",
        facts | {"index": 1},
    )
    assert (resized["outcome"], resized["facts"]) == ("INVALID_DATE_RANGE", facts)


@pytest.mark.parametrize("away, length", WITHIN)
def test_the_shortest_longest_and_remotest_slots_are_published_and_made(shop, away, length):
    start = datetime.now(UTC) + away
    published = shop.publish([{"start": start, "end": start + length}])
    assert published["outcome"] == "PUBLISHED"
    slot = shop.slot(provider_id=shop.provider())
    resized = shop.call("resize_slot", slot_id=slot, start=start, end=start + length)[0]
    assert resized["outcome"] == "RESIZED"


def test_a_slot_from_before_there_were_bounds_keeps_its_times_and_can_be_changed_otherwise(shop):
    slot = shop.slot()
    shop.owner.execute(
        "UPDATE slots SET during = '[2900-01-01, 2999-01-01)' WHERE vendor_id = %s",
        [shop.vendor_id],
    )
    assert shop.call("resize_slot", slot_id=slot, capacity=3)[0]["outcome"] == "RESIZED"
    moved = shop.call("resize_slot", slot_id=slot, end="2998-01-01T00:00:00Z")[0]
    assert moved["facts"]["reason"] == "slot_too_far_ahead"
