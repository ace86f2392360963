"""A schedule changes while people book: a booking keeps its time, or finds it gone."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from tests.patience import wait_until
from tests.rota import Rota, counts, in_the_way
from tests.shop import Shop, at
from tests.sweep import assert_clean

HOURS = [(float(hour), hour + 1.0) for hour in range(9, 17)]
CLAIMERS = 6


@pytest.fixture
def rota(shop: Shop):
    """A schedule whose hours from nine to five are published; everything holds afterwards."""
    rota = Rota(shop)
    rota.apply(rota.wanted(*HOURS))
    yield rota
    assert_clean(shop.owner, shop.vendor_id)


@contextmanager
def held(session, shop):
    """All slots of the shop are locked until the end of the block."""
    with session.connection.transaction(force_rollback=True):
        session.connection.execute(
            "SELECT FROM slots WHERE vendor_id = %s ORDER BY id FOR UPDATE", [shop.vendor_id]
        )
        yield


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_a_claim_in_flight_is_waited_for_and_then_in_the_way(rota, sessions, commits):
    customer, publisher = sessions.app(), sessions.app()
    with customer.connection.transaction(force_rollback=not commits):
        claim = customer.claim(rota.slot_at(10))
        applied = publisher.begin_and_wait_for_lock(rota.apply, [], publisher.connection)
    facts = applied.result()
    if commits:
        assert in_the_way(facts) == [str(claim["booking_id"])]
        assert rota.hours() == [(10, 11)]
    else:
        assert counts(facts) == (0, 8, 0, 0)
        assert rota.hours() == []


def test_a_claim_that_waits_for_a_change_finds_the_time_gone(rota, sessions):
    customer, publisher = sessions.app(), sessions.app()
    slot = rota.slot_at(10)
    with publisher.connection.transaction():
        rota.apply([], publisher.connection)
        claim = customer.begin_and_wait_for_lock(customer.claim, slot)
    assert claim.result()["outcome"] == "SLOT_NOT_FOUND"
    assert rota.shop.rows("SELECT FROM bookings WHERE vendor_id = %s") == []


def test_a_claim_of_a_part_finds_what_the_change_has_left_of_the_slot(rota, sessions):
    rota.apply(rota.wanted((9, 17), whole=False))
    (slot,) = rota.slots()
    publisher = sessions.app()
    early, late = sessions.app(), sessions.app()
    rota.book(12, 13)
    with publisher.connection.transaction():
        rota.apply(rota.wanted((11, 14), whole=False), publisher.connection)
        gone = early.begin_and_wait_for_lock(early.claim, slot["id"], start=at(9), end=at(10))
        there = late.begin_and_wait_for_lock(late.claim, slot["id"], start=at(11), end=at(12))
    assert gone.result()["outcome"] == "VALIDATION_ERROR"
    assert gone.result()["facts"]["reason"] == "outside_slot"
    assert there.result()["outcome"] == "CONFIRMED"


def test_a_claim_of_a_slot_that_stays_does_not_wait_for_a_change_beside_it(rota, sessions):
    customer, publisher = sessions.app(), sessions.app()
    with publisher.connection.transaction():
        rota.apply(rota.wanted((9, 10)), publisher.connection)
        assert customer.claim(rota.slot_at(9))["outcome"] == "CONFIRMED"


def test_a_cancellation_in_flight_is_waited_for(rota, sessions, shop):
    booking = rota.book(10, 11)
    customer, publisher = sessions.app(), sessions.app()
    with customer.connection.transaction():
        customer.call("cancel_booking", booking_id=booking)
        applied = publisher.begin_and_wait_for_lock(
            rota.apply, rota.wanted((9, 10)), publisher.connection
        )
    assert counts(applied.result()) == (0, 7, 0, 1)
    assert shop.booking(booking)["status"] == "cancelled"


def test_two_who_publish_one_providers_schedules_do_it_one_after_the_other(rota, sessions):
    first, second = sessions.app(), sessions.app()
    with first.connection.transaction():
        rota.apply(rota.wanted((9, 10), (18, 19)), first.connection)
        rival = second.begin_and_wait_for_lock(
            rota.apply, rota.wanted((9, 10), (20, 21)), second.connection
        )
    assert counts(rival.result()) == (1, 1, 0, 1)
    assert rota.hours() == [(9, 10), (20, 21)]


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_a_slot_that_is_being_made_by_hand_is_waited_for_and_left_alone(rota, sessions, commits):
    vendor, publisher = sessions.app(), sessions.app()
    slots = Jsonb([{"start": at(18).isoformat(), "end": at(19).isoformat()}])
    with vendor.connection.transaction(force_rollback=not commits):
        vendor.call("publish_slots", provider_id=rota.shop.provider_id, slots=slots)
        applied = publisher.begin_and_wait_for_lock(
            rota.apply, rota.wanted((17.5, 18.5), (18.5, 19.5)), publisher.connection
        )
    assert counts(applied.result()) == ((0, 8, 0, 0) if commits else (2, 8, 0, 0))
    assert rota.hours() == ([(18, 19)] if commits else [(17.5, 18.5), (18.5, 19.5)])


@pytest.mark.parametrize("seed", range(4))
def test_everybody_who_books_while_the_hours_change_keeps_the_time_or_is_refused(
    rota, sessions, shop, seed
):
    """Claimers and a publisher all run into one lock and are let go at one moment."""
    slots = [slot["id"] for slot in rota.slots()]
    wanted = [
        rota.wanted(),
        rota.wanted(*[(hour + 0.5, hour + 1.5) for hour in range(9, 17)]),
        rota.wanted((9, 17), whole=False),
        rota.wanted(*HOURS[:3], (13, 17)),
    ][seed]
    blocker, publisher = sessions.owner(), sessions.app()
    customers = [sessions.app() for _ in range(CLAIMERS)]
    with held(blocker, shop):
        # Half of them come before the publisher, half after.
        claims = [one.begin(one.claim, slots[n]) for n, one in enumerate(customers[::2])]
        wait_until(lambda: sessions.waiting() == len(claims), "the first do not wait")
        applying = publisher.begin(rota.apply, wanted, publisher.connection)
        claims += [one.begin(one.claim, slots[-n]) for n, one in enumerate(customers[1::2], 1)]
        wait_until(lambda: sessions.waiting() == CLAIMERS + 1, "somebody does not wait")
        print(f"waiting for one lock at one moment: {sessions.waiting()}")
    facts = applying.result()
    answers = [claim.result() for claim in claims]
    print(f"answers: {dict(Counter(answer['outcome'] for answer in answers))}, {facts}")
    booked = {str(one["booking_id"]) for one in answers if one["outcome"] == "CONFIRMED"}
    assert {one["outcome"] for one in answers} <= {
        "CONFIRMED", "SLOT_NOT_FOUND", "VALIDATION_ERROR",
    }  # fmt: skip
    assert len(booked) >= len(customers[::2]), "who came before the publisher was refused"
    kept = shop.rows("SELECT id FROM bookings WHERE vendor_id = %s AND status = 'confirmed'")
    assert {str(row["id"]) for row in kept} == booked
    # Whatever a run left, the next one finds the same way, and then nothing is to be done.
    again = rota.apply(wanted)
    assert set(in_the_way(facts)) <= set(in_the_way(again)) <= booked
    with shop.unchanged():
        assert not rota.apply(wanted)["changed"]


def spans(shop, booking_id) -> list:
    """What the booking claims, in order."""
    return [(one["during"].lower, one["during"].upper) for one in shop.claims(booking_id)]


@pytest.mark.parametrize("was", [[(9, 17)], HOURS], ids=["cut", "moved"])
def test_a_block_that_waits_for_a_change_closes_what_is_there_then(rota, sessions, shop, was):
    rota.apply(rota.wanted(*was, whole=False, capacity=2))
    rota.book(9, 10)
    rota.book(16, 17)
    vendor, publisher = sessions.app(), sessions.app()
    times = {"start": at(10), "end": at(15)}
    with publisher.connection.transaction():
        wanted = rota.wanted((9, 11), (11.5, 17), whole=False, capacity=2)
        rota.apply(wanted, publisher.connection)
        blocking = vendor.begin_and_wait_for_lock(
            vendor.call, "block_time", provider_id=shop.provider_id, **times
        )
    block = blocking.result()
    assert block["outcome"] == "CONFIRMED"
    assert spans(shop, block["booking_id"]) == [(at(10), at(11)), (at(11.5), at(15))]
    for slot in rota.slots():
        late = shop.claim(
            slot["id"], start=max(at(10), slot["start"]), end=min(at(15), slot["end"])
        )
        assert late["outcome"] == "BOOKING_CONFLICT"


def test_a_block_closes_what_was_published_beside_while_it_waited(rota, sessions, shop):
    rota.apply(rota.wanted((9, 12), whole=False, capacity=2))
    customer, vendor = sessions.app(), sessions.app()
    with customer.connection.transaction():
        assert customer.claim(rota.slot_at(9), start=at(9), end=at(10))["outcome"] == "CONFIRMED"
        blocking = vendor.begin_and_wait_for_lock(
            vendor.call, "block_time", provider_id=shop.provider_id, start=at(10), end=at(15)
        )
        shop.slot(13, 16, capacity=2)
    block = blocking.result()
    assert block["outcome"] == "CONFIRMED"
    assert spans(shop, block["booking_id"]) == [(at(10), at(12)), (at(13), at(15))]


PARTS = [(10, 11), (13, 13.5), (16, 16.5), (14, 14.5), (10.5, 11.5), (12.5, 13)]


def begin_to_book(sessions, slot, parts):
    """The parts of the slot, by a customer each."""
    return [
        one.begin(one.claim, slot, start=at(start), end=at(end))
        for one, (start, end) in zip((sessions.app() for _ in parts), parts, strict=True)
    ]


def times(shop) -> dict:
    """When each booking is."""
    found = shop.rows("SELECT id, during FROM bookings WHERE vendor_id = %s")
    return {one["id"]: (one["during"].lower, one["during"].upper) for one in found}


@pytest.mark.parametrize("change", ["halves", "fewer places", "another place"])
def test_whoever_books_a_part_while_a_slot_is_cut_keeps_the_time_or_is_refused(
    rota, sessions, shop, change
):
    """Claims, a cancellation, a confirmation and a publisher all wait for the one slot."""
    rota.apply(rota.wanted((9, 17), whole=False, capacity=3))
    slot = rota.slot_at(9)
    _, _, _, given_back = [rota.book(*part) for part in [(9, 10)] * 3 + [(15, 16)]]
    waited = shop.book(slot, start=at(12), end=at(13), hold_for=timedelta(minutes=5))
    wanted = {
        "halves": rota.wanted(*[(9 + n / 2, 9.5 + n / 2) for n in range(16)], capacity=3),
        "fewer places": rota.wanted((9, 17), whole=False, capacity=2),
        "another place": rota.wanted((9, 17), whole=False, location_id=str(shop.location())),
    }[change]
    publisher, canceller, confirmer = (sessions.app() for _ in range(3))
    before = times(shop)
    with held(sessions.owner(), shop):
        # Half of them come before the publisher, half after, and two who start from a booking.
        claims = begin_to_book(sessions, slot, PARTS[:3])
        wait_until(lambda: sessions.waiting() == 3, "the first do not wait")
        applying = publisher.begin(rota.apply, wanted, publisher.connection)
        wait_until(lambda: sessions.waiting() == 4, "the publisher does not wait")
        cancelling = canceller.begin(canceller.call, "cancel_booking", booking_id=given_back)
        confirming = confirmer.begin(confirmer.call, "confirm_booking", booking_id=waited)
        claims += begin_to_book(sessions, slot, PARTS[3:])
        wait_until(lambda: sessions.waiting() == 9, "somebody does not wait")
        print(f"waiting for one slot at one moment: {sessions.waiting()}")
    answers = [claim.result() for claim in claims]
    found = Counter(answer["outcome"] for answer in answers)
    print(f"answers: {dict(found)}, {applying.result()}")
    assert cancelling.result()["outcome"] == "CANCELLED"
    assert confirming.result()["outcome"] == "CONFIRMED"
    assert found.keys() <= {"CONFIRMED", "BOOKING_CONFLICT", "SLOT_NOT_FOUND", "VALIDATION_ERROR"}
    assert found["CONFIRMED"] >= 3, "who came before the publisher was refused"
    assert times(shop) == before | {
        answer["booking_id"]: (at(start), at(end))
        for answer, (start, end) in zip(answers, PARTS, strict=True)
        if answer["outcome"] == "CONFIRMED"
    }
    assert shop.violations() == []
    assert len(rota.slots()) > 1
    # Whatever a run left, the next one finds the same way, and then nothing is to be done.
    rota.apply(wanted)
    with shop.unchanged():
        assert not rota.apply(wanted)["changed"]


def test_whoever_books_what_is_left_of_a_day_while_it_is_closed_is_named_or_refused(
    rota, sessions, shop
):
    """The day has begun, so that its slot stays and is closed: close_begun_slot."""
    hour = (datetime.now(UTC) - at(0)) // timedelta(hours=1)
    (begun,) = shop.rows(
        "INSERT INTO slots (vendor_id, provider_id, location_id, schedule_id, capacity, during)"
        " VALUES (%s, %s, %s, %s, 2, tstzrange(%s, %s)) RETURNING id",
        *(shop.provider_id, shop.location_id, rota.schedule_id, at(hour), at(hour + 9)),
    )
    parts = [(hour + n, hour + n + 1) for n in range(2, 8)]
    closer = sessions.app()
    of = {"provider_id": shop.provider_id, "wanted": Jsonb([]), "now": datetime.now(UTC)}
    with held(sessions.owner(), shop):
        claims = begin_to_book(sessions, begun["id"], parts[:3])
        wait_until(lambda: sessions.waiting() == 3, "the first do not wait")
        closing = closer.begin(closer.call, "close_begun_slot", **of)
        wait_until(lambda: sessions.waiting() == 4, "who closes does not wait")
        claims += begin_to_book(sessions, begun["id"], parts[3:])
        wait_until(lambda: sessions.waiting() == 7, "somebody does not wait")
        print(f"waiting for one slot at one moment: {sessions.waiting()}")
    answers = [claim.result() for claim in claims]
    found = Counter(answer["outcome"] for answer in answers)
    print(f"answers: {dict(found)}, {closing.result()}")
    assert found.keys() <= {"CONFIRMED", "SLOT_NOT_FOUND"}
    assert found["CONFIRMED"] >= 3, "who came before the closing was refused"
    booked = {one["booking_id"] for one in answers if one["outcome"] == "CONFIRMED"}
    named = closing.result()["facts"]["in_the_way"]
    assert {one["booking_id"] for one in named} == {str(one) for one in booked}
    # Nor does anybody get what these give back, or what was never booked.
    for booking in booked:
        shop.move("cancel_booking", booking)
    again = [one.result() for one in begin_to_book(sessions, begun["id"], parts)]
    assert {answer["outcome"] for answer in again} == {"SLOT_NOT_FOUND"}
    with shop.unchanged():
        assert not shop.call("close_begun_slot", **of)[0]["changed"]


def test_publishers_claimers_and_vendors_by_hand_do_not_deadlock(rota, sessions, shop):
    """Many rounds at once, unforced: whoever waits is let through, and nothing is lost."""
    before = shop.owner.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    shifts = [0, 0.25, 0.5, 0.75]
    publishers, customers = [sessions.app() for _ in range(2)], [sessions.app() for _ in range(4)]

    def publish(session, first: int) -> Counter:
        found: Counter = Counter()
        for n in range(20):
            shift = shifts[(first + n) % 4]
            wanted = rota.wanted(*[(hour + shift, hour + 1 + shift) for hour in range(9, 17)])
            if n % 2:
                # One long slot, which is then cut again where it is booked.
                wanted = rota.wanted((9 + shift, 17 - shift), whole=False, capacity=2)
            answer = rota.answer(wanted, session.connection)
            found[answer["outcome"]] += 1
        return found

    def book(session, first: int) -> Counter:
        found: Counter = Counter()
        for n in range(40):
            there = session.connection.execute(
                "SELECT id, during FROM slots WHERE vendor_id = %s ORDER BY lower(during)",
                [shop.vendor_id],
            ).fetchall()
            if not there:
                continue
            slot_id, during = there[(first + n) % len(there)]
            hours = (during.upper - during.lower) // timedelta(hours=1)
            start = during.lower + timedelta(hours=(first + 3 * n) % max(hours, 1))
            end = min(start + timedelta(hours=1), during.upper)
            answer = session.claim(slot_id, start=start, end=end)
            found[answer["outcome"]] += 1
            if answer["outcome"] == "CONFIRMED" and n % 3:
                session.call("cancel_booking", booking_id=answer["booking_id"])
        return found

    work = [one.begin(publish, one, n) for n, one in enumerate(publishers)]
    work += [one.begin(book, one, 2 * n) for n, one in enumerate(customers)]
    found = sum((one.result() for one in work), Counter())
    print(dict(found))
    assert found["PUBLISHED"] + found["CONCURRENCY_ABORT"] == 40
    assert found.keys() <= {
        "PUBLISHED", "CONCURRENCY_ABORT", "CONFIRMED", "BOOKING_CONFLICT", "SLOT_NOT_FOUND",
        "INSUFFICIENT_INVENTORY", "VALIDATION_ERROR",
    }  # fmt: skip
    assert shop.violations() == []
    after = shop.owner.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    assert after == before
