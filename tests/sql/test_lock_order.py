"""Who waits for whom: slots in order of id, keys first, raw writers, and nobody without a cause."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests import raw
from tests.patience import wait_until
from tests.shop import at, call

KEY = "a key of the test, no 1"


def lockable(session, table, row_id):
    """Whether a row can be locked at once, so that nobody else holds it."""
    try:
        with session.connection.transaction(force_rollback=True):
            session.connection.execute(
                f"SELECT FROM {table} WHERE id = %s FOR UPDATE NOWAIT", [row_id]
            )
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def test_joint_slots_are_locked_in_order_of_id_whatever_the_order_of_the_request(shop, sessions):
    low, high = sorted([shop.slot(capacity=2), shop.slot(capacity=2, provider_id=shop.provider())])
    blocker, probe = sessions.owner(), sessions.owner()
    customers = [sessions.app(), sessions.app()]
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [low])
        claims = [
            customer.begin_and_wait_for_lock(customer.claim, *slots)
            for customer, slots in zip(customers, [(low, high), (high, low)], strict=True)
        ]
        assert lockable(probe, "slots", high)
        assert not lockable(probe, "slots", low)
    assert [claim.result()["outcome"] for claim in claims] == ["CONFIRMED"] * 2


def test_slots_are_locked_in_order_of_id_even_when_they_lie_in_another_order(shop, sessions):
    # Ids go by the order of the request, and rows lie in order of time.
    later, earlier = shop.publish(
        [{"start": at(10), "end": at(11)}, {"start": at(9), "end": at(10)}]
    )["slot_ids"]
    assert later < earlier
    blocker, probe, customer = sessions.owner(), sessions.owner(), sessions.app()
    # Without indexes the rows are met as they lie; only a sort puts them in order.
    for way in ("indexscan", "bitmapscan", "indexonlyscan"):
        customer.connection.execute(f"SET enable_{way} = off")
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [later])
        claim = customer.begin_and_wait_for_lock(customer.claim, earlier, later)
        assert lockable(probe, "slots", earlier)
    booking_id = claim.result()["booking_id"]
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [later])
        cancel = customer.begin_and_wait_for_lock(
            customer.call, "cancel_booking", booking_id=booking_id
        )
        assert lockable(probe, "slots", earlier)
    assert cancel.result()["outcome"] == "CANCELLED"


@pytest.mark.parametrize(
    "function, more",
    [
        ("cancel_booking", {}),
        ("confirm_booking", {}),
        ("complete_booking", {}),
        ("change_booking", {"changes": {"guests": 2}}),
        ("renew_manage_token", {}),
    ],
)
def test_whoever_starts_from_a_booking_locks_its_slots_first(shop, sessions, function, more):
    slot = shop.slot()
    booking_id = shop.book(slot, hold_for=timedelta(minutes=5))
    blocker, probe, holder = sessions.owner(), sessions.owner(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        holder.begin_and_wait_for_lock(holder.call, function, booking_id=booking_id, **more)
        assert lockable(probe, "bookings", booking_id)


@pytest.mark.parametrize("function", ["cancel_booking", "confirm_booking", "mark_no_show"])
def test_two_who_make_the_same_move_make_it_once(shop, sessions, function):
    booking_id = shop.book(shop.slot(), hold_for=timedelta(minutes=5))
    if function == "mark_no_show":
        shop.move("confirm_booking", booking_id)
    before = len(shop.events(booking_id))
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction():
        made = first.call(function, booking_id=booking_id)
        again = second.begin_and_wait_for_lock(second.call, function, booking_id=booking_id)
    assert (made["changed"], again.result()["changed"]) == (True, False)
    assert made["outcome"] == again.result()["outcome"]
    assert len(shop.events(booking_id)) == before + 1


def test_a_lapsed_hold_is_locked_only_after_the_slot_it_is_in_the_way_of(shop, sessions):
    slot = shop.slot()
    hold = shop.lapsed_hold(slot)
    blocker, probe, customer = sessions.owner(), sessions.owner(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        claim = customer.begin_and_wait_for_lock(customer.claim, slot)
        assert lockable(probe, "bookings", hold)
    assert claim.result()["outcome"] == "CONFIRMED"


def test_the_idempotency_key_is_taken_before_the_slots(shop, sessions):
    slot = shop.slot()
    blocker, twin, customer = sessions.owner(), sessions.owner(), sessions.app()
    twin.connection.execute("SET lock_timeout = '50ms'")
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, idempotency_key=KEY)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            twin.connection.execute(
                "INSERT INTO idempotency_keys (vendor_id, key, fingerprint) VALUES (%s, %s, '')",
                [shop.vendor_id, KEY],
            )
    assert claim.result()["outcome"] == "CONFIRMED"


def test_bookings_of_different_slots_do_not_wait_for_each_other(shop, sessions):
    slots = [shop.slot(hour, hour + 1) for hour in range(9, 17)]
    customers = [sessions.app() for _ in slots]
    for number, (customer, slot) in enumerate(zip(customers, slots, strict=True)):
        customer.connection.execute("BEGIN")
        answer = customer.claim(
            slot,
            idempotency_key=f"{KEY} {number}",
            details={"customer": {"email": f"{number}@example.org"}},
        )
        assert answer["outcome"] == "CONFIRMED"
    in_flight = sessions.monitor.execute(
        "SELECT count(*), count(*) FILTER (WHERE wait_event_type = 'Lock') FROM pg_stat_activity"
        " WHERE pid = ANY (%s) AND state = 'idle in transaction' AND backend_xid IS NOT NULL",
        [[customer.pid for customer in customers]],
    ).fetchone()
    # Eight bookings written and none committed: had one waited for another, we would not be here.
    assert in_flight == (len(slots), 0)
    for customer in customers:
        customer.connection.execute("COMMIT")


def test_parts_of_one_slot_queue_up_but_other_slots_of_the_provider_pass(shop, sessions):
    long, other = shop.slot(9, 17), shop.slot(17, 18)
    first, second, third = sessions.app(), sessions.app(), sessions.app()
    with first.connection.transaction():
        first.claim(long, start=at(9), end=at(10))
        second_claim = second.begin_and_wait_for_lock(second.claim, long, start=at(10), end=at(11))
        assert third.claim(other)["outcome"] == "CONFIRMED"
        assert sessions.waiting() == 1
    assert second_claim.result()["outcome"] == "CONFIRMED"


def test_a_sold_out_slot_is_refused_without_waiting_for_whoever_works_on_it(shop, sessions):
    slot = shop.slot()
    shop.book(slot)
    worker, customer = sessions.owner(), sessions.app()
    customer.connection.execute("SET lock_timeout = '50ms'")
    with worker.connection.transaction():
        worker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        answer = customer.claim(slot, idempotency_key=KEY)
    assert answer["outcome"] == "BOOKING_CONFLICT"


def test_reading_waits_for_nobody(shop, sessions):
    slot = shop.slot()
    booking_id = shop.book(slot)
    worker, reader = sessions.owner(), sessions.app()
    reader.connection.execute("SET lock_timeout = '50ms'")
    with worker.connection.transaction(force_rollback=True):
        worker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        worker.connection.execute("SELECT FROM bookings WHERE id = %s FOR UPDATE", [booking_id])
        assert reader.call("list_availability", **{"from": at(0), "to": at(24)})["available"] == 0
        assert reader.call("describe_booking", booking_id=booking_id)["describe_booking"]
        checks = call(
            reader.connection, "verify_booking_slot_consistency", vendor_id=shop.vendor_id
        )
        assert {check["status"] for check in checks} == {"PASS"}, checks


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_a_raw_writer_in_flight_on_the_first_of_five_places_makes_nobody_a_refusal(
    shop, sessions, commits
):
    slot = shop.slot(capacity=5)
    writer, customer = sessions.owner(), sessions.app()
    with writer.connection.transaction(force_rollback=not commits):
        raw.book(writer.connection, shop, slot, units="{[1,2)}")
        claim = customer.begin_and_wait_for_lock(customer.claim, slot)
    answer = claim.result()
    assert answer["outcome"] == "CONFIRMED"
    unit = shop.claims(answer["booking_id"])[0]["units"][0].lower
    assert unit == (2 if commits else 1)


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
@pytest.mark.parametrize("rival", ["raw", "function"])
def test_a_rival_for_the_last_place_is_waited_for(shop, sessions, rival, commits):
    slot = shop.slot()
    first, customer = sessions.owner(), sessions.app()
    with first.connection.transaction(force_rollback=not commits):
        if rival == "raw":
            raw.book(first.connection, shop, slot)
        else:
            first.claim(slot)
        claim = customer.begin_and_wait_for_lock(customer.claim, slot, idempotency_key=KEY)
    assert claim.result()["outcome"] == ("BOOKING_CONFLICT" if commits else "CONFIRMED")
    keys = shop.rows("SELECT FROM idempotency_keys WHERE vendor_id = %s")
    assert len(keys) == (0 if commits else 1)


def test_a_raw_writer_on_a_middle_night_leaves_no_half_booking(shop, sessions):
    nights = shop.nights(3)
    writer, customer = sessions.owner(), sessions.app()
    with writer.connection.transaction():
        raw.book(writer.connection, shop, nights[1])
        claim = customer.begin_and_wait_for_lock(
            customer.claim, *nights, details={"customer": {"email": "ada@example.org"}}
        )
    answer = claim.result()
    assert answer["outcome"] == "BOOKING_CONFLICT"
    assert answer["facts"]["slot_id"] == str(nights[1])
    assert len(shop.rows("SELECT FROM bookings WHERE vendor_id = %s")) == 1
    assert shop.rows("SELECT FROM customers WHERE vendor_id = %s") == []


def test_after_losing_to_three_raw_writers_in_a_row_a_claim_gives_up_without_a_trace(
    shop, sessions
):
    slot = shop.slot(capacity=9)
    writers = [sessions.owner() for _ in range(3)]
    customer = sessions.app()
    for unit, writer in enumerate(writers, start=1):
        writer.connection.execute("BEGIN")
        raw.book(writer.connection, shop, slot, units=f"{{[{unit},{unit + 1})}}")
    claim = customer.begin_and_wait_for_lock(customer.claim, slot, idempotency_key=KEY)
    for writer in writers:
        blocked_by = "SELECT %s = ANY (pg_blocking_pids(%s))"
        wait_for(sessions, blocked_by, [writer.pid, customer.pid])
        writer.connection.execute("COMMIT")
    assert claim.result()["outcome"] == "CONCURRENCY_ABORT"
    assert shop.rows("SELECT FROM idempotency_keys WHERE vendor_id = %s") == []
    assert len(shop.rows("SELECT FROM bookings WHERE vendor_id = %s")) == 3


def wait_for(sessions, question, values):
    """Wait until the database answers the question with true."""
    wait_until(lambda: sessions.monitor.execute(question, values).fetchone()[0], question)
