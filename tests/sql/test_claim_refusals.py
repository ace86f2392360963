"""claim_slot_and_create_booking refuses with a reason, and a refusal leaves no trace."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.shop import Shop, at

KEY = "a key of the test, no 1"


@pytest.fixture
def refuse(shop: Shop):
    """Claim, and assert that the answer is a refusal which wrote nothing and took no lock."""

    def claim(*slot_ids, **more):
        with shop.unchanged(), shop.app.transaction():
            answer = shop.claim(*slot_ids, **more)
            # No number of a transaction: not a row was written or locked, not even for a moment.
            assigned = shop.app.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()
            assert assigned == (None,), answer
        assert (answer["booking_id"], answer["replayed"]) == (None, False)
        return answer["outcome"], answer["facts"]

    return claim


def test_a_taken_slot_is_a_conflict_that_says_what_when_and_how_many(shop, refuse):
    slot = shop.slot(9, 10)
    shop.book(slot)
    outcome, facts = refuse(slot)
    assert outcome == "BOOKING_CONFLICT"
    assert facts == {
        "reason": "booked",
        "requested": 1,
        "available": 0,
        "slot_id": str(slot),
        "start": "2040-01-02T09:00:00Z",
        "end": "2040-01-02T10:00:00Z",
        "time_zone": "Europe/Rome",
        "alternatives": [],
    }


def test_too_few_places_left_says_how_many(shop, refuse):
    slot = shop.slot(capacity=5)
    shop.book(slot, quantity=4)
    outcome, facts = refuse(slot, quantity=2)
    assert outcome == "INSUFFICIENT_INVENTORY"
    assert (facts["reason"], facts["requested"], facts["available"]) == ("booked", 2, 1)


def test_more_than_the_slot_ever_had_is_a_matter_of_capacity(shop, refuse):
    outcome, facts = refuse(shop.slot(capacity=5), quantity=6)
    assert (outcome, facts["reason"], facts["available"]) == (
        "INSUFFICIENT_INVENTORY",
        "capacity",
        5,
    )


def test_the_night_that_is_short_is_named(shop, refuse):
    nights = shop.nights(4, capacity=3)
    shop.book(nights[2], quantity=2)
    shop.book(nights[1], quantity=1)
    outcome, facts = refuse(*nights, quantity=2)
    assert outcome == "INSUFFICIENT_INVENTORY"
    assert (facts["slot_id"], facts["available"]) == (str(nights[2]), 1)
    assert facts["start"] == "2040-01-04T15:00:00Z"
    shop.book(nights[3], quantity=3)
    assert refuse(*nights, quantity=2)[0] == "BOOKING_CONFLICT"


def test_a_part_that_is_short_is_named_with_its_own_times(shop, refuse):
    slot = shop.slot(9, 17)
    shop.book(slot, start=at(10), end=at(11))
    outcome, facts = refuse(slot, start=at(10.5), end=at(12))
    assert outcome == "BOOKING_CONFLICT"
    assert (facts["start"], facts["end"]) == ("2040-01-02T10:30:00Z", "2040-01-02T12:00:00Z")


def test_what_is_in_the_way_is_named_but_never_whose_it_is(shop, refuse):
    blocked, held, mixed = shop.slot(9, 10), shop.slot(10, 11), shop.slot(11, 12, capacity=2)
    shop.call("block_time", provider_id=shop.provider_id, start=at(9), end=at(10))
    shop.book(held, hold_for=timedelta(minutes=5), details={"customer": {"name": "Ada Secret"}})
    shop.book(mixed, details={"customer": {"email": "ada@secret.example"}})
    shop.call("block_time", provider_id=shop.provider_id, start=at(11), end=at(12), quantity=1)
    answers = {slot: refuse(slot)[1] for slot in (blocked, held, mixed)}
    assert [facts["reason"] for facts in answers.values()] == ["blocked", "held", "booked"]
    assert "secret" not in str(answers).lower()


@pytest.mark.parametrize(
    "quantity", [0, -1, 100_001, 2_147_483_647], ids=["none", "negative", "too many", "largest"]
)
def test_a_quantity_out_of_range_is_refused(shop, refuse, quantity):
    outcome, facts = refuse(shop.slot(), quantity=quantity)
    assert (outcome, facts["field"]) == ("VALIDATION_ERROR", "quantity")
    assert facts["reason"] == "quantity_out_of_range"


@pytest.mark.parametrize("seconds", [0, -60, 604_801])
def test_a_hold_out_of_range_is_refused(shop, refuse, seconds):
    outcome, facts = refuse(shop.slot(), hold_for=timedelta(seconds=seconds))
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "hold_out_of_range")


@pytest.mark.parametrize(
    "times, reason",
    [
        ((11, 10), "end_not_after_start"),
        ((10, 10), "end_not_after_start"),
        (("-infinity", "infinity"), "not_finite"),
        (("2040-01-02T09:00Z", "infinity"), "not_finite"),
    ],
)
def test_a_part_that_is_no_range_is_refused(shop, refuse, times, reason):
    start, end = (at(time) if isinstance(time, int) else time for time in times)
    outcome, facts = refuse(shop.slot(9, 12), start=start, end=end)
    assert (outcome, facts["reason"]) == ("INVALID_DATE_RANGE", reason)


def test_a_start_needs_an_end_unless_the_service_has_a_duration(shop, refuse):
    slot = shop.slot(9, 12)
    for given in ({"start": at(9)}, {"end": at(10)}):
        outcome, facts = refuse(slot, **given)
        assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "start_and_end_go_together")
    service = shop.insert("services", name="Cut", duration_minutes=45)
    booking = shop.booking(shop.book(slot, start=at(9), service_id=service))
    assert booking["during"].upper == at(9.75)


def test_a_time_that_is_not_as_long_as_the_service_is_refused(shop, refuse):
    service = shop.insert("services", name="Cut", duration_minutes=45)
    slot = shop.slot(9, 12)
    for given in ({}, {"start": at(9), "end": at(10)}):
        outcome, facts = refuse(slot, service_id=service, **given)
        assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "service_duration")
        assert facts["minutes"] == 45


@pytest.mark.parametrize("part", [(8, 9), (8, 10), (11, 13), (8, 13), (13, 14)])
def test_a_part_outside_the_slot_is_refused(shop, refuse, part):
    slot = shop.slot(9, 12)
    outcome, facts = refuse(slot, start=at(part[0]), end=at(part[1]))
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "outside_slot")


def test_slots_that_do_not_follow_one_another_are_refused(shop, refuse):
    a, b, c = shop.slot(9, 10), shop.slot(10, 11), shop.slot(11, 12)
    for chain in ([a, c], [b, a], [c, b, a], [a, c, b]):
        outcome, facts = refuse(*chain)
        assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "not_adjacent")


def test_a_stretch_over_time_that_is_not_published_is_refused(shop, refuse):
    slots = [shop.slot(9, 10), shop.slot(10.5, 11)]
    outcome, facts = refuse(*slots, start=at(9.5), end=at(11))
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "gap")
    assert facts["start"] == "2040-01-02T10:00:00Z"
    outcome, facts = refuse(*slots, start=at(9), end=at(12))
    assert (outcome, facts["field"]) == ("VALIDATION_ERROR", "start")
    other = refuse(*slots, start=at(9), end=at(10))
    assert other[1]["reason"] == "outside_slot"


def test_joint_providers_must_cover_the_same_time(shop, refuse):
    slots = [shop.slot(9, 10), shop.slot(9, 11, provider_id=shop.provider())]
    outcome, facts = refuse(*slots)
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "different_span")
    outcome, facts = refuse(*slots, start=at(9), end=at(11))
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "outside_slot")
    equal = [shop.slot(12, 13), shop.slot(12, 13, provider_id=shop.provider())]
    outcome, facts = refuse(*equal, start=at(12), end=at(14))
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "outside_slot")


def test_a_slot_named_twice_is_refused(shop, refuse):
    slot = shop.slot(capacity=2)
    outcome, facts = refuse(slot, slot)
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "duplicate_slots")


def test_more_slots_than_a_year_has_days_are_refused(refuse):
    outcome, facts = refuse(*(uuid.uuid4() for _ in range(367)))
    assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", "too_many_slots")


def test_what_is_not_there_is_not_found(shop, refuse):
    slot, nobody = shop.slot(), uuid.uuid4()
    assert refuse()[0] == "SLOT_NOT_FOUND"
    assert refuse(nobody) == ("SLOT_NOT_FOUND", {"slot_id": str(nobody)})
    assert refuse(slot, nobody) == ("SLOT_NOT_FOUND", {"slot_id": str(nobody)})
    assert refuse(slot, service_id=nobody)[0] == "SERVICE_NOT_FOUND"
    assert refuse(slot, start=at(9), service_id=nobody)[0] == "SERVICE_NOT_FOUND"
    assert refuse(slot, customer_id=nobody)[0] == "CUSTOMER_NOT_FOUND"


def test_another_vendors_things_are_not_there(shop, refuse):
    other = Shop(shop.app, shop.owner)
    slot, theirs = shop.slot(), other.slot()
    assert refuse(theirs)[0] == "SLOT_NOT_FOUND"
    service = other.insert("services", name="Cut")
    assert refuse(slot, service_id=service)[0] == "SERVICE_NOT_FOUND"
    customer = other.insert("customers", name="Ada")
    assert refuse(slot, customer_id=customer)[0] == "CUSTOMER_NOT_FOUND"


def test_what_is_archived_cannot_be_booked(shop, refuse):
    slot = shop.slot()
    service = shop.insert("services", name="Cut", archived_at=datetime.now(UTC))
    assert refuse(slot, service_id=service)[0] == "SERVICE_NOT_FOUND"
    shop.owner.execute("UPDATE providers SET archived_at = now() WHERE id = %s", [shop.provider_id])
    assert refuse(slot)[0] == "SLOT_NOT_FOUND"


def test_a_provider_or_location_named_beside_the_slot_is_checked(shop, refuse):
    slot, other = shop.slot(), shop.provider()
    for field, value in (("provider", other), ("location", shop.location())):
        outcome, facts = refuse(slot, details={f"{field}_id": str(value)})
        assert (outcome, facts["reason"]) == ("VALIDATION_ERROR", f"{field}_mismatch")
    right = {"provider_id": str(shop.provider_id).upper(), "location_id": str(shop.location_id)}
    assert shop.claim(slot, details=right)["outcome"] == "CONFIRMED"


def test_prices_in_different_currencies_make_no_sum(shop):
    slots = [
        shop.slot(9, 10, price={"amount": 100, "currency": "EUR"}),
        shop.slot(10, 11, price={"amount": 100, "currency": "CHF"}),
    ]
    with shop.unchanged():
        answer = shop.claim(*slots, idempotency_key=KEY)
    assert answer["outcome"] == "VALIDATION_ERROR"
    assert answer["facts"]["reason"] == "mixed_currency"


def test_a_refusal_under_the_locks_leaves_no_trace_either(shop):
    nights = shop.nights(2)
    shop.lapsed_hold(nights[0])
    shop.book(nights[1])
    before = shop.everything()
    answer = shop.claim(
        *nights, idempotency_key=KEY, details={"customer": {"name": "Ada", "email": "a@b.example"}}
    )
    assert answer["outcome"] == "BOOKING_CONFLICT"
    after = shop.everything()
    for table in ("idempotency_keys", "customers", "slots"):
        assert after[table] == before[table]
    assert len(after["bookings"]) == len(before["bookings"])


@pytest.mark.parametrize(
    "broken",
    [
        {"vendor_id": None},
        {"slot_ids": None},
        {"slot_ids": [None]},
        {"quantity": None},
        {"details": None},
        {"actor": None},
        {"details": Jsonb([])},
        {"actor": Jsonb("me")},
    ],
    ids=str,
)
def test_a_broken_caller_hears_an_error_of_ours(shop, broken):
    slot = shop.slot()
    given = {"slot_ids": [slot], "vendor_id": shop.vendor_id} | broken
    with shop.unchanged(), pytest.raises(psycopg.Error) as error:
        shop.app.execute(
            "SELECT claim_slot_and_create_booking("
            + ", ".join(f"p_{name} => %({name})s" for name in given)
            + ")",
            given,
        )
    assert error.value.sqlstate == "SK001"
