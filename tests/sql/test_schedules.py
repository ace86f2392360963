"""apply_schedules: unclaimed time follows what is wanted, claimed time stays and is answered."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.rota import Rota, counts, in_the_way
from tests.shop import Shop, at
from tests.sweep import assert_clean

MORNING, EVENING = [(9.0, 10.0), (10.0, 11.0), (11.0, 12.0)], [(13.0, 14.0), (14.0, 15.0)]


@pytest.fixture
def rota(shop: Shop) -> Rota:
    """A schedule of the shop's provider; the laws and promises hold after the test."""
    rota = Rota(shop)
    yield rota
    assert_clean(shop.owner, shop.vendor_id)


def test_what_is_wanted_is_published_as_it_is_wanted(rota):
    price = {"amount": 4500, "currency": "EUR"}
    facts = rota.apply(rota.wanted(*MORNING, capacity=12, price=price))
    assert counts(facts) == (3, 0, 0, 0)
    assert facts["changed"]
    assert rota.hours() == MORNING
    for slot in rota.slots():
        assert slot["schedule_id"] == rota.schedule_id
        assert (slot["capacity"], slot["price_amount"]) == (12, 4500)


def test_the_second_run_changes_nothing_and_writes_nothing(rota, shop):
    wanted = rota.wanted(*MORNING, (13, 17))
    rota.apply(wanted)
    rota.book(9, 10)
    rota.book(14, 15)
    shop.lapsed_hold(rota.slot_at(11))
    with shop.unchanged():
        facts = rota.apply(wanted)
    assert counts(facts) == (0, 0, 0, 4)
    assert not facts["changed"]
    assert facts["in_the_way"] == []


def test_the_second_run_takes_no_lock(rota, sessions):
    wanted = rota.wanted(*MORNING)
    rota.apply(wanted)
    other = sessions.owner()
    with other.connection.transaction():
        other.connection.execute("SELECT FROM slots FOR UPDATE")
        assert counts(rota.apply(wanted)) == (0, 0, 0, 3)


def test_unclaimed_time_follows_a_changed_schedule(rota):
    rota.apply(rota.wanted(*MORNING))
    kept = rota.slot_at(10)
    facts = rota.apply(rota.wanted((8, 9), (10, 11), (11, 12.5)))
    assert counts(facts) == (2, 2, 0, 1)
    assert rota.hours() == [(8, 9), (10, 11), (11, 12.5)]
    assert rota.slot_at(10) == kept


def test_a_slot_of_the_same_time_takes_its_new_capacity_price_and_place_and_keeps_its_id(rota):
    rota.apply(rota.wanted(*MORNING))
    before = [slot["id"] for slot in rota.slots()]
    there = rota.shop.location()
    price = {"amount": 100, "currency": "EUR"}
    wanted = rota.wanted(*MORNING, capacity=3, price=price, location_id=str(there))
    assert counts(rota.apply(wanted)) == (0, 0, 3, 0)
    assert [slot["id"] for slot in rota.slots()] == before
    for slot in rota.slots():
        assert (slot["capacity"], slot["price_amount"], slot["location_id"]) == (3, 100, there)
        assert slot["version"] == 2


def test_slots_of_another_schedule_of_the_same_hours_are_taken_over(rota):
    rota.apply(rota.wanted(*MORNING))
    booking = rota.book(9, 10)
    younger = rota.schedule()
    facts = rota.apply(rota.wanted(*MORNING, schedule_id=str(younger)))
    assert counts(facts) == (0, 0, 3, 0)
    assert facts["in_the_way"] == []
    assert {slot["schedule_id"] for slot in rota.slots()} == {younger}
    assert rota.shop.booking(booking)["status"] == "confirmed"


def test_claimed_time_that_is_not_wanted_stays_as_far_as_it_is_claimed_and_is_answered(rota, shop):
    rota.apply(rota.wanted((9, 17), whole=False))
    booking = rota.book(10, 11)
    facts = rota.apply([])
    assert counts(facts) == (0, 0, 1, 0)
    assert in_the_way(facts) == [str(booking)]
    assert facts["in_the_way"][0] == {
        "booking_id": str(booking),
        "kind": "appointment",
        "slot_id": str(rota.slot_at(10)),
        "start": "2040-01-02T10:00:00Z",
        "end": "2040-01-02T11:00:00Z",
        "time_zone": "Europe/Rome",
        "quantity": 1,
    }
    assert rota.hours() == [(10, 11)]
    with shop.unchanged():
        again = rota.apply([])
    assert in_the_way(again) == [str(booking)]
    assert counts(again) == (0, 0, 0, 1)
    # Once the booking has gone, so does the time.
    shop.move("cancel_booking", booking)
    assert counts(rota.apply([])) == (0, 1, 0, 0)
    assert rota.slots() == []


