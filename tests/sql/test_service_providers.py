"""Who does a service: one provider for each of its needs, at one time and place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.shop import at

BUFFERS = {"buffer_before_minutes": 10, "buffer_after_minutes": 20}


def refused(answer):
    """Field and reason of a refusal that names a field."""
    assert answer["outcome"] == "VALIDATION_ERROR", answer
    return answer["facts"]["field"], answer["facts"]["reason"]


@pytest.fixture
def room(shop):
    return shop.provider()


@pytest.fixture
def joint(shop, room):
    """A service of the shop's provider and a room, with buffers."""
    return shop.service(60, [shop.provider_id, shop.provider()], [room, shop.provider()], **BUFFERS)


def test_a_service_without_needs_is_done_by_any_one_provider_and_never_by_two(shop, room):
    service = shop.service(60)
    mine, theirs = shop.slot(), shop.slot(provider_id=room)
    assert refused(shop.claim(mine, theirs, service_id=service)) == ("provider_id", "one_provider")
    shop.book(mine, service_id=service)
    shop.book(theirs, service_id=service)


def test_only_who_is_listed_does_a_service(shop, room):
    service = shop.service(60, [room])
    mine, theirs = shop.slot(), shop.slot(provider_id=room)
    answer = shop.claim(mine, service_id=service)
    assert refused(answer) == ("provider_id", "provider_does_not_offer")
    assert answer["facts"]["provider_id"] == str(shop.provider_id)
    shop.book(theirs, service_id=service)


def test_a_joint_service_has_one_provider_of_each_need_and_the_first_is_the_bookings(
    shop, room, joint
):
    mine, theirs = shop.slot(9, 12), shop.slot(8, 17, provider_id=room)
    # Named the other way round: the needs' order counts.
    booking_id = shop.book(theirs, mine, start=at(10), service_id=joint)
    booking, claims = shop.booking(booking_id), shop.claims(booking_id)
    assert booking["provider_id"] == shop.provider_id
    assert booking["slot_ids"] == [mine, theirs]
    assert [claim["provider_id"] for claim in claims] == [shop.provider_id, room]
    occupied = (at(10) - timedelta(minutes=10), at(11) + timedelta(minutes=20))
    assert [(c["during"].lower, c["during"].upper) for c in claims] == [occupied, occupied]


def test_a_need_left_out_or_filled_twice_is_named(shop, room, joint):
    mine, theirs = shop.slot(9, 12), shop.slot(9, 12, provider_id=room)
    for slot, role in ((mine, "role 2"), (theirs, "role 1")):
        answer = shop.claim(slot, start=at(10), service_id=joint)
        assert refused(answer) == ("provider_id", "need_unfilled")
        assert answer["facts"]["role"] == role
    twice = shop.service(60, [shop.provider_id, room])
    answer = shop.claim(mine, theirs, start=at(10), service_id=twice)
    assert refused(answer) == ("provider_id", "need_filled_twice")


def test_a_stranger_beside_all_that_is_needed_is_refused(shop, room, joint):
    stranger = shop.provider()
    slots = [shop.slot(9, 12, provider_id=one) for one in (shop.provider_id, room, stranger)]
    answer = shop.claim(*slots, start=at(10), service_id=joint)
    assert refused(answer) == ("provider_id", "provider_does_not_offer")
    assert answer["facts"]["provider_id"] == str(stranger)


def test_a_joint_service_is_at_one_place(shop, room, joint):
    away = shop.location()
    mine = shop.slot(9, 12)
    theirs = shop.slot(9, 12, provider_id=room, location_id=str(away))
    answer = shop.claim(mine, theirs, start=at(10), service_id=joint)
    assert refused(answer) == ("slot_ids", "different_locations")


def test_all_needs_or_nothing(shop, room, joint):
    mine, theirs = shop.slot(9, 12), shop.slot(9, 12, provider_id=room)
    shop.book(theirs, start=at(11), end=at(12))
    with shop.unchanged():
        answer = shop.claim(mine, theirs, start=at(10), service_id=joint)
    assert answer["outcome"] == "BOOKING_CONFLICT"
    # The room is free in the hour shown, but not in the twenty minutes after it.
    assert (answer["facts"]["start"], answer["facts"]["end"]) == (
        "2040-01-02T10:00:00Z",
        "2040-01-02T11:00:00Z",
    )


def test_contiguous_slots_join_with_one_claim_each_and_buffers_reach_into_both(shop):
    service = shop.service(60, **BUFFERS)
    slots = [shop.slot(9, 10), shop.slot(10, 11), shop.slot(11, 12)]
    booking_id = shop.book(*slots, start=at(10), service_id=service)
    assert [claim["slot_id"] for claim in shop.claims(booking_id)] == slots
    assert (
        shop.claims(booking_id)[0]["during"].lower,
        shop.booking(booking_id)["during"].lower,
    ) == (
        at(10) - timedelta(minutes=10),
        at(10),
    )


def test_a_gap_inside_a_buffer_is_a_gap(shop):
    service = shop.service(60, **BUFFERS)
    slots = [shop.slot(9, 10 - 1 / 60), shop.slot(10, 12)]
    assert refused(shop.claim(*slots, start=at(10), service_id=service)) == ("start", "gap")


def test_the_price_of_a_joint_service_counts_once(shop, room):
    service = shop.service(60, [shop.provider_id], [room], price_amount=5000, price_currency="EUR")
    slots = [shop.slot(9, 10), shop.slot(9, 10, provider_id=room)]
    booking = shop.booking(shop.book(*slots, service_id=service))
    assert (booking["price_amount"], booking["price_currency"]) == (5000, "EUR")


def test_slots_covering_a_service_cover_its_buffers(shop):
    service = shop.service(60, **BUFFERS)
    slots = [shop.slot(9, 10), shop.slot(10, 11), shop.slot(11, 12), shop.slot(12, 13)]
    given = {"provider_id": shop.provider_id, "start": at(10)}
    with_end = shop.call("slots_covering", end=at(11), service_id=service, **given)
    without = shop.call("slots_covering", end=None, service_id=service, **given)
    assert with_end == without == [{"slots_covering": slots[:3]}]
    nothing = shop.call("slots_covering", end=None, service_id=shop.service(None), **given)
    assert nothing == [{"slots_covering": []}]
