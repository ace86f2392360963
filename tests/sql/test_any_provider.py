"""Booking by service and start: whoever is free, in the order that was promised."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.shop import Row, Shop, at

KEY = "a key of the test, long enough"
PUBLIC = {"actor": {"type": "customer"}, "details": {"customer": {"name": "Ada", "phone": "123"}}}


class Salon(Shop):
    """A shop that is booked by service and start."""

    def ask(self, service_id: uuid.UUID, hour: float, **more: Any) -> Row:
        """What claim_service_and_create_booking answers."""
        return self.call(
            "claim_service_and_create_booking", service_id=service_id, start=at(hour), **more
        )[0]

    def booked_at(self, service_id: uuid.UUID, hour: float, **more: Any) -> Row:
        """The booking made, which must be one."""
        answer = self.ask(service_id, hour, **more)
        assert answer["outcome"] in {"CONFIRMED", "HELD"}, answer
        return self.booking(answer["booking_id"])

    def chairs(self, count: int, **slot: Any) -> list[uuid.UUID]:
        """Further providers, each of whom is there from nine to five."""
        chairs = [self.provider() for _ in range(count)]
        for chair in chairs:
            self.slot(9, 17, provider_id=chair, **slot)
        return chairs


@pytest.fixture
def salon(module_app: psycopg.Connection, module_owner: psycopg.Connection) -> Salon:
    return Salon(module_app, module_owner)


def test_the_preferred_comes_first_then_who_has_least_to_do(salon):
    last, busy, idle = salon.chairs(3)
    service = salon.service(60, {last: 2, busy: 1, idle: 1})
    salon.claim(
        *salon.call("slots_covering", provider_id=busy, start=at(9), end=at(17))[0][
            "slots_covering"
        ],
        start=at(16),
        end=at(17),
    )
    order = [salon.booked_at(service, 10)["provider_id"] for _ in range(3)]
    assert order == [idle, busy, last]


@pytest.mark.parametrize(
    "zone, booked, mine, less",
    [
        # The clocks are put back: 24 hours after its midnight the day goes on for one.
        ("Europe/Rome", (2040, 10, 28, 9), (2040, 10, 28, 22, 30), ((2040, 10, 28, 12), 20)),
        # And forward: 23 hours after its midnight it is over.
        ("Europe/Rome", (2040, 3, 25, 9), (2040, 3, 25, 12), ((2040, 3, 25, 22), 60)),
        # It is the second there, and its noon is the first's midnight in UTC.
        ("Pacific/Kiritimati", (2040, 1, 2, 8), (2040, 1, 1, 11), ((2040, 1, 2, 12), 60)),
    ],
)
def test_who_is_least_busy_is_told_by_the_day_of_the_place(salon, zone, booked, mine, less):
    """Busy for half an hour on that day, against less on it, or longer but on another."""
    place = salon.insert("locations", name="There", time_zone=zone)
    busy, idle = salon.provider(place), salon.provider(place)
    start = datetime(*booked, tzinfo=UTC)
    for chair, begins, minutes in ((busy, mine, 30), (idle, *less)):
        since = datetime(*begins, tzinfo=UTC)
        slot = salon.slot(start - timedelta(days=1), start + timedelta(days=1), provider_id=chair)
        salon.book(slot, start=since, end=since + timedelta(minutes=minutes))
    service = salon.service(60, [busy, idle])
    (answer,) = salon.call("claim_service_and_create_booking", service_id=service, start=start)
    assert salon.booking(answer["booking_id"])["provider_id"] == idle


def test_nobody_free_is_a_conflict_with_other_times_of_the_service(salon):
    service = salon.service(60, salon.chairs(2), start_step_minutes=30)
    for _ in range(2):
        salon.booked_at(service, 12)
    with salon.unchanged():
        refused = salon.ask(service, 12)
    facts = refused["facts"]
    assert (refused["outcome"], facts["reason"]) == ("BOOKING_CONFLICT", "booked")
    assert (facts["requested"], facts["available"]) == (1, 0)
    assert [one["start"][11:16] for one in facts["alternatives"]] == ["11:00", "13:00", "10:30"]
    assert {one["kind"] for one in facts["alternatives"]} == {"other_time"}


def test_other_times_are_spread_over_starts_and_people(salon):
    stylists = salon.chairs(3)
    service = salon.service(60, stylists)
    for _ in stylists:
        salon.booked_at(service, 12)
    named = salon.ask(service, 12)["facts"]["alternatives"]
    assert len({one["provider_id"] for one in named}) > 1
    assert len({one["start"] for one in named}) == 3
    # Of one alone: clear of each other, as long as there are such times.
    (alone,) = salon.chairs(1)
    service = salon.service(60, [alone])
    salon.booked_at(service, 12)
    named = salon.ask(service, 12)["facts"]["alternatives"]
    assert [one["start"][11:16] for one in named] == ["11:00", "13:00", "10:00"]


def test_whoever_was_asked_for_and_has_no_time_leaves_others_at_other_times(salon):
    wanted, other = salon.provider(), salon.provider()
    salon.slot(10, 11, provider_id=wanted)
    salon.slot(13, 14, provider_id=other)
    service = salon.service(60, [wanted, other])
    salon.booked_at(service, 10)
    named = salon.ask(service, 10, provider_id=wanted)["facts"]["alternatives"]
    assert [(one["kind"], one["provider_id"]) for one in named] == [("other_time", str(other))]


def test_too_many_places_are_refused_with_the_most_that_anybody_has(salon):
    full, roomy = salon.chairs(2, capacity=3)
    service = salon.service(60, {full: 1, roomy: 2})
    salon.booked_at(service, 12, quantity=3)
    salon.booked_at(service, 12)
    refused = salon.ask(service, 12, quantity=3)
    assert refused["outcome"] == "INSUFFICIENT_INVENTORY"
    assert refused["facts"]["available"] == 2


def test_who_was_asked_for_is_not_replaced_and_others_are_named(salon):
    wanted, other = salon.chairs(2)
    service = salon.service(60, [wanted, other], start_step_minutes=60)
    assert salon.booked_at(service, 10, provider_id=wanted)["provider_id"] == wanted
    refused = salon.ask(service, 10, provider_id=wanted)
    assert refused["outcome"] == "BOOKING_CONFLICT"
    best, *others = refused["facts"]["alternatives"]
    assert (best["kind"], best["provider_id"]) == ("same_time", str(other))
    assert {(one["kind"], one["provider_id"]) for one in others} == {("same_provider", str(wanted))}


def test_the_right_place_is_the_first_that_is_free_in_the_order_wished(salon):
    here, there = salon.location_id, salon.location()
    at_home, away = salon.provider(here), salon.provider(there)
    salon.slot(9, 17, provider_id=at_home)
    salon.slot(9, 17, provider_id=away)
    service = salon.service(60, {at_home: 1, away: 2})
    wished = {"location_ids": [there, here]}
    assert salon.booked_at(service, 10, **wished)["location_id"] == there
    assert salon.booked_at(service, 10, **wished)["location_id"] == here
    assert salon.booked_at(service, 11, location_ids=[there])["location_id"] == there
    refused = salon.ask(service, 11, location_ids=[there])
    assert refused["outcome"] == "BOOKING_CONFLICT"
    assert refused["facts"]["alternatives"][0]["kind"] == "other_location"


def test_nothing_published_then_is_said_with_other_times(salon):
    service = salon.service(60, salon.chairs(1))
    refused = salon.ask(service, 7)
    assert (refused["outcome"], refused["facts"]["reason"]) == (
        "SLOT_NOT_FOUND", "nothing_published",
    )  # fmt: skip
    assert refused["facts"]["alternatives"][0]["start"] == "2040-01-02T09:00:00Z"


def test_a_joint_service_takes_everybody_it_needs_or_nobody(salon):
    therapist, room, other_room = salon.chairs(3)
    service = salon.service(60, [therapist], {room: 1, other_room: 2}, buffer_after_minutes=30)
    first = salon.booked_at(service, 10)
    assert first["provider_id"] == therapist
    assert [claim["provider_id"] for claim in salon.claims(first["id"])] == [therapist, room]
    assert {claim["during"].upper for claim in salon.claims(first["id"])} == {at(11.5)}
    salon.book(
        *salon.call("slots_covering", provider_id=room, start=at(12), end=at(13))[0][
            "slots_covering"
        ],
        start=at(12),
        end=at(13),
    )
    second = salon.booked_at(service, 12)
    assert [claim["provider_id"] for claim in salon.claims(second["id"])] == [therapist, other_room]
    with salon.unchanged():
        assert salon.ask(service, 12)["outcome"] == "BOOKING_CONFLICT"


def test_a_service_of_whole_slots_is_booked_by_the_start_of_one(salon):
    slot = salon.slot(9, 11, provider_id=salon.provider())
    service = salon.service(None)
    booking = salon.booked_at(service, 9)
    assert booking["slot_ids"] == [slot]
    assert salon.ask(service, 9)["outcome"] == "BOOKING_CONFLICT"
    assert salon.ask(service, 10)["outcome"] == "SLOT_NOT_FOUND"


def test_of_whole_slots_that_begin_together_only_one_with_the_end_asked_for_is_booked(salon):
    chairs = [salon.provider() for _ in range(3)]
    ends = (11, 17, 17)
    slots = [salon.slot(9, end, provider_id=one) for one, end in zip(chairs, ends, strict=True)]
    service = salon.service(None, dict(zip(chairs, (1, 2, 3), strict=True)))
    booked = [salon.booked_at(service, 9, end=at(17))["slot_ids"] for _ in range(2)]
    assert booked == [[slots[1]], [slots[2]]]
    with salon.unchanged():
        refused = salon.ask(service, 9, end=at(17))
        assert (refused["outcome"], refused["facts"]["available"]) == ("BOOKING_CONFLICT", 0)
        refused = salon.ask(service, 9, end=at(16))
        assert (refused["outcome"], refused["facts"]["reason"]) == (
            "VALIDATION_ERROR", "end_of_whole_slot",
        )  # fmt: skip
        assert refused["facts"]["end"] == "2040-01-02T11:00:00Z"
        assert salon.ask(service, 12, end=at(16))["outcome"] == "SLOT_NOT_FOUND"
    assert salon.booked_at(service, 9)["slot_ids"] == [slots[0]]


def test_the_end_belongs_to_what_a_key_stands_for(salon):
    service = salon.service(60, salon.chairs(2))
    first = salon.ask(service, 10, end=at(11), idempotency_key=KEY)
    again = salon.ask(service, 10, end=at(11), idempotency_key=KEY)
    assert (again["booking_id"], again["replayed"]) == (first["booking_id"], True)
    assert salon.ask(service, 10, idempotency_key=KEY)["outcome"] == "IDEMPOTENCY_CONFLICT"
    # Whatever the service has become: what was booked is answered.
    salon.owner.execute("UPDATE services SET duration_minutes = 30 WHERE id = %s", [service])
    again = salon.ask(service, 10, end=at(11), idempotency_key=KEY)
    assert (again["booking_id"], again["replayed"]) == (first["booking_id"], True)
    assert salon.ask(service, 10, end=at(11))["facts"]["reason"] == "service_end"
    assert salon.ask(service, 10, end=at(10))["facts"]["reason"] == "end_not_after_start"


def test_the_public_is_held_to_the_grid_and_told_what_stands_on_it(salon):
    service = salon.service(60, salon.chairs(1), start_step_minutes=60)
    refused = salon.ask(service, 10.5, **PUBLIC)
    assert (refused["outcome"], refused["facts"]["reason"]) == ("VALIDATION_ERROR", "service_step")
    assert refused["facts"]["next"] == "2040-01-02T11:00:00Z"
    assert salon.ask(service, 10.5)["outcome"] == "CONFIRMED"


def test_a_grid_is_each_providers_own(salon):
    early, late = salon.provider(), salon.provider()
    salon.slot(9, 17, provider_id=early)
    salon.slot(9.5, 17.5, provider_id=late)
    service = salon.service(60, {early: 1, late: 2}, start_step_minutes=60)
    assert salon.booked_at(service, 10.5, **PUBLIC)["provider_id"] == late


def test_a_lapsed_hold_is_in_nobodys_way(salon):
    (chair,) = salon.chairs(1)
    service = salon.service(60, [chair])
    hold = salon.booked_at(service, 10, hold_for=timedelta(minutes=5))
    salon.owner.execute(
        "UPDATE bookings SET hold_expires_at = now() - interval '1 minute'"
        " WHERE vendor_id = %s AND id = %s",
        [salon.vendor_id, hold["id"]],
    )
    assert salon.booked_at(service, 10)["status"] == "confirmed"
    assert salon.booking(hold["id"])["status"] == "expired"


def test_one_key_books_once_whoever_it_was_that_did_it(salon):
    service = salon.service(60, salon.chairs(3))
    first = salon.ask(service, 10, idempotency_key=KEY)
    again = salon.ask(service, 10, idempotency_key=KEY)
    assert (again["booking_id"], again["replayed"]) == (first["booking_id"], True)
    other = salon.ask(service, 11, idempotency_key=KEY)
    assert other["outcome"] == "IDEMPOTENCY_CONFLICT"
    (count,) = salon.rows("SELECT count(*) FROM bookings WHERE vendor_id = %s")
    assert count["count"] == 1


def test_a_key_is_replayed_when_nobody_is_free_any_more(salon):
    service = salon.service(60, salon.chairs(1))
    first = salon.ask(service, 10, idempotency_key=KEY)
    assert salon.ask(service, 10)["outcome"] == "BOOKING_CONFLICT"
    again = salon.ask(service, 10, idempotency_key=KEY)
    assert (again["booking_id"], again["replayed"]) == (first["booking_id"], True)


def test_a_refusal_gives_the_key_back(salon):
    service = salon.service(60, salon.chairs(1))
    taken = salon.booked_at(service, 10)
    assert salon.ask(service, 10, idempotency_key=KEY)["outcome"] == "BOOKING_CONFLICT"
    salon.move("cancel_booking", taken["id"])
    assert salon.ask(service, 10, idempotency_key=KEY)["outcome"] == "CONFIRMED"


@pytest.mark.parametrize(
    "wanted, outcome, field",
    [
        ({"quantity": 0}, "VALIDATION_ERROR", "quantity"),
        ({"hold_for": timedelta(days=8)}, "VALIDATION_ERROR", "hold"),
        ({"customer_id": uuid.uuid4()}, "CUSTOMER_NOT_FOUND", None),
        ({"details": Jsonb({"guests": "x"})}, "VALIDATION_ERROR", "guests"),
        ({"service_id": uuid.uuid4()}, "SERVICE_NOT_FOUND", None),
        ({"provider_id": uuid.uuid4()}, "VALIDATION_ERROR", "provider_id"),
    ],
)
def test_what_is_wrong_with_the_request_is_said_once_and_for_all(salon, wanted, outcome, field):
    service = salon.service(60, salon.chairs(2))
    with salon.unchanged():
        refused = salon.call(
            "claim_service_and_create_booking", **{"service_id": service, "start": at(10), **wanted}
        )[0]
    assert (refused["outcome"], refused["facts"].get("field")) == (outcome, field)


def test_the_public_is_checked_like_everywhere(salon):
    service = salon.service(60, salon.chairs(2))
    salon.owner.execute(
        "UPDATE vendors SET public_booking = false WHERE id = %s", [salon.vendor_id]
    )
    assert salon.ask(service, 10, **PUBLIC)["outcome"] == "PUBLIC_BOOKING_OFF"
    assert salon.ask(service, 10)["outcome"] == "CONFIRMED"


def test_a_broken_caller_is_told_by_an_error(salon):
    with pytest.raises(psycopg.Error) as error:
        salon.call("claim_service_and_create_booking", service_id=None, start=at(9))
    assert error.value.sqlstate == "SK001"
