"""Units are dealt again where head-count allows a request that no unit is free for throughout."""

from __future__ import annotations

from tests.shop import at


def book_each(shop, slot, *times, **more):
    """A booking for each (first hour, last hour, places), in turn; their ids."""
    return [
        shop.book(slot, start=at(first), end=at(last), quantity=quantity, **more)
        for first, last, quantity in times
    ]


def scattered(shop, slot):
    """Of two units from 9 to 15 one is taken early and one late; the two bookings."""
    gone, early = book_each(shop, slot, (9, 10, 1), (9, 12, 1))
    shop.move("cancel_booking", gone)
    (late,) = book_each(shop, slot, (12, 15, 1))
    assert units_of(shop, early) == [2]
    assert units_of(shop, late) == [1]
    return early, late


def every_claim(shop):
    """All claims of the vendor."""
    return shop.rows("SELECT * FROM claims WHERE vendor_id = %s")


def units_of(shop, booking_id, ordinal=1):
    """The unit numbers of a claim."""
    found = shop.claims(booking_id)[ordinal - 1]["units"]
    return [unit for run in found for unit in range(run.lower, run.upper)]


def test_whoever_makes_way_has_another_unit_and_neither_a_new_version_nor_an_event(shop):
    slot = shop.slot(9, 15, capacity=2)
    early, late = scattered(shop, slot)
    before = {b: (shop.booking(b), shop.events(b), shop.claims(b)) for b in (early, late)}
    booked = shop.book(slot, start=at(9), end=at(15))
    for booking_id, (row, events, claims) in before.items():
        assert (shop.booking(booking_id), shop.events(booking_id)) == (row, events)
        unlike = [claim | {"units": None} for claim in shop.claims(booking_id)]
        assert unlike == [claim | {"units": None} for claim in claims]
    assert (units_of(shop, early), units_of(shop, booked), units_of(shop, late)) == ([2], [1], [2])
    assert shop.violations() == []


def test_who_began_before_keeps_its_unit_and_nobody_is_dealt_anew_without_need(shop):
    slot = shop.slot(0, 24, capacity=3)
    first, second = book_each(shop, slot, (0, 12, 1), (0, 6, 1))
    third, fourth, fifth = book_each(shop, slot, (8, 20, 1), (6, 10, 1), (20, 24, 3))
    shop.move("cancel_booking", second)
    claims = {b: shop.claims(b) for b in (first, third, fourth, fifth)}
    with shop.app.transaction(force_rollback=True):
        shop.book(slot, start=at(0), end=at(8))
        assert {b: shop.claims(b) for b in claims} == claims
    shop.move("cancel_booking", fourth)
    shop.book(slot, start=at(0), end=at(20))
    assert shop.claims(first) == claims[first]
    assert shop.claims(fifth) == claims[fifth]


def test_a_cancelled_booking_is_claimed_again_by_dealing_again(shop):
    slot = shop.slot(9, 15, capacity=2)
    (cancelled,) = book_each(shop, slot, (9, 15, 1))
    shop.move("cancel_booking", cancelled)
    early, late = scattered(shop, slot)
    assert shop.move("confirm_booking", cancelled)["outcome"] == "CONFIRMED"
    assert sorted(units_of(shop, b)[0] for b in (cancelled, early)) == [1, 2]
    assert sorted(units_of(shop, b)[0] for b in (cancelled, late)) == [1, 2]
    assert len(shop.events(late)) == 1
    assert shop.violations() == []


def test_time_is_blocked_by_dealing_again(shop):
    slot = shop.slot(9, 15, capacity=2)
    scattered(shop, slot)
    block = {"provider_id": shop.provider_id, "start": at(9), "end": at(15)}
    assert shop.call("block_time", **block)[0]["outcome"] == "INSUFFICIENT_INVENTORY"
    assert shop.call("block_time", **block, quantity=1)[0]["outcome"] == "CONFIRMED"
    assert shop.violations() == []


def test_a_slot_of_fewer_places_deals_those_units_that_stay(shop):
    slot = shop.slot(9, 15, capacity=3)
    gone, kept, moved = book_each(shop, slot, (9, 10, 1), (9, 12, 1), (9, 15, 1))
    shop.move("cancel_booking", gone)
    (late,) = book_each(shop, slot, (12, 15, 1))
    (answer,) = shop.call("resize_slot", slot_id=slot, capacity=1)
    assert answer["outcome"] == "SLOT_IN_USE"
    assert {b["booking_id"] for b in answer["facts"]["bookings"]} == {
        str(b) for b in (kept, moved, late)
    }
    (answer,) = shop.call("resize_slot", slot_id=slot, capacity=2)
    assert (answer["outcome"], answer["facts"]["capacity"]) == ("RESIZED", 2)
    assert [units_of(shop, b) for b in (kept, moved, late)] == [[2], [1], [2]]
    assert [len(shop.events(b)) for b in (kept, moved, late)] == [1, 1, 1]
    assert shop.violations() == []