def test_blocks_are_in_the_way_like_bookings_and_say_that_they_are_blocks(rota, shop):
    rota.apply(rota.wanted((9, 17), whole=False))
    shop.call("block_time", provider_id=shop.provider_id, start=at(12), end=at(13))
    facts = rota.apply([])
    assert [one["kind"] for one in facts["in_the_way"]] == ["block"]
    assert rota.hours() == [(12, 13)]


def test_a_slot_whose_claims_a_wanted_one_holds_becomes_it(rota):
    rota.apply(rota.wanted((9, 17), whole=False, capacity=2))
    booking = rota.book(10, 11)
    slot = rota.slot_at(9)
    facts = rota.apply(rota.wanted((8, 12), whole=False, capacity=5))
    assert counts(facts) == (0, 0, 1, 0)
    assert facts["in_the_way"] == []
    assert rota.slot_at(8) == slot
    (claim,) = rota.shop.claims(booking)
    assert (claim["slot_capacity"], claim["during"].lower) == (5, at(10))


def test_long_time_that_is_cut_into_slots_keeps_the_booking_that_fits_one(rota):
    rota.apply(rota.wanted((9, 12), whole=False))
    rota.book(10, 11)
    slot = rota.slot_at(9)
    facts = rota.apply(rota.wanted(*MORNING))
    assert counts(facts) == (2, 0, 1, 0)
    assert facts["in_the_way"] == []
    assert rota.hours() == MORNING
    assert rota.slot_at(10) == slot


def test_slots_of_a_fixed_length_are_left_out_where_a_booking_is_in_the_way(rota, shop):
    rota.apply(rota.wanted((9, 12), whole=False))
    booking = rota.book(9.5, 10.5)
    facts = rota.apply(rota.wanted(*MORNING))
    assert counts(facts) == (1, 0, 1, 0)
    assert in_the_way(facts) == [str(booking)]
    assert rota.hours() == [(9.5, 10.5), (11, 12)]
    with shop.unchanged():
        rota.apply(rota.wanted(*MORNING))


def test_long_time_is_cut_where_a_booking_is_in_the_way(rota, shop):
    rota.apply(rota.wanted((8, 10)))
    booking = rota.book(8, 10)
    facts = rota.apply(rota.wanted((9, 17), whole=False))
    assert counts(facts) == (1, 0, 0, 1)
    assert in_the_way(facts) == [str(booking)]
    assert rota.hours() == [(8, 10), (10, 17)]
    with shop.unchanged():
        rota.apply(rota.wanted((9, 17), whole=False))
    shop.move("cancel_booking", booking)
    rota.apply(rota.wanted((9, 17), whole=False))
    assert rota.hours() == [(9, 17)]


def test_several_booked_slots_in_one_long_time_stay_beside_one_another(rota, shop):
    rota.apply(rota.wanted(*MORNING, capacity=2))
    first, last = rota.book(9, 10), rota.book(11, 12)
    long = rota.wanted((8, 14), whole=False, capacity=4)
    facts = rota.apply(long)
    assert facts["in_the_way"] == []
    assert rota.hours() == [(8, 9), (9, 10), (10, 11), (11, 12), (12, 14)]
    assert {slot["capacity"] for slot in rota.slots()} == {4}
    with shop.unchanged():
        rota.apply(long)
    shop.move("cancel_booking", first)
    rota.apply(long)
    assert rota.hours() == [(8, 14)]
    assert shop.claims(last)[0]["slot_id"] == rota.slot_at(8)


def test_several_booked_slots_in_one_of_a_fixed_length_are_in_its_way(rota):
    rota.apply(rota.wanted((9, 9.5), (9.5, 10)))
    bookings = [rota.book(9, 9.5), rota.book(9.5, 10)]
    facts = rota.apply(rota.wanted((9, 10)))
    assert in_the_way(facts) == [str(one) for one in bookings]
    assert rota.hours() == [(9, 9.5), (9.5, 10)]


def test_what_is_in_the_way_of_one_slot_can_put_another_in_its_way(rota):
    # 9:00-10:00 would do for the first booking, were it not for the second one's end.
    rota.apply(rota.wanted((8, 9.25), (9.25, 10.5)))
    before = [rota.book(8.75, 9.25), rota.book(9.25, 9.5)]
    facts = rota.apply(rota.wanted((9.25, 10.25)))
    assert in_the_way(facts) == [str(before[0])]
    assert rota.hours() == [(8.75, 9.25), (9.25, 10.25)]
    facts = rota.apply(rota.wanted((9, 10)))
    assert in_the_way(facts) == [str(one) for one in before]
    assert rota.hours() == [(8.75, 9.25), (9.25, 9.5)]


