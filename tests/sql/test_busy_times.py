"""Busy time: whatever is published in it is closed, now and later, and opens again when it goes."""

from __future__ import annotations

import json
import uuid

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.leave import Leave
from tests.rota import Rota, counts, in_the_way
from tests.shop import Shop, at, call
from tests.sweep import assert_clean


@pytest.fixture
def leave(shop: Shop) -> Leave:
    """Busy times of the shop; the laws and promises hold after the test."""
    leave = Leave(shop)
    yield leave
    leave.assert_closed()
    assert_clean(shop.owner, shop.vendor_id)


def test_what_is_published_in_busy_time_is_closed_and_the_rest_is_not(leave, shop):
    first, second = shop.slot(9, 12), shop.slot(13, 17)
    leave.busy(11, 14, "Dentist")
    assert leave.blocks() == [(11, 12, 1), (13, 14, 1)]
    refused = shop.claim(first, start=at(11), end=at(12))
    assert (refused["outcome"], refused["facts"]["reason"]) == ("BOOKING_CONFLICT", "blocked")
    shop.book(first, start=at(9), end=at(11))
    shop.book(second, start=at(14), end=at(17))
    for block_id in leave.block_ids():
        block = shop.booking(block_id)
        assert (block["kind"], block["notes"], block["customer_id"]) == ("block", "Dentist", None)


def test_all_places_of_a_slot_are_closed_and_those_that_are_booked_stay(leave, shop):
    slot = shop.slot(9, 13, capacity=12)
    booked = [
        shop.book(slot, quantity=3, start=at(9), end=at(11)),
        shop.book(slot, start=at(10), end=at(12)),
    ]
    leave.busy(8, 12.5)
    assert leave.blocks() == [(9, 10, 9), (10, 11, 8), (11, 12, 11), (12, 12.5, 12)]
    assert leave.in_the_way() == booked


def test_the_second_run_changes_nothing_and_locks_nothing(leave, shop, sessions):
    shop.book(shop.slot(9, 12), start=at(10), end=at(11))
    leave.busy(9, 12)
    other = sessions.owner()
    with other.connection.transaction(), shop.unchanged():
        other.connection.execute("SELECT FROM slots FOR UPDATE")
        assert leave.close() == {"changed": False, "blocked": 0, "lifted": 0}


def test_busy_time_that_is_gone_opens_what_it_closed(leave, shop):
    slot = shop.slot(9, 12)
    busy = leave.busy(9, 12)
    assert leave.end(busy) == {"changed": True, "blocked": 0, "lifted": 1}
    shop.book(slot)


def test_busy_time_that_moves_takes_its_blocks_along(leave, shop):
    shop.slot(9, 12)
    busy = leave.busy(9, 10)
    assert leave.move(busy, 11, 13) == {"changed": True, "blocked": 1, "lifted": 1}
    assert leave.blocks() == [(11, 12, 1)]
    assert leave.move(busy, 10, 13) == {"changed": True, "blocked": 1, "lifted": 0}
    assert leave.blocks() == [(10, 11, 1), (11, 12, 1)]


def test_another_reason_is_told_by_the_blocks_at_once(leave, shop):
    shop.slot(9, 12)
    busy = leave.busy(9, 10, "Dentist")
    leave.change(busy, "reason = %s", "Away")
    (block_id,) = leave.block_ids()
    assert shop.booking(block_id)["notes"] == "Away"


def test_time_that_two_cover_opens_only_when_both_are_gone(leave, shop):
    slot = shop.slot(9, 12)
    first, second = leave.busy(9, 11), leave.busy(10, 12)
    assert leave.blocks() == [(9, 11, 1), (11, 12, 1)]
    leave.end(first)
    assert sorted(leave.blocks()) == [(10, 11, 1), (11, 12, 1)]
    leave.end(second)
    shop.book(slot)


def test_what_is_published_later_is_closed_before_anybody_sees_it(leave, shop):
    leave.busy(10, 14)
    slot = shop.slot(9, 12)
    assert leave.blocks() == [(10, 12, 1)]
    shop.book(slot, start=at(9), end=at(10))


