"""claim_slot_and_create_booking: what a booking takes, and what it writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.shop import at

CUSTOMER = {"type": "customer", "id": None, "request_id": "request-1"}


def test_a_free_slot_is_booked_whole(shop):
    slot = shop.slot(9, 10)
    answer = shop.claim(slot)
    assert (answer["outcome"], answer["replayed"]) == ("CONFIRMED", False)
    facts = answer["facts"]
    assert facts["id"] == str(answer["booking_id"])
    assert (facts["kind"], facts["status"], facts["version"]) == ("appointment", "confirmed", 1)
    assert (facts["start"], facts["end"]) == ("2040-01-02T09:00:00Z", "2040-01-02T10:00:00Z")
    assert facts["time_zone"] == "Europe/Rome"
    assert facts["slot_ids"] == [str(slot)]
    assert facts["provider_id"] == str(shop.provider_id)
    assert (facts["quantity"], facts["price"], facts["customer"]) == (1, None, None)
    (claim,) = shop.claims(answer["booking_id"])
    assert claim["slot_id"] == slot
    assert [(unit.lower, unit.upper) for unit in claim["units"]] == [(1, 2)]


def test_a_part_of_a_long_slot_is_booked(shop):
    slot = shop.slot(9, 17)
    answer = shop.claim(slot, start=at(10), end=at(11.5))
    assert answer["facts"]["start"] == "2040-01-02T10:00:00Z"
    assert answer["facts"]["end"] == "2040-01-02T11:30:00Z"
    assert shop.claim(slot, start=at(9), end=at(10))["outcome"] == "CONFIRMED"
    assert shop.claim(slot, start=at(11.5), end=at(17))["outcome"] == "CONFIRMED"
    taken = shop.claim(slot, start=at(11), end=at(12))
    assert taken["outcome"] == "BOOKING_CONFLICT"


def test_nights_with_turnover_gaps_are_booked_as_one_stay(shop):
    nights = shop.nights(3)
    answer = shop.claim(*nights)
    assert answer["facts"]["start"] == "2040-01-02T15:00:00Z"
    assert answer["facts"]["end"] == "2040-01-05T11:00:00Z"
    claims = shop.claims(answer["booking_id"])
    assert [claim["slot_id"] for claim in claims] == nights
    assert [claim["ordinal"] for claim in claims] == [1, 2, 3]
    assert {claim["claim_count"] for claim in claims} == {3}


def test_a_whole_year_of_nights_is_booked_as_one_stay(shop):
    nights = shop.nights(366, capacity=2)
    booking_id = shop.book(*nights)
    assert len(shop.claims(booking_id)) == 366
    assert shop.move("cancel_booking", booking_id)["outcome"] == "CANCELLED"
    assert shop.move("confirm_booking", booking_id)["outcome"] == "CONFIRMED"


def test_a_stretch_over_adjoining_slots_is_booked_as_one(shop):
    slots = [shop.slot(9, 10), shop.slot(10, 11), shop.slot(11, 12)]
    answer = shop.claim(*slots, start=at(9.5), end=at(11.25))
    assert answer["outcome"] == "CONFIRMED"
    hours = [(c["during"].lower, c["during"].upper) for c in shop.claims(answer["booking_id"])]
    assert hours == [(at(9.5), at(10)), (at(10), at(11)), (at(11), at(11.25))]


def test_joint_providers_are_booked_together_or_not_at_all(shop):
    room = shop.provider()
    both = [shop.slot(9, 10), shop.slot(9, 10, provider_id=room)]
    answer = shop.claim(*both)
    assert answer["outcome"] == "CONFIRMED"
    assert {c["provider_id"] for c in shop.claims(answer["booking_id"])} == {shop.provider_id, room}
    later = [shop.slot(11, 12), shop.slot(11, 12, provider_id=room)]
    shop.book(later[1])
    with shop.unchanged():
        refused = shop.claim(*later)
    assert refused["outcome"] == "BOOKING_CONFLICT"
    assert refused["facts"]["slot_id"] == str(later[1])


def test_joint_providers_can_be_booked_for_a_part_of_their_time(shop):
    room = shop.provider()
    both = [shop.slot(9, 12), shop.slot(8, 17, provider_id=room)]
    answer = shop.claim(*both, start=at(10), end=at(11))
    assert answer["outcome"] == "CONFIRMED"
    assert {c["during"].lower for c in shop.claims(answer["booking_id"])} == {at(10)}


def test_a_booking_of_several_places_takes_the_lowest_free_units(shop):
    slot = shop.slot(capacity=6)
    first, second, third = shop.book(slot), shop.book(slot, quantity=2), shop.book(slot)
    assert units_of(shop, second) == [(2, 4)]
    shop.move("cancel_booking", first)
    shop.move("cancel_booking", third)
    assert units_of(shop, shop.book(slot, quantity=3)) == [(1, 2), (4, 6)]


def units_of(shop, booking_id):
    return [(unit.lower, unit.upper) for unit in shop.claims(booking_id)[0]["units"]]


def test_the_nights_of_a_stay_may_lie_on_different_units(shop):
    nights = shop.nights(2, capacity=2)
    shop.book(nights[0])
    stay = shop.claims(shop.book(*nights))
    assert [[unit.lower for unit in claim["units"]] for claim in stay] == [[2], [1]]


def test_a_hold_keeps_its_places_until_it_lapses(shop):
    slot = shop.slot()
    before = datetime.now(UTC)
    answer = shop.claim(slot, hold_for=timedelta(minutes=10))
    assert answer["outcome"] == "HELD"
    assert answer["facts"]["status"] == "held"
    expires = datetime.fromisoformat(answer["facts"]["hold_expires_at"])
    assert timedelta(minutes=9, seconds=59) <= expires - before <= timedelta(minutes=11)
    refused = shop.claim(slot)
    assert (refused["outcome"], refused["facts"]["reason"]) == ("BOOKING_CONFLICT", "held")


def test_a_lapsed_hold_never_blocks_and_becomes_expired(shop):
    slot = shop.slot()
    hold = shop.lapsed_hold(slot)
    assert shop.claim(slot)["outcome"] == "CONFIRMED"
    assert shop.booking(hold)["status"] == "expired"
    assert [event["kind"] for event in shop.events(hold)] == ["held", "expired"]
    assert shop.events(hold)[1]["actor"]["type"] == "system"


def test_several_lapsed_holds_make_way_for_one_booking(shop):
    slot = shop.slot(capacity=3)
    holds = [shop.lapsed_hold(slot) for _ in range(2)]
    assert shop.claim(slot, quantity=3)["outcome"] == "CONFIRMED"
    assert {shop.booking(hold)["status"] for hold in holds} == {"expired"}


def test_a_hold_that_is_not_in_the_way_is_left_to_the_sweeper(shop):
    slot = shop.slot(capacity=2)
    hold = shop.lapsed_hold(slot)
    assert shop.claim(slot)["outcome"] == "CONFIRMED"
    assert shop.booking(hold)["status"] == "held"


def test_the_price_is_the_slots_times_the_quantity_and_stays_as_it_was(shop):
    slot = shop.slot(capacity=5, price={"amount": 1250, "currency": "EUR"})
    booking_id = shop.book(slot, quantity=3)
    assert price(shop, booking_id) == {"amount": 3750, "currency": "EUR"}
    shop.call("resize_slot", slot_id=slot, price={"amount": 9900, "currency": "EUR"})
    assert price(shop, booking_id) == {"amount": 3750, "currency": "EUR"}
    assert price(shop, shop.book(slot)) == {"amount": 9900, "currency": "EUR"}


def price(shop, booking_id):
    return shop.call("describe_booking", booking_id=booking_id)[0]["describe_booking"]["price"]


def test_the_price_is_summed_over_the_nights(shop):
    slots = [
        {"start": at(15, day), "end": at(35, day), "capacity": 4}
        | ({"price": {"amount": amount, "currency": "EUR"}} if amount else {})
        for day, amount in enumerate([8000, 0, 12000])
    ]
    nights = shop.publish(slots)["slot_ids"]
    assert price(shop, shop.book(*nights, quantity=2)) == {"amount": 40000, "currency": "EUR"}
    service = shop.insert("services", name="Night", price_amount=5000, price_currency="EUR")
    booking_id = shop.book(*nights, service_id=service)
    assert price(shop, booking_id) == {"amount": 25000, "currency": "EUR"}


def test_a_service_of_a_fixed_duration_is_paid_once_however_many_slots_it_joins(shop):
    service = shop.insert(
        "services", name="Colour", duration_minutes=90, price_amount=6000, price_currency="EUR"
    )
    slots = [shop.slot(9, 10), shop.slot(10, 11)]
    booking_id = shop.book(*slots, start=at(9), service_id=service)
    assert price(shop, booking_id) == {"amount": 6000, "currency": "EUR"}
    assert shop.booking(booking_id)["during"].upper == at(10.5)


def test_a_free_price_is_a_price_and_no_price_is_none(shop):
    free = shop.slot(9, 10, price={"amount": 0, "currency": "EUR"})
    assert price(shop, shop.book(free)) == {"amount": 0, "currency": "EUR"}
    assert price(shop, shop.book(shop.slot(10, 11))) is None


def test_details_are_kept_with_the_booking(shop):
    details = {
        "customer": {"name": "Ada", "email": "ada@example.org", "phone": "+39 02 1234"},
        "guests": 3, "channel": "phone", "notes": "window", "internal_notes": "regular",
        "metadata": {"table": 4},
    }  # fmt: skip
    facts = shop.claim(shop.slot(), details=details)["facts"]
    assert {k: facts["customer"][k] for k in ("name", "email", "phone")} == details["customer"]
    for name in ("guests", "channel", "notes", "internal_notes", "metadata"):
        assert facts[name] == details[name]


def test_the_same_details_are_the_same_customer_and_others_are_not(shop):
    slot = shop.slot(capacity=5)
    ada = {"name": "Ada", "email": "ada@example.org"}
    first, again = (shop.booking(shop.book(slot, details={"customer": ada})) for _ in range(2))
    other = shop.booking(shop.book(slot, details={"customer": ada | {"name": "Eve"}}))
    assert first["customer_id"] == again["customer_id"] != other["customer_id"]
    names = {row["name"] for row in shop.rows("SELECT name FROM customers WHERE vendor_id = %s")}
    assert names == {"Ada", "Eve"}


@pytest.mark.parametrize("field", ["name", "email", "phone"])
def test_a_customer_is_found_again_only_by_all_details(shop, field):
    slot = shop.slot(capacity=5)
    ada = {"name": "Ada", "email": "ada@example.org", "phone": "+39 02 1234"}
    other = ada | {field: "+39 02 9999"}
    ids = [
        shop.booking(shop.book(slot, details={"customer": customer}))["customer_id"]
        for customer in (ada, other, other, ada)
    ]
    assert ids[0] == ids[3] != ids[1] == ids[2]


def test_a_customer_that_is_known_can_be_named(shop):
    customer = shop.insert("customers", name="Grace", phone="+1 555 0100")
    booking_id = shop.book(shop.slot(), customer_id=customer)
    assert shop.booking(booking_id)["customer_id"] == customer


def test_a_vendor_may_write_down_the_past_and_a_customer_may_not(shop):
    yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    slot = shop.slot(yesterday, yesterday + timedelta(hours=1), capacity=2)
    with shop.unchanged():
        refused = shop.claim(slot, actor=CUSTOMER)
    assert refused["outcome"] == "VALIDATION_ERROR"
    assert refused["facts"]["reason"] == "in_the_past"
    assert shop.claim(slot, actor={"type": "vendor", "id": "key"})["outcome"] == "CONFIRMED"


def test_a_customer_may_book_a_part_that_is_still_to_come_of_a_slot_that_has_begun(shop):
    now = datetime.now(UTC).replace(microsecond=0)
    slot = shop.slot(now - timedelta(hours=1), now + timedelta(hours=3))
    later = {"start": now + timedelta(hours=1), "end": now + timedelta(hours=2)}
    assert shop.claim(slot, actor=CUSTOMER, **later)["outcome"] == "CONFIRMED"


def test_the_public_takes_parts_of_a_minute_at_least_and_the_vendor_shorter_ones(shop):
    slot, minute, instant = shop.slot(9, 12), timedelta(minutes=1), timedelta(microseconds=1)
    ten, last = at(10), at(12)
    with shop.unchanged():
        for start, end in (
            (ten, ten + instant),
            (ten, ten + minute - instant),
            (last - instant, last),
        ):
            refused = shop.claim(slot, start=start, end=end, actor=CUSTOMER)
            assert refused["facts"] == {"field": "end", "reason": "part_too_short"}
        backwards = shop.claim(slot, start=ten, end=ten - instant, actor=CUSTOMER)
        assert backwards["facts"]["reason"] == "end_not_after_start"
    shop.book(slot, start=ten, end=ten + minute, actor=CUSTOMER)
    shop.book(slot, start=at(9), end=at(9) + instant, actor={"type": "vendor", "id": "key"})


def test_book_cancel_and_book_again(shop):
    slot = shop.slot()
    for _ in range(3):
        booking_id = shop.book(slot)
        assert shop.claim(slot)["outcome"] == "BOOKING_CONFLICT"
        assert shop.move("cancel_booking", booking_id)["outcome"] == "CANCELLED"
    assert shop.claim(slot)["outcome"] == "CONFIRMED"


@pytest.mark.parametrize("capacity", [1, 7, 1000, 100_000])
def test_a_slot_of_any_capacity_sells_exactly_its_places(shop, capacity):
    slot = shop.slot(capacity=capacity)
    if capacity > 1:
        shop.book(slot, quantity=capacity - 1)
    assert shop.claim(slot)["outcome"] == "CONFIRMED"
    assert shop.claim(slot)["outcome"] == "BOOKING_CONFLICT"


def test_slots_of_the_way_by_provider_and_time_are_found_and_claimed_in_one_statement(shop):
    slots = [shop.slot(9, 10), shop.slot(10, 11), shop.slot(11, 12)]
    row = shop.app.execute(
        "SELECT outcome, booking_id FROM claim_slot_and_create_booking(p_vendor_id => %(vendor)s,"
        " p_slot_ids => slots_covering(%(vendor)s, %(provider)s, %(start)s, %(end)s),"
        " p_start => %(start)s, p_end => %(end)s)",
        {"vendor": shop.vendor_id, "provider": shop.provider_id, "start": at(9.5), "end": at(11)},
    ).fetchone()
    assert row[0] == "CONFIRMED"
    assert shop.booking(row[1])["slot_ids"] == slots[:2]