def test_all_slots_may_move_at_once_even_into_one_anothers_time(rota):
    for shift in (0.25, -0.25, 0.5):
        rota.apply([])
        rota.apply(rota.wanted((9, 10), (10, 11), (11, 12)))
        bookings = [rota.book(hour + 0.5, hour + 0.75) for hour in (9, 10, 11)]
        moved = [(hour + shift, hour + 1 + shift) for hour in (9, 10, 11)]
        facts = rota.apply(rota.wanted(*moved))
        assert facts["in_the_way"] == []
        assert rota.hours() == moved
        for booking in bookings:
            rota.shop.move("cancel_booking", booking)


def test_a_booking_stays_at_the_place_it_was_made_for(rota, shop):
    rota.apply(rota.wanted((9, 12), whole=False))
    booking = rota.book(10, 11)
    there = shop.location()
    facts = rota.apply(rota.wanted((9, 12), whole=False, location_id=str(there)))
    assert in_the_way(facts) == [str(booking)]
    assert rota.hours() == [(9, 10), (10, 11), (11, 12)]
    here = [slot["start"] for slot in rota.slots() if slot["location_id"] == shop.location_id]
    assert here == [at(10)]


def test_a_capacity_below_what_is_booked_is_in_the_way_of_its_bookings(rota):
    rota.apply(rota.wanted((9, 10), capacity=10))
    booking = rota.book(9, 10, quantity=7)
    facts = rota.apply(rota.wanted((9, 10), capacity=5))
    assert in_the_way(facts) == [str(booking)]
    assert rota.slots()[0]["capacity"] == 7
    facts = rota.apply(rota.wanted((9, 10), capacity=8))
    assert facts["in_the_way"] == []
    assert rota.slots()[0]["capacity"] == 8


def test_a_smaller_capacity_deals_units_again_where_the_heads_fit(rota, shop):
    rota.apply(rota.wanted((9, 17), whole=False, capacity=3))
    first = rota.book(9, 12, quantity=2)
    later = [rota.book(11, 13), rota.book(12, 14)]
    shop.move("cancel_booking", first)
    assert [str(shop.claims(one)[0]["units"]) for one in later] == ["{[3, 4)}", "{[1, 2)}"]
    facts = rota.apply(rota.wanted((9, 17), whole=False, capacity=2))
    assert facts["in_the_way"] == []
    assert [slot["capacity"] for slot in rota.slots()] == [2]
    facts = rota.apply(rota.wanted((9, 17), whole=False, capacity=1))
    assert in_the_way(facts) == [str(one) for one in later]
    assert [slot["capacity"] for slot in rota.slots() if slot["id"] == rota.slot_at(11)] == [2]
    assert [event["kind"] for event in shop.events(later[0])] == ["confirmed"]


def test_slots_made_by_hand_are_not_touched_and_not_published_over(rota, shop):
    shop.slot(9.5, 10.5, capacity=3)
    shop.slot(20, 21)
    facts = rota.apply(rota.wanted(*MORNING, (13, 17)))
    assert counts(facts) == (2, 0, 0, 0)
    assert rota.hours() == [(9.5, 10.5), (11, 12), (13, 17), (20, 21)]
    rota.apply(rota.wanted((8, 21.5), whole=False))
    assert rota.hours() == [(8, 9.5), (9.5, 10.5), (10.5, 20), (20, 21), (21, 21.5)]
    rota.apply([])
    assert rota.hours() == [(9.5, 10.5), (20, 21)]
    assert {slot["schedule_id"] for slot in rota.slots()} == {None}
    assert {slot["version"] for slot in rota.slots()} == {1}


def test_a_slot_changed_by_hand_is_the_vendors_own_from_then_on(rota, shop):
    rota.apply(rota.wanted(*MORNING))
    shop.call("resize_slot", slot_id=rota.slot_at(10), capacity=4)
    assert counts(rota.apply(rota.wanted(*MORNING))) == (0, 0, 0, 2)
    assert [slot["capacity"] for slot in rota.slots()] == [1, 4, 1]
    rota.apply([])
    assert rota.hours() == [(10, 11)]


