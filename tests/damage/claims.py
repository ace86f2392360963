"""Damage to slots and to who has which of their places."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from tests.damage.planting import (
    CAPACITY,
    CLAIMS,
    EVENTS,
    FIT,
    MATCH,
    ORPHANS,
    SLOTS,
    TWICE,
    Damage,
    booked,
    change,
    delete,
    raw_booking,
)
from tests.rota import Rota
from tests.shop import Shop, at


def _twice(shop: Shop) -> None:
    slot = shop.slot(capacity=3)
    shop.book(slot)
    raw_booking(shop, slot)


def _twice_and_too_many(shop: Shop) -> None:
    slot = shop.slot()
    shop.book(slot)
    raw_booking(shop, slot)


def _twice_in_part(shop: Shop) -> None:
    slot = shop.slot(9, 17, capacity=3)
    shop.book(slot, start=at(9), end=at(12))
    shop.book(slot, start=at(13), end=at(14))
    during = {"during": "[2040-01-02T11:59Z,2040-01-02T13:00Z)"}
    raw_booking(shop, slot, booking=during, claim=during)


def _overlapping_slots(shop: Shop) -> None:
    shop.slot(9, 11)
    columns = "vendor_id, provider_id, location_id, during, capacity"
    shop.owner.execute(
        f"INSERT INTO slots ({columns}) SELECT vendor_id, provider_id, location_id,"
        " tstzrange(lower(during) + interval '1 hour', upper(during)), capacity"
        " FROM slots WHERE vendor_id = %s",
        [shop.vendor_id],
    )


def _beyond(shop: Shop) -> None:
    slot = shop.slot()
    shop.book(slot)
    raw_booking(shop, slot, units="{[2,3)}")


def _never_claimed(shop: Shop) -> None:
    raw_booking(shop, shop.slot(), ordinals=())


def _one_of_many_twice(shop: Shop) -> None:
    slot = shop.slot(capacity=500)
    shop.book(slot, quantity=300)
    raw_booking(shop, slot, units="{[250,260),[400,440)}", quantity=50)


def _none_claimed_none_told(shop: Shop) -> None:
    booked(shop, 3)
    shop.owner.execute("DELETE FROM claims WHERE vendor_id = %s", [shop.vendor_id])
    shop.owner.execute("UPDATE bookings SET claim_count = 0 WHERE vendor_id = %s", [shop.vendor_id])


def _slot(assignment: str) -> Callable[[Shop], object]:
    """Publish a slot that nobody books, then change its row by hand."""
    return lambda shop: shop.owner.execute(
        f"UPDATE slots SET {assignment} WHERE id = %s", [shop.slot()]
    )


def close_since_an_hour(shop: Shop, slot: uuid.UUID) -> None:
    """By hand, as if a schedule had closed it."""
    shop.owner.execute(
        "UPDATE slots SET schedule_id = %s, closed = tstzmultirange(during),"
        " updated_at = now() - interval '1 hour' WHERE id = %s",
        [Rota(shop).schedule_id, slot],
    )


def _booked_though_closed(shop: Shop) -> None:
    """A schedule closed the slot an hour ago, and somebody has booked it since."""
    slot = shop.slot()
    shop.book(slot)
    close_since_an_hour(shop, slot)


def _again_though_closed(shop: Shop) -> None:
    """A schedule closed the slot an hour ago; who had it has cancelled and has it again."""
    slot = shop.slot()
    booking_id = shop.book(slot)
    shop.owner.execute(
        "UPDATE events SET occurred_at = now() - interval '2 hours' WHERE booking_id = %s",
        [booking_id],
    )
    shop.owner.execute(
        "UPDATE bookings SET created_at = now() - interval '2 hours' WHERE id = %s", [booking_id]
    )
    shop.move("cancel_booking", booking_id)
    shop.move("confirm_booking", booking_id)
    close_since_an_hour(shop, slot)


SECOND = "ordinal = 2"
BOUNDS = "tstzrange(lower(during), upper(during), '%s')"
DAMAGES = [
    Damage("a unit claimed twice", _twice, {TWICE}, {"unit_claimed_twice"}),
    Damage(
        "the only place booked twice",
        _twice_and_too_many,
        {TWICE, CAPACITY},
        {"unit_claimed_twice", "beyond_capacity"},
    ),
    Damage("a unit claimed twice for a minute", _twice_in_part, {TWICE}, {"unit_claimed_twice"}),
    Damage("one unit of many claimed twice", _one_of_many_twice, {TWICE}, {"unit_claimed_twice"}),
    Damage(
        "a place that is not there",
        _beyond,
        {FIT, CAPACITY},
        {"claim_of_no_such_unit", "beyond_capacity"},
    ),
    Damage("slots that overlap", _overlapping_slots, {SLOTS}, {"slots_overlap"}, {SLOTS}),
    Damage("never claimed", _never_claimed, {CLAIMS}, {"half_booking"}),
    Damage("the first night lost", delete("claims", "ordinal = 1"), {CLAIMS}, {"half_booking"}),
    Damage("a middle night lost", delete("claims", SECOND), {CLAIMS}, {"half_booking"}),
    Damage("the last night lost", delete("claims", "ordinal = 3"), {CLAIMS}, {"half_booking"}),
    Damage("all nights lost", delete("claims", "true"), {CLAIMS}, {"half_booking"}),
    Damage("none claimed and none told", _none_claimed_none_told, {CLAIMS}, {"half_booking"}),
    Damage(
        "cancelled but claiming",
        change("bookings", "status = 'cancelled'"),
        {FIT, EVENTS},
        {"idle_but_claiming", "history_untrue"},
    ),
    Damage(
        "fewer nights than it says",
        change("bookings", "claim_count = 4"),
        {FIT, CLAIMS},
        {"half_booking"},
    ),
    Damage(
        "the slot deleted",
        delete("slots", "lower(during) < '2040-01-03'"),
        {FIT},
        {"claim_of_no_slot"},
    ),
    Damage(
        "the slot moved",
        change(
            "slots",
            "during = tstzrange('2041-01-01', '2041-01-02')",
            "lower(during) < '2040-01-03'",
        ),
        {FIT},
        {"claim_outside_slot"},
    ),
    Damage(
        "the slot given to another provider",
        change("slots", "provider_id = vendor_id"),
        {FIT, ORPHANS},
        {"claim_of_other_provider"},
    ),
    Damage(
        "the booking deleted",
        delete("bookings", "true"),
        {FIT, EVENTS},
        {"claim_of_no_booking", "history_of_nothing"},
        {FIT, EVENTS},
    ),
    Damage("wrong quantity", change("bookings", "quantity = 2"), {FIT, EVENTS}, {"wrong_quantity"}),
    Damage(
        "no unit",
        change("claims", "units = '{}'", SECOND),
        {FIT},
        {"claim_of_no_such_unit", "wrong_quantity"},
    ),
    Damage(
        "unit nought",
        change("claims", "units = '{[0,1)}'", SECOND),
        {FIT},
        {"claim_of_no_such_unit"},
    ),
    Damage(
        "another provider",
        change("claims", "provider_id = vendor_id", SECOND),
        {FIT, MATCH},
        {"claim_of_other_provider"},
    ),
    Damage(
        "a night from nowhere",
        change("claims", "during = tstzrange('2041-01-01', '2041-01-02')", SECOND),
        {FIT, MATCH},
        {"claim_outside_slot"},
    ),
    Damage(
        "an endless night",
        change("claims", "during = tstzrange(lower(during), NULL)", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "an empty night",
        change("claims", "during = 'empty'", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "a night without times",
        change("claims", "during = NULL", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "NULL for units",
        change("claims", "units = NULL", SECOND),
        {FIT},
        {"claim_of_no_such_unit", "wrong_quantity"},
    ),
    Damage(
        "NULL for the provider",
        change("claims", "provider_id = NULL", SECOND),
        {FIT, MATCH},
        {"claim_of_other_provider"},
    ),
    Damage(
        "NULL for the slot",
        change("claims", "slot_id = NULL", SECOND),
        {FIT, MATCH},
        {"claim_of_no_slot"},
    ),
    Damage(
        "another quantity than its booking",
        change("claims", "quantity = 2", SECOND),
        {FIT},
        set(),
    ),
    Damage(
        "a claim that says it holds nothing",
        change("claims", "booking_occupying = false", SECOND),
        {FIT},
        set(),
    ),
    Damage(
        "a night with its last moment",
        change("claims", f"during = {BOUNDS % '[]'}", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "a night without its first moment",
        change("claims", f"during = {BOUNDS % '()'}", SECOND),
        {FIT},
        {"claim_without_times"},
    ),
    Damage(
        "another shape of the slot", change("claims", "slot_capacity = 9", SECOND), {FIT}, set()
    ),
    Damage(
        "NULL for the slot's times", change("claims", "slot_during = NULL", SECOND), {FIT}, set()
    ),
    Damage(
        "a slot without times", _slot("during = NULL"), {SLOTS}, {"slot_without_times"}, {SLOTS}
    ),
    Damage(
        "a slot with its last moment",
        _slot(f"during = {BOUNDS % '[]'}"),
        {SLOTS},
        {"slot_without_times"},
        {SLOTS},
    ),
    Damage(
        "closed by no schedule",
        _slot("closed = tstzmultirange(during)"),
        {SLOTS},
        set(),
        {SLOTS},
    ),
    Damage(
        "another day closed",
        change("slots", "closed = '{[2041-01-01,2041-01-02)}'", "lower(during) < '2040-01-03'"),
        {SLOTS},
        set(),
    ),
    Damage("booked though closed", _booked_though_closed, {FIT}, set()),
    Damage("booked again though closed", _again_though_closed, {FIT}, set()),
    Damage("a slot without places", _slot("capacity = 0"), {SLOTS}, set(), {SLOTS}),
]