def test_a_slot_that_grows_into_busy_time_or_gets_more_places_is_closed_there(leave, shop):
    leave.busy(11, 14)
    slot = shop.slot(9, 11)
    assert shop.call("resize_slot", slot_id=slot, end=at(12))[0]["outcome"] == "RESIZED"
    assert leave.blocks() == [(11, 12, 1)]
    assert shop.call("resize_slot", slot_id=slot, capacity=3)[0]["outcome"] == "RESIZED"
    assert leave.blocks() == [(11, 12, 3)]
    assert shop.call("resize_slot", slot_id=slot, capacity=1, end=at(11))[0]["outcome"] == "RESIZED"
    assert leave.blocks() == []


def test_a_slot_that_cannot_change_keeps_its_blocks_as_they_were(leave, shop):
    slot = shop.slot(9, 12)
    shop.book(slot, start=at(9), end=at(10))
    leave.busy(10, 12)
    with shop.unchanged():
        assert shop.call("resize_slot", slot_id=slot, start=at(10))[0]["outcome"] == "SLOT_IN_USE"
        assert shop.call("delete_slot", slot_id=slot)[0]["outcome"] == "SLOT_IN_USE"
        assert not shop.call("resize_slot", slot_id=slot, capacity=1)[0]["changed"]


def test_a_slot_that_only_busy_time_holds_can_be_deleted(leave, shop):
    slot = shop.slot(9, 12)
    leave.busy(10, 12)
    assert shop.call("delete_slot", slot_id=slot)[0]["outcome"] == "DELETED"
    assert leave.blocks() == []


def test_a_booking_cancelled_in_busy_time_leaves_its_places_to_it(leave, shop):
    slot = shop.slot(9, 12, capacity=2)
    booking = shop.book(slot, start=at(9), end=at(11))
    leave.busy(10, 12)
    assert shop.move("cancel_booking", booking)["outcome"] == "CANCELLED"
    leave.assert_closed()
    refused = shop.claim(slot, start=at(10), end=at(11))
    assert refused["outcome"] == "BOOKING_CONFLICT"
    assert shop.move("confirm_booking", booking)["outcome"] == "BOOKING_CONFLICT"
    shop.book(slot, start=at(9), end=at(10), quantity=2)


def test_a_joint_booking_leaves_to_each_provider_what_is_theirs(leave, shop):
    room = shop.provider()
    slots = [shop.slot(9, 12), shop.slot(9, 12, provider_id=room)]
    booking = shop.book(*slots, start=at(9), end=at(11))
    leave.busy(10, 11, provider_id=room)
    leave.busy(9, 10)
    shop.move("cancel_booking", booking)
    assert leave.blocks() == [(9, 10, 1), (10, 11, 1)]
    shop.book(slots[1], start=at(9), end=at(10))


def test_a_lapsed_hold_in_busy_time_is_nobodys_chance(leave, shop):
    slot = shop.slot(9, 12)
    shop.lapsed_hold(slot, start=at(9), end=at(11))
    leave.busy(9, 12, close=False)
    window = {"from": at(0), "to": at(24)}
    free = shop.call("list_availability", **window)[0]["free"]
    assert [(one["start"][11:13], one["end"][11:13]) for one in free] == [("11", "12")]
    hour = shop.service(60)
    found = shop.call("search_times", service_id=hour, **window)[0]["items"]
    assert [one["start"][11:16] for one in json.loads(f"[{found}]")] == ["11:00"]
    # Whoever comes first finds it closed, though nobody has reconciled yet.
    assert shop.claim(slot, start=at(10), end=at(11))["outcome"] == "BOOKING_CONFLICT"
    leave.close()
    assert sum(end - start for start, end, _ in leave.blocks()) == 3


