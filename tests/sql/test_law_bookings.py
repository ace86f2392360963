"""Laws 4 and 5: what does not occupy holds nothing, and what occupies has all its claims."""

from __future__ import annotations

import pytest

from tests import raw
from tests.shop import at

IDLE = ["cancelled", "expired", "declined"]
OCCUPYING = ["requested", "held", "confirmed", "completed", "no_show"]


def claims_of(shop, booking_id):
    return [shop.vendor_id, booking_id]


@pytest.mark.parametrize("status", IDLE)
def test_a_booking_cannot_stop_occupying_and_keep_its_claims(shop, refused, status):
    booking_id = shop.book(shop.slot())
    with refused("23503", by="claims_booking_fkey"):
        shop.owner.execute("UPDATE bookings SET status = %s WHERE id = %s", [status, booking_id])


@pytest.mark.parametrize("status", IDLE)
def test_a_booking_that_does_not_occupy_cannot_claim(shop, refused, status):
    slot = shop.slot()
    with refused("23503", by="claims_booking_fkey"):
        raw.book(shop.owner, shop, slot, booking={"status": status})
    with refused("23514", by="claims_booking_occupies"):
        raw.book(
            shop.owner, shop, slot, booking={"status": status}, claim={"booking_occupying": False}
        )


@pytest.mark.parametrize("status", OCCUPYING)
def test_a_booking_cannot_occupy_without_claims(shop, refused, status):
    slot = shop.slot()
    booking = {"status": status, "hold_expires_at": at(8)}
    with refused("23503", by="bookings_last_claim_fkey"):
        raw.book(shop.owner, shop, slot, booking=booking, ordinals=())


@pytest.mark.parametrize("status", OCCUPYING)
def test_a_cancelled_booking_cannot_occupy_again_without_claiming(shop, refused, status):
    booking_id = shop.book(shop.slot())
    shop.move("cancel_booking", booking_id)
    with refused("23503", by="bookings_last_claim_fkey"):
        shop.owner.execute(
            "UPDATE bookings SET status = %s, hold_expires_at = now() WHERE id = %s",
            [status, booking_id],
        )


def test_whether_a_booking_occupies_is_not_the_writers_to_say(shop, refused):
    slot = shop.slot()
    with refused("428C9"):
        raw.book(shop.owner, shop, slot, booking={"occupying": False}, ordinals=())
    with refused("428C9"):
        raw.book(shop.owner, shop, slot, booking={"last_ordinal": None}, ordinals=())
    with refused("428C9"):
        raw.book(shop.owner, shop, slot, claim={"previous_ordinal": None})


@pytest.mark.parametrize("ordinal", [1, 3, 5], ids=["first", "middle", "last"])
def test_no_night_of_a_stay_can_be_lost(shop, refused, ordinal):
    booking_id = shop.book(*shop.nights(5))
    lost = "claims_previous_fkey" if ordinal < 5 else "bookings_last_claim_fkey"
    with refused("23503", by=lost):
        shop.owner.execute(
            "DELETE FROM claims WHERE vendor_id = %s AND booking_id = %s AND ordinal = %s",
            [*claims_of(shop, booking_id), ordinal],
        )


def test_the_claims_of_a_booking_cannot_all_be_lost(shop, refused):
    booking_id = shop.book(*shop.nights(5))
    with refused("23503", by="bookings_last_claim_fkey"):
        shop.owner.execute(
            "DELETE FROM claims WHERE vendor_id = %s AND booking_id = %s",
            claims_of(shop, booking_id),
        )


@pytest.mark.parametrize("missing", [1, 2, 3], ids=["first", "middle", "last"])
def test_a_stay_cannot_be_booked_without_one_of_its_nights(shop, refused, missing):
    nights = shop.nights(3)
    rest = tuple(ordinal for ordinal in (1, 2, 3) if ordinal != missing)
    with refused("23503"):
        raw.book(shop.owner, shop, *nights, ordinals=rest)


def test_a_stay_cannot_be_shortened_by_lowering_its_count(shop, refused):
    nights = shop.nights(3)
    booking_id = shop.book(*nights)
    with refused("23503", by="claims_booking_fkey"):
        shop.owner.execute(
            "UPDATE bookings SET claim_count = 2, slot_ids = %s WHERE id = %s",
            [nights[:2], booking_id],
        )
    with refused("23514"):
        shop.owner.execute("UPDATE bookings SET claim_count = 2 WHERE id = %s", [booking_id])


