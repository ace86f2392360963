"""Odd arguments are refused in words or by SK001, and never become a booking nobody asked for."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.shop import Shop, at

KEY = "a key of the test, no 1"
DETAILS = [
    ({"customer": 5}, "customer"),
    ({"customer": "Ada"}, "customer"),
    ({"customer": ["Ada"]}, "customer"),
    ({"customer": {"name": ""}}, "customer.name"),
    ({"customer": {"name": 5}}, "customer.name"),
    ({"customer": {"name": {"first": "Ada"}}}, "customer.name"),
    ({"customer": {"name": "x" * 201}}, "customer.name"),
    ({"customer": {"name": "Ada", "email": "a"}}, "customer.email"),
    ({"customer": {"name": "Ada", "email": "x" * 255}}, "customer.email"),
    ({"customer": {"name": "Ada", "phone": 390212}}, "customer.phone"),
    ({"guests": "x"}, "guests"),
    ({"guests": -3}, "guests"),
    ({"guests": 1.5}, "guests"),
    ({"guests": 99_999_999_999}, "guests"),
    ({"guests": [1]}, "guests"),
    ({"metadata": []}, "metadata"),
    ({"metadata": "x"}, "metadata"),
    ({"notes": 5}, "notes"),
    ({"notes": {"text": "x"}}, "notes"),
    ({"notes": "x" * 10_001}, "notes"),
    ({"internal_notes": "x" * 10_001}, "internal_notes"),
    ({"channel": "x" * 101}, "channel"),
    ({"kind": "party"}, "kind"),
    ({"kind": 5}, "kind"),
    ({"kind": "block", "customer": {"name": "Ada"}}, "customer"),
]


@pytest.mark.parametrize("details, field", DETAILS, ids=lambda value: str(value)[:40])
def test_details_of_a_wrong_kind_are_refused_by_their_name(shop, details, field):
    slot = shop.slot()
    with shop.unchanged():
        answer = shop.claim(slot, details=details, idempotency_key=KEY)
    assert (answer["outcome"], answer["facts"]["field"]) == ("VALIDATION_ERROR", field)


def test_details_that_say_nothing_are_none(shop):
    nothing = {"customer": None, "guests": None, "metadata": None, "notes": None, "kind": None}
    for details in (nothing, {"customer": {}}, {"customer": {"name": None, "email": None}}):
        booking_id = shop.book(shop.slot(), details=details)
        booking = shop.booking(booking_id)
        assert (booking["customer_id"], booking["guests"], booking["notes"]) == (None, None, None)
        assert (booking["metadata"], booking["kind"]) == ({}, "appointment")
        shop.move("cancel_booking", booking_id)
        shop.call("delete_slot", slot_id=booking["slot_ids"][0])
    assert shop.rows("SELECT FROM customers WHERE vendor_id = %s") == []


def test_a_block_names_no_customer(shop):
    slot, customer = shop.slot(), shop.insert("customers", name="Ada")
    with shop.unchanged():
        answer = shop.claim(slot, customer_id=customer, details={"kind": "block"})
    assert answer["facts"] == {"field": "customer", "reason": "block_has_no_customer"}


def test_a_reason_too_long_for_a_block_is_refused(shop):
    shop.slot()
    times = {"provider_id": shop.provider_id, "start": at(9), "end": at(10)}
    with shop.unchanged():
        answer = shop.call("block_time", reason="x" * 10_001, **times)[0]
    assert (answer["outcome"], answer["facts"]["field"]) == ("VALIDATION_ERROR", "notes")


@pytest.mark.parametrize("key", ["", "too short", "x" * 15, "x" * 256])
def test_a_key_too_short_or_too_long_is_refused(shop, key):
    slot = shop.slot()
    with shop.unchanged():
        answer = shop.claim(slot, idempotency_key=key)
    assert answer["facts"]["field"] == "idempotency_key"
    for function, given in (
        ("remember_idempotency_key", {"key": key, "made": Jsonb({})}),
        (
            "publish_slots",
            {
                "provider_id": shop.provider_id,
                "idempotency_key": key,
                "slots": Jsonb([{"start": "2040-01-02T12:00Z", "end": "2040-01-02T13:00Z"}]),
            },
        ),
    ):
        with shop.unchanged(), pytest.raises(psycopg.Error) as error:
            shop.call(function, fingerprint=b"1", **given)
        assert error.value.sqlstate == "SK001"


def test_slots_in_a_table_instead_of_a_list_are_a_broken_callers(shop):
    slot = shop.slot()
    with shop.unchanged(), pytest.raises(psycopg.Error) as error:
        shop.call("claim_slot_and_create_booking", slot_ids=[[slot], [slot]])
    assert error.value.sqlstate == "SK001"


@pytest.mark.parametrize(
    "start", ["infinity", "-infinity", "294276-12-31 23:59Z", "4713-01-01 00:00Z BC", "1899-12-31Z"]
)
def test_a_bare_start_that_is_no_moment_is_refused(shop, start):
    service = shop.insert("services", name="Cut", duration_minutes=45)
    slot = shop.slot()
    for given in ({}, {"service_id": service}, {"end": at(10)}, {"idempotency_key": KEY}):
        with shop.unchanged():
            answer = shop.claim(slot, start=start, **given)
        assert answer["outcome"] == "INVALID_DATE_RANGE"
    with shop.unchanged():
        given = {"service_id": service, "start": start}
        (answer,) = shop.call("claim_service_and_create_booking", **given)
    assert answer["outcome"] == "INVALID_DATE_RANGE"


@pytest.mark.parametrize("hold_for", ["infinity", "-infinity", "1 month"])
def test_a_hold_without_an_end_is_refused(shop, hold_for):
    slot = shop.slot()
    with shop.unchanged():
        answer = shop.claim(slot, hold_for=hold_for, idempotency_key=KEY)
    assert answer["facts"]["reason"] == "hold_out_of_range"


@pytest.mark.parametrize("alternatives", [-1, 0, None, 2_147_483_647])
def test_any_number_of_alternatives_may_be_asked_for(shop, alternatives):
    slot, other = shop.slot(9, 10), shop.slot(10, 11)
    shop.book(slot)
    offered = shop.claim(slot, alternatives=alternatives)["facts"]["alternatives"]
    assert [a["slot_ids"] for a in offered] == ([[str(other)]] if (alternatives or 0) > 0 else [])


WANTED = {"start": at(9).isoformat(), "end": at(10).isoformat()}


@pytest.mark.parametrize(
    "change, outcome, reason",
    [
        ({"start": "soon"}, "VALIDATION_ERROR", "start_and_end_needed"),
        ({"end": 5}, "VALIDATION_ERROR", "start_and_end_needed"),
        ({"start": "0044-03-15 BC"}, "INVALID_DATE_RANGE", "slot_too_far_back"),
        ({"end": "9999-12-31T23:59:59-10:00"}, "INVALID_DATE_RANGE", "slot_too_far_ahead"),
        ({"end": "294276-12-31T23:59:59Z"}, "INVALID_DATE_RANGE", "slot_too_far_ahead"),
        ({"capacity": "many"}, "VALIDATION_ERROR", "capacity_out_of_range"),
        ({"capacity": 1.5}, "VALIDATION_ERROR", "capacity_out_of_range"),
        ({"capacity": 9_999_999_999}, "VALIDATION_ERROR", "capacity_out_of_range"),
        ({"location_id": "here"}, "LOCATION_NOT_FOUND", None),
        ({"location_id": 5}, "LOCATION_NOT_FOUND", None),
    ],
)
def test_a_slot_that_cannot_be_read_is_refused_by_its_place(shop, change, outcome, reason):
    with shop.unchanged():
        answer = shop.publish([WANTED, WANTED | change])
    assert answer["outcome"] == outcome
    assert (answer["facts"]["index"], answer["facts"].get("reason")) == (1, reason)


NO_PRICES = [
    5, "free", [], {}, {"amount": 5}, {"currency": "EUR"}, {"amount": "x", "currency": "EUR"},
    {"amount": 1.5, "currency": "EUR"}, {"amount": -1, "currency": "EUR"},
    {"amount": 10**30, "currency": "EUR"}, {"amount": 5, "currency": 5},
]  # fmt: skip


@pytest.mark.parametrize("price", NO_PRICES, ids=str)
def test_what_is_no_price_does_not_make_a_slot_without_one(shop, price):
    # What a price is short of is taken from the slot's own, where it has one.
    half = price in ({}, {"amount": 5}, {"currency": "EUR"})
    slot = shop.slot(12, 13, price=None if half else {"amount": 500, "currency": "EUR"})
    with shop.unchanged():
        published = shop.publish([WANTED | {"price": price}])
        resized = shop.call("resize_slot", slot_id=slot, price=Jsonb(price))[0]
    for answer in (published, resized):
        assert (answer["outcome"], answer["facts"]["reason"]) == (
            "VALIDATION_ERROR",
            "price_invalid",
        )


def test_a_slot_cannot_be_moved_out_of_the_years_that_can_be_answered(shop):
    slot = shop.slot()
    for change in (
        {"start": "0044-03-15 BC"},
        {"end": "10000-01-01T00:00:01Z"},
        {"start": "-infinity"},
        {"end": "infinity"},
    ):
        with shop.unchanged():
            answer = shop.call("resize_slot", slot_id=slot, **change)[0]
        assert answer["outcome"] == "INVALID_DATE_RANGE"
        assert answer["facts"]["reason"] in {
            "slot_too_far_back",
            "slot_too_far_ahead",
            "not_finite",
        }


def test_a_window_that_ends_before_it_begins_shows_nothing(shop):
    shop.slot()
    assert shop.call("list_availability", **{"from": at(24), "to": at(0)}) == []
    (row,) = shop.call("list_availability", **{"from": at(0), "to": at(24)}, quantity=None)
    assert row["status"] == "available"


def test_a_customer_cannot_bring_back_a_booking_whose_time_has_begun(shop):
    slot = shop.slot()
    booking_id = shop.book(slot)
    shop.move("cancel_booking", booking_id, actor={"type": "customer"})
    shop.owner.execute(
        "UPDATE slots SET during = tstzrange(now() - interval '1 hour', now() + interval '1 hour')"
        " WHERE id = %s",
        [slot],
    )
    shop.owner.execute(
        "UPDATE bookings b SET during = s.during FROM slots s WHERE s.id = %s AND b.id = %s",
        [slot, booking_id],
    )
    with shop.unchanged():
        answer = shop.move("confirm_booking", booking_id, actor={"type": "customer"})
    assert (answer["outcome"], answer["facts"]["reason"]) == ("VALIDATION_ERROR", "in_the_past")
    assert shop.move("confirm_booking", booking_id, actor={"type": "vendor"})["changed"]


def test_a_cancelled_booking_does_not_come_back_at_another_place(shop):
    slot = shop.slot()
    booking_id = shop.book(slot)
    shop.move("cancel_booking", booking_id)
    shop.call("resize_slot", slot_id=slot, location_id=shop.location())
    with shop.unchanged():
        assert shop.move("confirm_booking", booking_id)["outcome"] == "SLOT_NOT_FOUND"


def test_nothing_of_another_vendors_can_be_named(shop):
    stranger = Shop(shop.app, shop.owner)
    theirs = stranger.slot()
    hold = stranger.book(theirs, hold_for=timedelta(minutes=5))
    times = {"provider_id": stranger.provider_id, "start": at(9), "end": at(10)}
    with stranger.unchanged(), shop.unchanged():
        assert shop.call("block_time", **times)[0]["outcome"] == "SLOT_NOT_FOUND"
        assert shop.call("slots_covering", **times)[0]["slots_covering"] == []
        assert shop.call("describe_booking", booking_id=hold)[0]["describe_booking"] is None
        assert shop.claim(theirs)["outcome"] == "SLOT_NOT_FOUND"
