"""Claims that meet a resize, delete, lapse, cancel or twin in flight, forced by lock waits."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.patience import wait_until
from tests.shop import at

KEY = "a key of the test, no 1"
PRINT = b"\x01" * 32


def test_a_claim_waits_for_a_resize_and_takes_the_slot_as_it_then_is(shop, sessions):
    slot = shop.slot(9, 10, capacity=2)
    vendor, customer = sessions.app(), sessions.app()
    with vendor.connection.transaction():
        vendor.call("resize_slot", slot_id=slot, end=at(11), capacity=3)
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, quantity=2)
    answer = claim.result()
    assert answer["outcome"] == "CONFIRMED"
    assert answer["facts"]["end"] == "2040-01-02T11:00:00Z"
    assert shop.claims(answer["booking_id"])[0]["slot_capacity"] == 3


@pytest.mark.parametrize(
    "change, wish, outcome",
    [
        ({"capacity": 1}, {"quantity": 2}, "INSUFFICIENT_INVENTORY"),
        ({"end": at(9.5)}, {"start": at(9), "end": at(10)}, "VALIDATION_ERROR"),
        ({"start": at(12), "end": at(13)}, {"start": at(9), "end": at(10)}, "VALIDATION_ERROR"),
    ],
    ids=["made too small", "shortened", "moved away"],
)
def test_a_claim_that_a_resize_leaves_no_room_is_refused_in_words(
    shop, sessions, change, wish, outcome
):
    slot = shop.slot(9, 10, capacity=2)
    vendor, customer = sessions.app(), sessions.app()
    with vendor.connection.transaction():
        vendor.call("resize_slot", slot_id=slot, **change)
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, idempotency_key=KEY, **wish)
    assert claim.result()["outcome"] == outcome
    assert shop.rows("SELECT FROM idempotency_keys WHERE vendor_id = %s") == []


def test_a_resize_waits_for_a_claim_and_hears_of_it(shop, sessions):
    slot = shop.slot(9, 10, capacity=2)
    vendor, customer = sessions.app(), sessions.app()
    with customer.connection.transaction():
        booking_id = customer.claim(slot, quantity=2)["booking_id"]
        resize = vendor.begin_and_wait_for_lock(
            vendor.call, "resize_slot", slot_id=slot, capacity=1
        )
    answer = resize.result()
    assert answer["outcome"] == "SLOT_IN_USE"
    assert answer["facts"]["bookings"][0]["booking_id"] == str(booking_id)


def test_a_claim_waits_for_a_delete_and_finds_nothing(shop, sessions):
    slot = shop.slot()
    vendor, customer = sessions.app(), sessions.app()
    with vendor.connection.transaction():
        vendor.call("delete_slot", slot_id=slot)
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, idempotency_key=KEY)
    assert claim.result()["outcome"] == "SLOT_NOT_FOUND"
    assert shop.rows("SELECT FROM idempotency_keys WHERE vendor_id = %s") == []


def test_a_delete_waits_for_a_claim_and_leaves_the_slot(shop, sessions):
    slot = shop.slot()
    vendor, customer = sessions.app(), sessions.app()
    with customer.connection.transaction():
        customer.claim(slot)
        delete = vendor.begin_and_wait_for_lock(vendor.call, "delete_slot", slot_id=slot)
    assert delete.result()["outcome"] == "SLOT_IN_USE"


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_a_claim_waits_for_a_raw_change_of_capacity(shop, sessions, commits):
    slot = shop.slot(capacity=2)
    raw, customer = sessions.owner(), sessions.app()
    with raw.connection.transaction(force_rollback=not commits):
        raw.connection.execute("UPDATE slots SET capacity = 5 WHERE id = %s", [slot])
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, quantity=2)
    answer = claim.result()
    assert answer["outcome"] == "CONFIRMED"
    capacity = shop.claims(answer["booking_id"])[0]["slot_capacity"]
    assert capacity == (5 if commits else 2)


def test_a_claim_that_frees_a_lapsed_hold_waits_for_a_resize_that_freed_it_too(shop, sessions):
    slot = shop.slot()
    hold = shop.lapsed_hold(slot)
    vendor, customer = sessions.app(), sessions.app()
    with vendor.connection.transaction():
        vendor.call("resize_slot", slot_id=slot, end=at(11))
        claim = customer.begin_and_wait_for_lock(customer.claim, slot)
    assert claim.result()["outcome"] == "CONFIRMED"
    assert [event["kind"] for event in shop.events(hold)] == ["held", "expired"]


def test_a_resize_waits_for_a_claim_that_freed_a_lapsed_hold(shop, sessions):
    slot = shop.slot()
    hold = shop.lapsed_hold(slot)
    vendor, customer = sessions.app(), sessions.app()
    with customer.connection.transaction():
        booking_id = customer.claim(slot)["booking_id"]
        resize = vendor.begin_and_wait_for_lock(
            vendor.call, "resize_slot", slot_id=slot, start=at(12), end=at(13)
        )
    answer = resize.result()
    assert answer["outcome"] == "SLOT_IN_USE"
    assert [b["booking_id"] for b in answer["facts"]["bookings"]] == [str(booking_id)]
    assert shop.booking(hold)["status"] == "expired"


def test_a_hold_that_a_claim_has_freed_can_be_confirmed_no_more(shop, sessions):
    slot = shop.slot()
    hold = shop.lapsed_hold(slot)
    rival, holder = sessions.app(), sessions.app()
    with rival.connection.transaction():
        rival.claim(slot)
        confirm = holder.begin_and_wait_for_lock(holder.call, "confirm_booking", booking_id=hold)
    assert confirm.result()["outcome"] == "HOLD_EXPIRED"


def test_a_hold_confirmed_in_time_is_not_freed_by_a_claim_that_saw_it_lapse(shop, sessions):
    slot = shop.slot()
    hold = shop.book(slot, hold_for=timedelta(seconds=1))
    rival, holder = sessions.app(), sessions.app()
    with holder.connection.transaction():
        assert holder.call("confirm_booking", booking_id=hold)["outcome"] == "CONFIRMED"
        lapsed = "SELECT hold_expires_at < clock_timestamp() FROM bookings WHERE id = %s"
        wait_until(lambda: shop.owner.execute(lapsed, [hold]).fetchone()[0], "it never lapses")
        claim = rival.begin_and_wait_for_lock(rival.claim, slot)
    answer = claim.result()
    assert (answer["outcome"], answer["facts"]["reason"]) == ("BOOKING_CONFLICT", "booked")
    assert shop.booking(hold)["status"] == "confirmed"


def test_a_hold_over_two_slots_that_two_claims_free_at_once_stops_neither(shop, sessions):
    nights = shop.nights(2)
    hold = shop.lapsed_hold(*nights)
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction():
        assert first.claim(nights[0])["outcome"] == "CONFIRMED"
        claim = second.begin_and_wait_for_lock(second.claim, nights[1])
    assert claim.result()["outcome"] == "CONFIRMED"
    assert [event["kind"] for event in shop.events(hold)] == ["held", "expired"]


def test_a_cancelled_stay_comes_back_though_another_claim_freed_the_hold_in_its_way(shop, sessions):
    nights = shop.nights(2)
    stay = shop.book(nights[1])
    shop.move("cancel_booking", stay)
    shop.lapsed_hold(*nights)
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction():
        first.claim(nights[0])
        confirm = second.begin_and_wait_for_lock(second.call, "confirm_booking", booking_id=stay)
    assert confirm.result()["outcome"] == "CONFIRMED"


def test_the_sweeper_leaves_slots_that_are_in_use_for_next_time(shop, sessions):
    busy, quiet = shop.slot(9, 10), shop.slot(10, 11)
    holds = [shop.lapsed_hold(busy), shop.lapsed_hold(quiet)]
    worker, sweeper = sessions.owner(), sessions.app()
    with worker.connection.transaction():
        worker.connection.execute("SELECT FROM slots WHERE id = %s FOR NO KEY UPDATE", [busy])
        assert sweeper.call("expire_holds")["expire_holds"] == 1
    assert [shop.booking(hold)["status"] for hold in holds] == ["held", "expired"]
    assert sweeper.call("expire_holds")["expire_holds"] == 1


def test_a_claim_is_refused_at_once_while_a_cancel_is_still_in_flight(shop, sessions):
    slot = shop.slot()
    booking_id = shop.book(slot)
    holder, rival = sessions.app(), sessions.app()
    with holder.connection.transaction():
        holder.call("cancel_booking", booking_id=booking_id)
        assert rival.claim(slot)["outcome"] == "BOOKING_CONFLICT"
    assert rival.claim(slot)["outcome"] == "CONFIRMED"


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_a_claim_of_the_last_free_place_waits_for_a_cancel(shop, sessions, commits):
    slot = shop.slot(capacity=2)
    booking_id = shop.book(slot)
    holder, rival = sessions.app(), sessions.app()
    with holder.connection.transaction(force_rollback=not commits):
        holder.call("cancel_booking", booking_id=booking_id)
        claim = rival.begin_and_wait_for_lock(rival.claim, slot)
    unit = shop.claims(claim.result()["booking_id"])[0]["units"][0].lower
    assert unit == (1 if commits else 2)


def test_a_cancel_waits_for_a_claim_and_both_succeed(shop, sessions):
    slot = shop.slot(capacity=2)
    booking_id = shop.book(slot)
    holder, rival = sessions.app(), sessions.app()
    with rival.connection.transaction():
        assert rival.claim(slot)["outcome"] == "CONFIRMED"
        cancel = holder.begin_and_wait_for_lock(
            holder.call, "cancel_booking", booking_id=booking_id
        )
    assert cancel.result()["outcome"] == "CANCELLED"


def test_confirming_a_cancelled_booking_waits_for_a_claim_of_its_place(shop, sessions):
    slot = shop.slot()
    booking_id = shop.book(slot)
    shop.move("cancel_booking", booking_id)
    holder, rival = sessions.app(), sessions.app()
    with rival.connection.transaction():
        rival.claim(slot)
        confirm = holder.begin_and_wait_for_lock(
            holder.call, "confirm_booking", booking_id=booking_id
        )
    assert confirm.result()["outcome"] == "BOOKING_CONFLICT"


def test_of_two_idempotent_twins_for_the_last_place_the_later_hears_the_earliers_booking(
    shop, sessions
):
    slot = shop.slot()
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    first, twin = sessions.app(), sessions.app()
    with first.connection.transaction():
        booking_id = first.claim(slot, **request)["booking_id"]
        claim = twin.begin_and_wait_for_lock(twin.claim, slot, **request)
    answer = claim.result()
    assert (answer["outcome"], answer["replayed"]) == ("CONFIRMED", True)
    assert answer["booking_id"] == booking_id


def test_a_twin_with_another_request_waits_and_hears_of_the_conflict(shop, sessions):
    slot = shop.slot(capacity=5)
    first, twin = sessions.app(), sessions.app()
    with first.connection.transaction():
        first.claim(slot, idempotency_key=KEY, fingerprint=PRINT)
        claim = twin.begin_and_wait_for_lock(
            twin.claim, slot, quantity=2, idempotency_key=KEY, fingerprint=b"\x02" * 32
        )
    assert claim.result()["outcome"] == "IDEMPOTENCY_CONFLICT"


def test_a_twin_whose_elder_rolls_back_books_itself(shop, sessions):
    slot = shop.slot()
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    first, twin = sessions.app(), sessions.app()
    with first.connection.transaction(force_rollback=True):
        first.claim(slot, **request)
        claim = twin.begin_and_wait_for_lock(twin.claim, slot, **request)
    answer = claim.result()
    assert (answer["outcome"], answer["replayed"]) == ("CONFIRMED", False)


def test_a_twin_whose_elder_is_refused_is_refused_too_and_the_key_is_free_again(shop, sessions):
    nights = shop.nights(2)
    shop.lapsed_hold(nights[0])
    shop.book(nights[1])
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    blocker, first, twin = sessions.owner(), sessions.app(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [min(nights)])
        claims = [
            first.begin_and_wait_for_lock(first.claim, *nights, **request),
            twin.begin_and_wait_for_lock(twin.claim, *nights, **request),
        ]
    assert [claim.result()["outcome"] for claim in claims] == ["BOOKING_CONFLICT"] * 2
    assert shop.rows("SELECT FROM idempotency_keys WHERE vendor_id = %s") == []


def test_waiting_longer_than_the_lock_timeout_is_an_error_that_changes_nothing(shop, sessions):
    slot = shop.slot()
    blocker, customer = sessions.owner(), sessions.app()
    customer.connection.execute("SET lock_timeout = '50ms'")
    with blocker.connection.transaction(), shop.unchanged():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            customer.claim(slot, idempotency_key=KEY)


def test_two_bookings_that_make_the_same_customer_make_one(shop, sessions):
    slots = [shop.slot(9, 10), shop.slot(10, 11)]
    details = {"customer": {"name": "Ada", "email": "ada@example.org"}}
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction():
        first.claim(slots[0], details=details)
        claim = second.begin_and_wait_for_lock(second.claim, slots[1], details=details)
    assert claim.result()["outcome"] == "CONFIRMED"
    assert len(shop.rows("SELECT FROM customers WHERE vendor_id = %s")) == 1
    booked = shop.rows("SELECT DISTINCT customer_id FROM bookings WHERE vendor_id = %s")
    assert len(booked) == 1