def test_a_booking_cannot_have_more_claims_than_it_says(shop, refused):
    slot = shop.slot(capacity=3)
    booking_id = shop.book(slot)
    for ordinal, sqlstate in [(2, "23514"), (0, "23503"), (-1, "23503"), (1, "23505")]:
        with refused(sqlstate), shop.owner.transaction():
            slots = raw.slots_of(shop.owner, shop, (slot,))
            booking = raw.booking_row(shop, slots) | {"id": booking_id}
            row = raw.claim_row(booking, slots, 1, "{[2,3)}")
            raw.insert(shop.owner, "claims", row | {"ordinal": ordinal})


def test_a_claim_cannot_pass_to_another_booking(shop, refused):
    slot = shop.slot(capacity=2)
    first, second = shop.book(slot), shop.book(slot)
    shop.move("cancel_booking", second)
    with refused("23503"):
        shop.owner.execute(
            "UPDATE claims SET booking_id = %s WHERE vendor_id = %s AND booking_id = %s",
            [second, *claims_of(shop, first)],
        )


def test_a_booking_cannot_be_deleted_while_it_claims(shop, refused):
    booking_id = shop.book(shop.slot())
    with refused("23503"):
        shop.owner.execute("DELETE FROM bookings WHERE id = %s", [booking_id])


@pytest.mark.parametrize("quantity", [1, 3])
def test_a_bookings_quantity_cannot_change_under_its_claims(shop, refused, quantity):
    booking_id = shop.book(shop.slot(capacity=5), quantity=2)
    with refused("23503", by="claims_booking_fkey"):
        shop.owner.execute(
            "UPDATE bookings SET quantity = %s WHERE id = %s", [quantity, booking_id]
        )


@pytest.mark.parametrize("units", ["{[1,2)}", "{[1,4)}", "{[1,2),[3,4),[5,6)}"])
def test_a_claim_has_exactly_as_many_units_as_the_booking_has_places(shop, refused, units):
    slot = shop.slot(capacity=5)
    with refused("23514", by="claims_units_are_quantity"):
        raw.book(shop.owner, shop, slot, quantity=2, units=units)


def test_a_claim_cannot_pretend_another_quantity_than_its_booking(shop, refused):
    slot = shop.slot(capacity=5)
    with refused("23503", by="claims_booking_fkey"):
        raw.book(shop.owner, shop, slot, quantity=3, units="{[1,2)}", claim={"quantity": 1})


def test_a_night_cannot_have_fewer_units_than_the_others(shop, refused):
    nights = shop.nights(3, capacity=2)
    booking_id = shop.book(*nights, quantity=2)
    with refused("23514", by="claims_units_are_quantity"):
        shop.owner.execute(
            "UPDATE claims SET units = '{[1,2)}'"
            " WHERE vendor_id = %s AND booking_id = %s AND ordinal = 2",
            claims_of(shop, booking_id),
        )


@pytest.mark.parametrize("quantity", [0, -1, 100_001])
def test_a_booking_takes_one_place_at_least(shop, refused, quantity):
    slot = shop.slot()
    with refused("23514"):
        raw.book(shop.owner, shop, slot, quantity=quantity)


@pytest.mark.parametrize("during", raw.BAD_RANGES.values(), ids=raw.BAD_RANGES)
def test_a_booking_needs_a_finite_half_open_range(shop, refused, during):
    slot = shop.slot()
    with refused("23514"):
        raw.book(shop.owner, shop, slot, booking={"during": during})


def test_a_status_or_kind_outside_the_words_is_refused(shop, refused):
    slot = shop.slot()
    with refused("23514"):
        raw.book(shop.owner, shop, slot, booking={"status": "pencilled"}, ordinals=())
    with refused("23514"):
        raw.book(shop.owner, shop, slot, booking={"kind": "party"})


def test_a_hold_needs_a_time_at_which_it_lapses(shop, refused):
    slot = shop.slot()
    with refused("23514"):
        raw.book(shop.owner, shop, slot, booking={"status": "held"})


def test_the_laws_let_a_raw_booking_through_that_keeps_them(shop):
    booking_id = raw.book(
        shop.owner, shop, *shop.nights(3, capacity=4), quantity=2, units="{[2,3),[4,5)}"
    )
    assert [claim["ordinal"] for claim in shop.claims(booking_id)] == [1, 2, 3]
