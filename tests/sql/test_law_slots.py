"""Laws 1 and 3: slots do not overlap, and their shape cannot change under a booking."""

from __future__ import annotations

import pytest

from tests import raw
from tests.shop import at

bad_ranges = pytest.mark.parametrize("during", raw.BAD_RANGES.values(), ids=raw.BAD_RANGES)


def slot_row(shop, **changes):
    return {
        "vendor_id": shop.vendor_id,
        "provider_id": shop.provider_id,
        "location_id": shop.location_id,
        "during": "[2040-01-02T09:00Z,2040-01-02T10:00Z)",
        "capacity": 1,
    } | changes


@pytest.mark.parametrize(
    "times",
    [(9, 10), (8, 9.5), (9.5, 11), (9.25, 9.75), (8, 11)],
    ids=["same", "into", "out of", "inside", "around"],
)
def test_two_slots_of_a_provider_cannot_overlap(shop, refused, times):
    shop.slot(9, 10)
    during = f"[{at(times[0]).isoformat()},{at(times[1]).isoformat()})"
    with refused("23P01", by="slots_no_overlap"):
        raw.insert(shop.owner, "slots", slot_row(shop, during=during))


def test_a_slot_cannot_be_moved_over_another(shop, refused):
    shop.slot(9, 10)
    later = shop.slot(10, 11)
    with refused("23P01", by="slots_no_overlap"):
        shop.owner.execute(
            "UPDATE slots SET during = tstzrange(lower(during) - interval '1 hour', upper(during))"
            " WHERE id = %s",
            [later],
        )


def test_slots_may_touch_and_other_providers_and_vendors_may_overlap(shop):
    shop.slot(9, 10)
    shop.slot(10, 11)
    shop.slot(9, 10, provider_id=shop.provider())
    other = type(shop)(shop.app, shop.owner)
    other.slot(9, 10)


@bad_ranges
def test_a_slot_needs_a_finite_half_open_range(shop, refused, during):
    with refused("23514"):
        raw.insert(shop.owner, "slots", slot_row(shop, during=during))


@bad_ranges
def test_a_slot_cannot_be_changed_to_a_bad_range(shop, refused, during):
    slot = shop.slot(9, 10)
    with refused("23514"):
        shop.owner.execute("UPDATE slots SET during = %s WHERE id = %s", [during, slot])


@pytest.mark.parametrize("capacity", [0, -1, 100_001])
def test_a_slot_has_one_to_a_hundred_thousand_places(shop, refused, capacity):
    with refused("23514"):
        raw.insert(shop.owner, "slots", slot_row(shop, capacity=capacity))


@pytest.mark.parametrize(
    "price", [(100, None), (None, "EUR"), (-1, "EUR"), (100, "eur"), (100, "")]
)
def test_a_slots_price_has_an_amount_and_a_currency_or_neither(shop, refused, price):
    with refused("23514"):
        raw.insert(
            shop.owner, "slots", slot_row(shop, price_amount=price[0], price_currency=price[1])
        )


def test_a_slot_cannot_move_to_another_provider_under_a_booking(shop, refused):
    slot = shop.slot()
    shop.book(slot)
    other = shop.provider()
    with refused("23503", by="claims_slot_fkey"):
        shop.owner.execute("UPDATE slots SET provider_id = %s WHERE id = %s", [other, slot])


@pytest.mark.parametrize(
    "during",
    [
        "tstzrange(lower(during) + interval '1 hour', upper(during) + interval '1 hour')",
        "tstzrange(lower(during), upper(during) - interval '1 minute')",
        "tstzrange(lower(during), upper(during) + interval '1 hour')",
    ],
    ids=["moved", "shortened", "lengthened"],
)
def test_a_slots_time_cannot_change_under_a_booking(shop, refused, during):
    slot = shop.slot()
    shop.book(slot)
    with refused("23503", by="claims_slot_fkey"):
        shop.owner.execute(f"UPDATE slots SET during = {during} WHERE id = %s", [slot])


@pytest.mark.parametrize(
    "capacity", [1, 2, 4], ids=["below what is booked", "just enough", "grown"]
)
def test_a_slots_capacity_cannot_change_under_a_booking(shop, refused, capacity):
    slot = shop.slot(capacity=3)
    shop.book(slot, quantity=2)
    with refused("23503", by="claims_slot_fkey"):
        shop.owner.execute("UPDATE slots SET capacity = %s WHERE id = %s", [capacity, slot])


def test_a_slot_cannot_be_deleted_under_a_booking(shop, refused):
    slot = shop.slot()
    shop.book(slot)
    with refused("23503", by="claims_slot_fkey"):
        shop.owner.execute("DELETE FROM slots WHERE id = %s", [slot])


def test_a_slot_cannot_take_another_id_or_vendor_under_a_booking(shop, refused):
    slot = shop.slot()
    shop.book(slot)
    other = type(shop)(shop.app, shop.owner)
    with refused("23503", by="claims_slot_fkey"):
        shop.owner.execute("UPDATE slots SET id = uuidv7() WHERE id = %s", [slot])
    with refused("23503"):
        shop.owner.execute(
            "UPDATE slots SET vendor_id = %s, provider_id = %s, location_id = %s WHERE id = %s",
            [other.vendor_id, other.provider_id, other.location_id, slot],
        )


def test_a_slot_whose_booking_was_cancelled_is_free_to_change(shop):
    slot = shop.slot()
    shop.move("cancel_booking", shop.book(slot))
    shop.owner.execute("UPDATE slots SET capacity = 2 WHERE id = %s", [slot])
    shop.owner.execute("DELETE FROM slots WHERE id = %s", [slot])
