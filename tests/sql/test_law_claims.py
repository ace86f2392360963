"""Laws 2 and 3: no unit is claimed twice at one time, and a claim lies inside its slot."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import raw
from tests.shop import at

OTHER_TIME = "[2040-01-02T{}:00Z,2040-01-02T{}:00Z)"
bad_ranges = pytest.mark.parametrize("during", raw.BAD_RANGES.values(), ids=raw.BAD_RANGES)


@pytest.mark.parametrize("status", ["requested", "held", "confirmed", "completed", "no_show"])
@pytest.mark.parametrize("kind", ["appointment", "block"])
def test_no_unit_is_claimed_twice_whatever_the_booking_is(shop, refused, kind, status):
    slot = shop.slot(capacity=5)
    shop.book(slot, hold_for=timedelta(minutes=5))
    booking = {"status": status, "kind": kind, "hold_expires_at": at(8)}
    with refused("23P01", by="claims_no_overlap"):
        raw.book(shop.owner, shop, slot, booking=booking)


@pytest.mark.parametrize(
    "units",
    ["{[1,2)}", "{[1,3)}", "{[2,6)}", "{[1,2),[4,5)}", "{[4,5)}"],
    ids=["same", "around", "into the others", "partly", "the last"],
)
def test_bookings_of_several_units_cannot_share_one(shop, refused, units):
    slot = shop.slot(capacity=5)
    raw.book(shop.owner, shop, slot, units="{[1,2),[3,5)}", quantity=3)
    quantity = shop.owner.execute("SELECT units_count(%s::int4multirange)", [units]).fetchone()[0]
    with refused("23P01", by="claims_no_overlap"):
        raw.book(shop.owner, shop, slot, units=units, quantity=quantity)


@pytest.mark.parametrize("times", [("09", "10"), ("08", "17"), ("10", "13"), ("12", "13")])
def test_a_unit_cannot_be_claimed_for_times_that_overlap(shop, refused, times):
    slot = shop.slot(8, 17)
    shop.book(slot, start=at(9), end=at(11))
    shop.book(slot, start=at(12), end=at(13))
    with refused("23P01", by="claims_no_overlap"):
        raw.book(shop.owner, shop, slot, claim={"during": OTHER_TIME.format(*times)})


def test_a_unit_can_be_claimed_for_times_that_only_touch(shop):
    slot = shop.slot(8, 17)
    for times in [("09", "10"), ("10", "11"), ("08", "09")]:
        raw.book(shop.owner, shop, slot, claim={"during": OTHER_TIME.format(*times)})


def test_a_claim_cannot_be_moved_onto_a_unit_that_is_taken(shop, refused):
    slot = shop.slot(capacity=2)
    shop.book(slot)
    second = shop.book(slot)
    with refused("23P01", by="claims_no_overlap"):
        shop.owner.execute(
            "UPDATE claims SET units = '{[1,2)}' WHERE vendor_id = %s AND booking_id = %s",
            [shop.vendor_id, second],
        )


def test_the_place_after_the_last_cannot_be_booked(shop, refused):
    slot = shop.slot(capacity=2)
    shop.book(slot, quantity=2)
    with refused("23514", by="claims_within_capacity"):
        raw.book(shop.owner, shop, slot, units="{[3,4)}")


@pytest.mark.parametrize(
    "units, quantity",
    [
        ("{[0,1)}", 1),
        ("{[-1,0)}", 1),
        ("{[3,4)}", 1),
        ("{[2,4)}", 2),
        ("{[1,2),[3,4)}", 2),
        ("{[1,4)}", 3),
        ("{}", 1),
        ("{(,3)}", 2),
        ("{[1,)}", 2),
        ("{(,)}", 1),
    ],
)
def test_units_lie_within_the_capacity(shop, refused, units, quantity):
    slot = shop.slot(capacity=2)
    with refused("23514"):
        raw.book(shop.owner, shop, slot, units=units, quantity=quantity)


def test_a_claim_cannot_pretend_a_larger_capacity(shop, refused):
    slot = shop.slot(capacity=1)
    with refused("23503", by="claims_slot_fkey"):
        raw.book(shop.owner, shop, slot, units="{[2,3)}", claim={"slot_capacity": 2})


@pytest.mark.parametrize("times", [("08", "10"), ("09", "11"), ("10", "11"), ("07", "12")])
def test_a_claim_lies_inside_its_slot(shop, refused, times):
    slot = shop.slot(9, 10)
    with refused("23514", by="claims_inside_slot"):
        raw.book(shop.owner, shop, slot, claim={"during": OTHER_TIME.format(*times)})


def test_a_claim_cannot_pretend_a_longer_slot(shop, refused):
    slot = shop.slot(9, 10)
    longer = OTHER_TIME.format("09", "11")
    with refused("23503", by="claims_slot_fkey"):
        raw.book(shop.owner, shop, slot, claim={"during": longer, "slot_during": longer})


def test_a_claim_cannot_name_another_provider_than_its_slots(shop, refused):
    slot = shop.slot()
    shop.book(slot)
    other = shop.provider()
    with refused("23503", by="claims_slot_fkey"):
        raw.book(shop.owner, shop, slot, claim={"provider_id": other})


def test_a_claim_cannot_name_a_slot_that_is_not_there(shop, refused):
    slot = shop.slot()
    with refused("23503", by="claims_slot_fkey"):
        raw.book(shop.owner, shop, slot, claim={"slot_id": shop.provider_id})


def test_a_claim_cannot_reach_another_vendors_slot(shop, refused):
    other = type(shop)(shop.app, shop.owner)
    theirs = other.slot()
    with refused("23503", by="claims_slot_fkey"), shop.owner.transaction():
        slots = raw.slots_of(shop.owner, other, (theirs,))
        places = {"provider_id": shop.provider_id, "location_id": shop.location_id}
        booking = raw.booking_row(shop, slots) | places
        raw.insert(shop.owner, "bookings", booking)
        raw.insert(shop.owner, "claims", raw.claim_row(booking, slots, 1, "{[1,2)}"))


@bad_ranges
def test_a_claim_needs_a_finite_half_open_range(shop, refused, during):
    slot = shop.slot(9, 10)
    with refused("23514"):
        raw.book(shop.owner, shop, slot, claim={"during": during})


@bad_ranges
def test_a_claim_cannot_be_changed_to_a_bad_range(shop, refused, during):
    booking_id = shop.book(shop.slot(9, 10))
    with refused("23514"):
        shop.owner.execute(
            "UPDATE claims SET during = %s WHERE vendor_id = %s AND booking_id = %s",
            [during, shop.vendor_id, booking_id],
        )


@bad_ranges
def test_a_claim_cannot_pretend_a_slot_of_a_bad_range(shop, refused, during):
    slot = shop.slot(9, 10)
    inside = "[2040-01-02T09:30:00Z,2040-01-02T09:40:00Z)"
    expected = "23514" if during == "empty" else "23503"
    with refused(expected):
        raw.book(shop.owner, shop, slot, claim={"slot_during": during, "during": inside})