def test_a_refused_change_of_a_slot_deals_nothing(shop):
    slot, _ = shop.slot(9, 15, capacity=3), shop.slot(16, 17)
    gone, _ = book_each(shop, slot, (9, 10, 2), (9, 15, 1))
    shop.move("cancel_booking", gone)
    with shop.unchanged():
        (answer,) = shop.call("resize_slot", slot_id=slot, capacity=1, end=at(17))
    assert answer["outcome"] == "SLOT_OVERLAP"


def test_of_a_booking_of_several_slots_one_claim_may_be_dealt_again(shop):
    room = shop.provider()
    chair, table = shop.slot(9, 15, capacity=2), shop.slot(9, 15, capacity=2, provider_id=room)
    gone, early = book_each(shop, chair, (9, 10, 1), (9, 12, 1))
    shop.move("cancel_booking", gone)
    both = shop.book(chair, table, start=at(12), end=at(15))
    kept = shop.claims(both)[1]
    booked = shop.book(chair, start=at(9), end=at(15))
    assert (units_of(shop, early), units_of(shop, booked), units_of(shop, both)) == ([2], [1], [2])
    assert shop.claims(both)[1] == kept
    assert len(shop.events(both)) == 1
    assert shop.violations() == []
    assert shop.move("cancel_booking", both)["outcome"] == "CANCELLED"
    assert shop.claims(both) == []


def test_a_booking_of_several_slots_has_room_made_in_all_of_them(shop):
    slots = [shop.slot(9, 15, capacity=2, provider_id=shop.provider()) for _ in range(2)]
    late = [scattered(shop, slot)[1] for slot in slots]
    both = shop.book(*slots, start=at(9), end=at(15))
    assert [units_of(shop, both, ordinal) for ordinal in (1, 2)] == [[1], [1]]
    assert [units_of(shop, b) for b in late] == [[2], [2]]
    assert shop.violations() == []


def test_a_lapsed_hold_in_the_way_is_expired_before_others_are_dealt_again(shop):
    slot = shop.slot(9, 15, capacity=2)
    early, late = scattered(shop, slot)
    hold = shop.lapsed_hold(slot, start=at(9), end=at(15))
    booked = shop.book(slot, start=at(9), end=at(15))
    assert shop.booking(hold)["status"] == "expired"
    assert [units_of(shop, b) for b in (early, late, booked)] in ([[2], [2], [1]], [[1], [1], [2]])
    assert shop.violations() == []


def test_a_refusal_says_how_many_places_are_free_throughout_by_head_count(shop):
    slot = shop.slot(9, 15, capacity=2)
    scattered(shop, slot)
    answer = shop.claim(slot, start=at(9), end=at(15), quantity=2)
    assert answer["outcome"] == "INSUFFICIENT_INVENTORY"
    assert answer["facts"]["available"] == 1
    with shop.unchanged():
        assert shop.claim(slot, quantity=3)["outcome"] == "INSUFFICIENT_INVENTORY"


def test_what_is_free_by_head_count_is_offered_instead(shop):
    colleague = shop.provider()
    wanted = shop.slot(9, 15)
    other = shop.slot(9, 15, capacity=2, provider_id=colleague)
    scattered(shop, other)
    shop.book(wanted)
    for times in ({}, {"start": at(9), "end": at(15)}, {"start": at(10), "end": at(14)}):
        (offered,) = shop.claim(wanted, **times)["facts"]["alternatives"]
        assert (offered["slot_ids"], offered["available"]) == ([str(other)], 1)


def test_in_a_year_of_parts_only_those_in_the_way_are_dealt_again(shop):
    slot = shop.slot(at(0), at(0, day=365), capacity=2)
    with shop.app.transaction():
        for hour in range(0, 365 * 24, 24):
            gone, _ = book_each(shop, slot, (hour + 8, hour + 9, 1), (hour + 8, hour + 20, 1))
            shop.move("cancel_booking", gone)
            book_each(shop, slot, (hour + 20, hour + 24, 1))
    before = {row["booking_id"]: row for row in every_claim(shop)}
    shop.book(slot, start=at(0, day=100), end=at(8, day=101))
    after = {row["booking_id"]: row for row in every_claim(shop)}
    moved = [before[b] for b in before if after[b] != before[b]]
    assert [claim["during"].lower for claim in moved] == [at(20, day=100)]
    assert shop.violations() == []
