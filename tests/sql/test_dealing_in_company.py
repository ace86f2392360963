"""Units are dealt again while others are at work: who waits for whom, and what comes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import raw
from tests.shop import at
from tests.sql.test_dealing import book_each, scattered, units_of

LONG = {"start": at(9), "end": at(15)}
LATE = {"start": at(12), "end": at(15)}


def of_two(shop):
    """Two slots of two providers, scattered alike: a booking of both, late, must make way in each.

    The slots, and the booking of both.
    """
    slots = [shop.slot(9, 15, capacity=2, provider_id=shop.provider()) for _ in range(2)]
    for slot in slots:
        gone, _ = book_each(shop, slot, (9, 10, 1), (9, 12, 1))
        shop.move("cancel_booking", gone)
    return slots, shop.book(*slots, **LATE)


def take(shop, owner, slot, unit, hours):
    """An owner writes a booking of one unit from hour to hour by hand; not committed yet."""
    during = "[{},{})".format(*(at(hour).isoformat() for hour in hours))
    units = f"{{[{unit},{unit + 1})}}"
    times = {"during": during}
    return raw.book(owner.connection, shop, slot, units=units, booking=times, claim=times)


def test_whoever_deals_again_locks_the_slot_first_and_then_who_makes_way(shop, sessions):
    slot = shop.slot(9, 15, capacity=2)
    early, late = scattered(shop, slot)
    blocker, probe, customer = sessions.owner(), sessions.owner(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM bookings WHERE id = %s FOR UPDATE", [late])
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, **LONG)
        locked = "SELECT FROM {} WHERE id = %s FOR UPDATE SKIP LOCKED"
        for table, row, free in (("slots", slot, 0), ("bookings", early, 1)):
            found = probe.connection.execute(locked.format(table), [row])
            assert found.rowcount == free, table
        assert units_of(shop, late) == [1]
    assert claim.result()["outcome"] == "CONFIRMED"
    assert units_of(shop, late) == [2]


def test_two_who_deal_one_booking_again_on_two_slots_follow_each_other(shop, sessions):
    slots, both = of_two(shop)
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction():
        assert first.claim(slots[0], **LONG)["outcome"] == "CONFIRMED"
        claim = second.begin_and_wait_for_lock(second.claim, slots[1], **LONG)
    assert claim.result()["outcome"] == "CONFIRMED"
    assert [units_of(shop, both, ordinal) for ordinal in (1, 2)] == [[2], [2]]
    assert len(shop.events(both)) == 1
    assert shop.violations() == []


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_who_makes_way_may_be_cancelled_just_before(shop, sessions, commits):
    slots, both = of_two(shop)
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction(force_rollback=not commits):
        assert first.call("cancel_booking", booking_id=both)["changed"]
        claim = second.begin_and_wait_for_lock(second.claim, slots[1], **LONG)
    assert claim.result()["outcome"] == "CONFIRMED"
    assert len(shop.claims(both)) == (0 if commits else 2)
    assert shop.violations() == []


def test_a_hold_that_somebody_expires_from_another_of_its_slots_is_waited_for(shop, sessions):
    slots = [shop.slot(9, 15, capacity=2, provider_id=shop.provider()) for _ in range(2)]
    for slot in slots:
        gone, _ = book_each(shop, slot, (9, 10, 1), (9, 12, 1))
        shop.move("cancel_booking", gone)
    hold = shop.lapsed_hold(*slots, **LATE)
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction():
        taken = first.claim(slots[0], **LATE, quantity=2)
        assert taken["outcome"] == "CONFIRMED"
        claim = second.begin_and_wait_for_lock(second.claim, slots[1], **LONG)
    # Its claim is gone: there was nobody left to make way, and the second look saw it.
    assert claim.result()["outcome"] == "CONFIRMED"
    assert (shop.booking(hold)["status"], shop.claims(hold)) == ("expired", [])
    assert shop.violations() == []


def test_holds_that_lapse_on_two_slots_are_locked_together_with_who_makes_way(shop, sessions):
    slots, both = of_two(shop)
    hold = shop.lapsed_hold(*slots, **LATE)
    low = min(both, hold)
    blocker, customer = sessions.owner(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM bookings WHERE id = %s FOR UPDATE", [low])
        claim = customer.begin_and_wait_for_lock(customer.claim, slots[0], **LONG)
        free = "SELECT FROM bookings WHERE id = ANY (%s) FOR UPDATE SKIP LOCKED"
        # In order of id: whoever comes second is not locked while the first is waited for.
        assert sessions.owner().connection.execute(free, [[both, hold]]).rowcount == 1
    assert claim.result()["outcome"] == "CONFIRMED"
    assert shop.booking(hold)["status"] == "expired"
    assert shop.violations() == []


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_a_raw_writer_in_flight_on_a_unit_that_is_dealt_is_waited_for(shop, sessions, commits):
    slot = shop.slot(9, 15, capacity=2)
    early, late = scattered(shop, slot)
    writer, customer = sessions.owner(), sessions.app()
    with writer.connection.transaction(force_rollback=not commits):
        # Where the late one shall go.
        take(shop, writer, slot, 2, (12, 13))
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, **LONG)
    assert claim.result()["outcome"] == ("BOOKING_CONFLICT" if commits else "CONFIRMED")
    assert (units_of(shop, early), units_of(shop, late)) == ([2], [1] if commits else [2])


def test_a_raw_writer_in_flight_is_in_the_way_only_if_heads_are_too_many(shop, sessions):
    slot = shop.slot(9, 15, capacity=3)
    early, late = scattered(shop, slot)
    writer, customer = sessions.owner(), sessions.app()
    with writer.connection.transaction():
        by_hand = take(shop, writer, slot, 3, (12, 14))
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, **LONG, quantity=2)
    assert (claim.result()["outcome"], claim.result()["facts"]["available"]) == (
        "INSUFFICIENT_INVENTORY", 1,
    )  # fmt: skip
    with shop.unchanged():
        assert shop.claim(slot, **LONG, quantity=2)["outcome"] == "INSUFFICIENT_INVENTORY"
    booked = shop.book(slot, **LONG)
    assert sorted(units_of(shop, b)[0] for b in (late, by_hand, booked)) == [1, 2, 3]
    assert units_of(shop, early) != units_of(shop, booked)


def test_a_hold_with_time_left_makes_way_like_anybody(shop):
    slot = shop.slot(9, 15, capacity=2)
    gone, _ = book_each(shop, slot, (9, 10, 1), (9, 12, 1))
    shop.move("cancel_booking", gone)
    (hold,) = book_each(shop, slot, (12, 15, 1), hold_for=timedelta(minutes=5))
    shop.book(slot, **LONG)
    assert (shop.booking(hold)["status"], units_of(shop, hold)) == ("held", [2])
    assert shop.move("confirm_booking", hold)["outcome"] == "CONFIRMED"