@pytest.mark.parametrize("capacity", [1, 3])
def test_what_is_free_beside_a_lapsed_hold_is_closed_at_once(leave, shop, capacity):
    slot = shop.slot(9, 12, capacity=capacity)
    shop.lapsed_hold(slot, start=at(10), end=at(11), quantity=min(capacity, 2))
    leave.busy(9, 12)
    leave.assert_closed()
    for hour in (9, 10, 11):
        refused = shop.claim(slot, start=at(hour), end=at(hour + 1))
        assert refused["outcome"] == "BOOKING_CONFLICT"


def test_a_hold_that_lapses_in_busy_time_is_swept_into_it(leave, shop):
    slot = shop.slot(9, 12)
    shop.lapsed_hold(slot)
    leave.busy(9, 10, close=False)
    assert shop.call("expire_holds")[0]["expire_holds"] == 1
    assert leave.blocks() == [(9, 10, 1)]
    shop.book(slot, start=at(10), end=at(12))


def test_a_block_that_stands_for_busy_time_cannot_be_lifted_by_hand(leave, shop):
    shop.slot(9, 12)
    busy = leave.busy(9, 10)
    (block_id,) = leave.block_ids()
    with shop.unchanged():
        answer = shop.move("unblock_time", block_id)
    assert answer["outcome"] == "BOOKING_STATE_CONFLICT"
    assert (answer["facts"]["reason"], answer["facts"]["busy_time_id"]) == ("busy_time", str(busy))


def test_a_block_made_by_hand_stays_and_what_it_held_is_closed_when_it_is_lifted(leave, shop):
    shop.slot(9, 12)
    block = shop.call("block_time", provider_id=shop.provider_id, start=at(9), end=at(11))[0]
    leave.busy(10, 12)
    assert leave.blocks() == [(11, 12, 1)]
    assert shop.move("unblock_time", block["booking_id"])["outcome"] == "CANCELLED"
    assert leave.blocks() == [(10, 11, 1), (11, 12, 1)]


def test_busy_time_of_others_and_busy_time_that_is_over_close_nothing(leave, shop):
    shop.slot(9, 12)
    leave.busy(9, 12, provider_id=shop.provider())
    leave.busy(-300_000, -299_000)
    assert leave.blocks() == []


def test_schedules_publish_closed_what_is_busy_and_change_as_if_nothing_stood_there(leave, shop):
    rota = Rota(shop)
    leave.busy(10, 11.5)
    rota.apply(rota.wanted((9, 10), (10, 11), (11, 12)))
    assert leave.blocks() == [(10, 11, 1), (11, 11.5, 1)]
    facts = rota.apply(rota.wanted((9, 10), (10.5, 12)))
    assert counts(facts) == (1, 2, 0, 1)
    assert in_the_way(facts) == []
    assert rota.hours() == [(9, 10), (10.5, 12)]
    assert leave.blocks() == [(10.5, 11.5, 1)]
    with shop.unchanged():
        assert not rota.apply(rota.wanted((9, 10), (10.5, 12)))["changed"]


def test_bookings_keep_their_time_beside_blocks_that_follow_a_schedule(leave, shop):
    rota = Rota(shop)
    rota.apply(rota.wanted((9, 12), whole=False))
    booking = rota.book(9, 10)
    leave.busy(9, 12)
    facts = rota.apply([])
    assert in_the_way(facts) == [str(booking)]
    assert rota.hours() == [(9, 10)]
    assert leave.blocks() == []


def test_a_claim_in_flight_comes_before_the_busy_time_that_waits_for_it(leave, shop, sessions):
    slot = shop.slot(9, 10)
    leave.busy(9, 10, close=False)
    claimant, closer = sessions.app(), sessions.app()
    with claimant.connection.transaction():
        booking = claimant.claim(slot)["booking_id"]
        closing = closer.begin_and_wait_for_lock(
            closer.call, "close_busy_time", provider_id=shop.provider_id
        )
    assert closing.result()["facts"] == {"blocked": 0, "lifted": 0}
    assert leave.in_the_way() == [booking]