def test_time_that_has_begun_and_time_beyond_the_window_are_not_touched(rota):
    rota.apply(rota.wanted(*MORNING, *EVENING))
    facts = rota.apply([], **{"from": at(10), "to": at(14)})
    assert counts(facts) == (0, 2 + 1, 0, 0)
    assert rota.hours() == [(9, 10), (14, 15)]
    # What reaches into the window, or begins after it, stands in the way like a slot made by hand.
    rota.apply(rota.wanted((9.5, 10.5), (13.5, 15)), **{"from": at(9.25), "to": at(14)})
    assert rota.hours() == [(9, 10), (14, 15)]
    past = rota.wanted((-24 * 365 * 20, 2 - 24 * 365 * 20))
    assert counts(rota.apply(past, **{"from": at(-24 * 365 * 20), "to": at(9)})) == (0, 0, 0, 0)


def test_lapsed_holds_do_not_stand_in_the_way(rota, shop):
    rota.apply(rota.wanted(*MORNING))
    gone, changed, same = (shop.lapsed_hold(rota.slot_at(hour)) for hour in (9, 10, 11))
    facts = rota.apply(rota.wanted((10, 10.5), (11, 12)))
    assert counts(facts) == (1, 2, 0, 1)
    assert facts["in_the_way"] == []
    assert rota.hours() == [(10, 10.5), (11, 12)]
    statuses = {shop.booking(one)["status"] for one in (gone, changed)}
    assert statuses == {"expired"}
    assert shop.booking(same)["status"] == "held"
    assert [event["kind"] for event in shop.events(gone)] == ["held", "expired"]


def test_a_hold_that_still_runs_is_in_the_way_like_a_booking(rota, shop):
    from datetime import timedelta

    rota.apply(rota.wanted(*MORNING))
    held = shop.book(rota.slot_at(9), hold_for=timedelta(minutes=5))
    assert in_the_way(rota.apply([])) == [str(held)]
    assert rota.hours() == [(9, 10)]


def test_a_dry_run_tells_what_would_happen_and_does_nothing(rota, shop):
    rota.apply(rota.wanted(*MORNING))
    booking = rota.book(9, 10)
    shop.lapsed_hold(rota.slot_at(10))
    wanted = rota.wanted((9.5, 10.5), (13, 14))
    with shop.unchanged():
        told = rota.apply(wanted, dry_run=True)
    assert counts(told) == (1, 2, 0, 1)
    assert in_the_way(told) == [str(booking)]
    assert told == rota.apply(wanted)


def test_only_this_providers_slots_are_looked_at(rota, shop):
    other = Rota(shop)
    second = shop.provider()
    other.apply(other.wanted(*MORNING), provider_id=second)
    rota.apply(rota.wanted(*EVENING))
    assert counts(rota.apply([])) == (0, 2, 0, 0)
    found = shop.rows("SELECT count(*) AS n FROM slots WHERE vendor_id = %s")
    assert found[0]["n"] == 3


def test_no_provider_and_one_who_is_archived_are_not_found(rota, shop):
    nobody = rota.answer([], provider_id=uuid.uuid4())
    assert nobody["outcome"] == "PROVIDER_NOT_FOUND"
    shop.app.execute("UPDATE providers SET archived_at = now() WHERE id = %s", [shop.provider_id])
    assert rota.answer(rota.wanted(*MORNING))["outcome"] == "PROVIDER_NOT_FOUND"
    assert rota.slots() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "never"},
        {"start": None},
        {"end": None},
        {"end": at(8).isoformat()},
        {"capacity": None},
        {"capacity": "many"},
        {"schedule_id": None},
        {"location_id": "here"},
        {"whole": None},
    ],
    ids=str,
)
def test_a_slot_that_is_none_is_a_broken_caller(rota, wrong):
    wanted = rota.wanted((9, 10))
    if wrong != {"start": None}:
        with pytest.raises(psycopg.Error) as refusal:
            rota.answer([{**wanted[0], **wrong}])
        assert refusal.value.sqlstate == "SK001"
    else:
        # It does not begin in the window.
        assert counts(rota.apply([{**wanted[0], **wrong}])) == (0, 0, 0, 0)
    assert rota.slots() == []


def test_slots_that_overlap_are_a_broken_caller(rota):
    with pytest.raises(psycopg.Error) as refusal:
        rota.answer(rota.wanted((9, 10), (9.5, 11)))
    assert refusal.value.sqlstate == "SK001"


def test_bookings_in_the_way_are_counted_and_the_first_hundred_named(rota):
    rota.apply(rota.wanted((9, 10), capacity=120))
    for _ in range(105):
        rota.book(9, 10)
    facts = rota.apply([])
    assert (len(facts["in_the_way"]), facts["in_the_way_total"]) == (100, 105)