def test_whoever_publishes_waits_for_busy_time_that_is_being_made(leave, shop, sessions):
    maker, publisher = sessions.app(), sessions.app()
    wanted = Jsonb([{"start": at(9).isoformat(), "end": at(10).isoformat(), "capacity": 1}])
    with maker.connection.transaction():
        maker.call("lock_schedules", provider_id=shop.provider_id)
        leave.busy(9, 10, close=False)
        publishing = publisher.begin_and_wait_for_lock(
            publisher.call, "publish_slots", provider_id=shop.provider_id, slots=wanted
        )
    assert publishing.result()["outcome"] == "PUBLISHED"
    assert leave.blocks() == [(9, 10, 1)]


def test_a_broken_caller_is_told_so(shop):
    with pytest.raises(psycopg.Error) as refusal:
        shop.call("close_busy_time", provider_id=uuid.uuid4(), actor=None)
    assert refusal.value.sqlstate == "SK001"


def test_where_one_busy_time_ends_and_another_begins_both_are_closed(leave, shop):
    shop.slot(8, 18)
    first = leave.busy(8, 10)
    leave.busy(9, 10)
    leave.move(first, 8, 9)
    assert leave.blocks() == [(8, 9, 1), (9, 10, 1)]


def test_busy_time_over_many_slots_is_closed_and_opened_in_pieces_in_order(leave, shop):
    slots = sorted(shop.slot(hour, hour + 1) for hour in range(9, 16))
    shop.lapsed_hold(slots[1])
    busy = leave.busy(9, 16, close=False)

    def pieces() -> list[tuple[int, str | None]]:
        found, after, more = [], None, True
        while more:
            given = {"provider_id": shop.provider_id, "after": after, "most": 3}
            facts = shop.call("close_busy_time", **given)[0]["facts"]
            more, after = "next" in facts, facts.get("next")
            found.append((facts["blocked"] + facts["lifted"], after))
        return found

    done = [(3, str(slots[2])), (3, str(slots[5])), (1, None)]
    # What a lapsed hold leaves to the busy time is blocked as it goes.
    assert pieces() == [(2, str(slots[2])), *done[1:]]
    leave.assert_closed()
    assert pieces() == [(0, None)]
    shop.app.execute("UPDATE busy_times SET archived_at = now() WHERE id = %s", [busy])
    assert pieces() == done
    assert leave.blocks() == []


def test_whoever_publishes_locks_what_busy_time_closes_in_the_order_of_all(leave, shop, sessions):
    rota = Rota(shop)
    rota.apply(rota.wanted((9, 10), (10, 11)))
    first, second = sorted((rota.slot_at(9), rota.slot_at(10)))
    assert first == rota.slot_at(9)
    shop.lapsed_hold(first)
    leave.busy(9, 10, close=False)
    claimant, publisher = sessions.owner(), sessions.app()
    with claimant.connection.transaction():
        call(claimant.connection, "lock_slots", vendor_id=shop.vendor_id, slot_ids=[first])
        publishing = publisher.begin_and_wait_for_lock(
            rota.answer, rota.wanted((9, 10), (10, 11.5)), publisher.connection
        )
        # Held by the publisher it would be a deadlock.
        call(claimant.connection, "lock_slots", vendor_id=shop.vendor_id, slot_ids=[second])
    assert publishing.result()["outcome"] == "PUBLISHED"
    assert rota.hours() == [(9, 10), (10, 11.5)]


def test_lapsed_holds_are_looked_up_and_not_compared_one_by_one(shop):
    """With every claim: thousands of both are there when the worker has been away."""
    (source,) = shop.owner.execute(
        "SELECT prosrc FROM pg_proc WHERE proname = 'find_open_busy_time'"
    ).fetchone()
    for name, given in {
        "p_vendor_id": "$1::uuid",
        "p_provider_id": "$2::uuid",
        "p_slot_ids": "$3::uuid[]",
        "p_after": "$4::uuid",
    }.items():
        source = source.replace(name, given)
    plan = shop.owner.execute(f"EXPLAIN (GENERIC_PLAN) {source}", prepare=False).fetchall()
    assert any("booking_id = (hashed SubPlan" in line for (line,) in plan), plan
