"""The times at which a service can be booked, as search_times shows them."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.shop import Shop, at


class Salon(Shop):
    """A shop that is searched."""

    def search(self, service_id: uuid.UUID, start: float = 0, end: float = 24, **more: Any) -> Any:
        row = self.call(
            "search_times", **{"service_id": service_id, "from": at(start), "to": at(end)}, **more
        )[0]
        assert row["outcome"] == "FOUND", row
        self.next = {"after_start": row["next_start"], "after_end": row["next_end"]}
        return json.loads(f"[{row['items']}]")

    def starts(self, service_id: uuid.UUID, *args: Any, **more: Any) -> list[float]:
        """The hours of the day at which something begins."""
        return [
            (datetime.fromisoformat(item["start"]) - at(0)) / timedelta(hours=1)
            for item in self.search(service_id, *args, **more)
        ]

    def providers_at(self, service_id: uuid.UUID, hour: float, **more: Any) -> list[uuid.UUID]:
        """Whose options begin then, in their order."""
        (item,) = self.search(service_id, hour, hour + 0.01, **more)
        return [uuid.UUID(option["provider_id"]) for option in item["options"]]


@pytest.fixture
def salon(module_app: psycopg.Connection, module_owner: psycopg.Connection) -> Salon:
    return Salon(module_app, module_owner)


def test_starts_stand_on_the_grid_of_the_slot_and_end_inside_it(salon):
    salon.slot(9.1, 11.5)
    hour = salon.service(60, start_step_minutes=30)
    assert salon.starts(hour) == pytest.approx([9.1, 9.6, 10.1])


def test_an_item_says_where_by_whom_and_at_what_price(salon):
    salon.slot(9, 10, capacity=3, price={"amount": 1000, "currency": "EUR"})
    (item,) = salon.search(salon.service(60), quantity=2)
    assert item == {
        "start": "2040-01-02T09:00:00Z",
        "end": "2040-01-02T10:00:00Z",
        "options": [
            {
                "provider_id": str(salon.provider_id),
                "provider_ids": [str(salon.provider_id)],
                "location_id": str(salon.location_id),
                "time_zone": "Europe/Rome",
                "available": 3,
                "price": {"amount": 2000, "currency": "EUR"},
            }
        ],
    }


def test_what_is_claimed_is_not_shown_and_what_touches_it_is(salon):
    slot = salon.slot(9, 14)
    salon.book(slot, start=at(11), end=at(12))
    assert salon.starts(salon.service(60, start_step_minutes=30)) == [9, 9.5, 10, 12, 12.5, 13]


def test_buffers_lie_in_published_free_time_and_are_not_shown(salon):
    slot = salon.slot(9, 15)
    salon.book(slot, start=at(12), end=at(13))
    service = salon.service(
        60, start_step_minutes=30, buffer_before_minutes=30, buffer_after_minutes=15
    )
    assert salon.starts(service) == [9.5, 10, 10.5, 13.5]
    assert salon.search(service)[0]["end"] == "2040-01-02T10:30:00Z"


def test_slots_that_touch_are_one_time_and_each_begins_a_grid_of_its_own(salon):
    salon.slot(9, 10)
    salon.slot(10, 10.75)
    salon.slot(11, 12)
    service = salon.service(60, start_step_minutes=20)
    assert salon.starts(service) == pytest.approx([9, 9 + 1 / 3, 9 + 2 / 3, 11])


def test_slots_that_touch_at_different_locations_are_not_one_time(salon):
    salon.slot(9, 10)
    salon.slot(10, 11, location_id=str(salon.location()))
    assert salon.starts(salon.service(60, start_step_minutes=30)) == [9, 10]


def test_places_are_counted_by_heads_and_not_by_units(salon):
    """Two bookings one after the other leave one place free throughout, on whichever units."""
    slot = salon.slot(9, 11, capacity=2)
    salon.book(slot, start=at(9), end=at(10))
    salon.book(slot, start=at(10), end=at(11))
    service = salon.service(120)
    (item,) = salon.search(service)
    assert item["options"][0]["available"] == 1
    assert salon.starts(service, quantity=2) == []


def test_a_lapsed_hold_is_free_and_a_live_one_is_not(salon):
    slot = salon.slot(9, 11)
    salon.lapsed_hold(slot, start=at(9), end=at(10))
    salon.book(slot, start=at(10), end=at(11), hold_for=timedelta(minutes=5))
    assert salon.starts(salon.service(60)) == [9]


def test_notice_and_window_bound_what_is_shown(salon):
    now = salon.rows("SELECT date_trunc('hour', now()) AS now, %s::uuid AS vendor")[0]["now"]
    salon.slot(now, now + timedelta(days=3))
    service = salon.service(60, start_step_minutes=60, notice_minutes=24 * 60, window_days=2)
    row = salon.call(
        "search_times",
        **{"service_id": service, "from": now, "to": now + timedelta(days=5)},
    )[0]
    starts = [datetime.fromisoformat(i["start"]) for i in json.loads(f"[{row['items']}]")]
    assert starts[0] == now + timedelta(hours=25)
    assert starts[-1] == now + timedelta(hours=48)


def test_a_service_of_whole_slots_shows_those_that_are_free_throughout(salon):
    whole = salon.service(None)
    salon.slot(9, 10)
    taken = salon.slot(10, 12, capacity=2)
    salon.book(taken, start=at(10), end=at(11))
    salon.slot(9, 11, provider_id=salon.provider())
    items = [(item["start"][11:16], item["end"][11:16]) for item in salon.search(whole)]
    assert items == [("09:00", "10:00"), ("09:00", "11:00"), ("10:00", "12:00")]
    assert [i["start"][11:16] for i in salon.search(whole, quantity=2)] == []


def test_a_joint_service_needs_everybody_at_one_time_and_place(salon):
    there = salon.location()
    therapist, room, other_room = salon.provider_id, salon.provider(), salon.provider(there)
    for provider in (therapist, room):
        salon.slot(9, 12, provider_id=provider)
    salon.slot(9, 12, provider_id=other_room)
    booked = salon.slot(12, 14, provider_id=room)
    salon.slot(12, 14, provider_id=therapist)
    salon.book(booked, start=at(12), end=at(13))
    massage = salon.service(60, [therapist], [room, other_room], start_step_minutes=60)
    items = salon.search(massage)
    assert [item["start"][11:16] for item in items] == ["09:00", "10:00", "11:00", "13:00"]
    assert items[0]["options"][0]["provider_ids"] == [str(therapist), str(room)]
    assert salon.starts(massage, provider_id=room) == [9, 10, 11, 13]
    assert salon.starts(massage, provider_id=other_room) == []


def test_options_come_by_location_then_preference_then_who_has_least_to_do_that_day(salon):
    there = salon.location()
    idle, busy, preferred, away = (salon.provider(at) for at in (None, None, None, there))
    for one in (idle, busy, preferred, away):
        slot = salon.slot(9, 17, provider_id=one)
        if one != idle:
            salon.book(slot, start=at(15), end=at(16 if one == busy else 17))
    service = salon.service(60, {busy: 2, idle: 2, preferred: 1, away: 3})
    assert salon.providers_at(service, 9) == [preferred, idle, busy, away]
    ranked = {"location_ids": [there, salon.location_id]}
    assert salon.providers_at(service, 9, **ranked) == [away, preferred, idle, busy]
    assert salon.providers_at(service, 9, location_ids=[there]) == [away]


def test_pages_follow_each_other_without_a_gap_or_a_repetition(salon):
    for _ in range(2):
        salon.slot(9, 13, provider_id=salon.provider())
        salon.slot(0, 24, day=7, provider_id=salon.provider())
    for minutes in (60, None):
        service = salon.service(minutes, start_step_minutes=60)
        every = salon.search(service, 0, 24 * 30)
        found, page = [], salon.search(service, 0, 24 * 30, limit=2)
        while page:
            found += page
            after = salon.next
            if after["after_start"] is None:
                break
            page = salon.search(service, 0, 24 * 30, limit=2, **after)
        assert found == every
        assert len({(item["start"], item["end"]) for item in every}) == len(every) > 1


def test_a_search_that_takes_long_goes_on_where_it_stopped(salon):
    """Without any patience each page is one piece of time, and may be empty."""
    salon.slot(9, 12)
    salon.slot(9, 12, day=20)
    for minutes in (60, None):
        service = salon.service(minutes, start_step_minutes=60)
        found, pages, after = [], 0, {}
        while after.get("after_start", 0) is not None:
            found += salon.search(service, 0, 24 * 40, patience=timedelta(0), **after)
            after, pages = salon.next, pages + 1
        assert found == salon.search(service, 0, 24 * 40)
        assert pages > 3


def test_who_never_can_together_is_told_without_trying_everybody_with_everybody(salon):
    """In the time a role has: once it was everybody's every start with all others' free time."""
    therapists = [salon.provider() for _ in range(50)]
    rooms = [salon.provider() for _ in range(12)]
    for therapist in therapists:
        salon.publish([{"start": at(9, d), "end": at(17, d)} for d in range(14)], therapist)
    for number, room in enumerate(rooms):
        # Some room is free at any time, and none for an hour.
        begins = [at(hour + number % 2 / 2, day) for day in range(14) for hour in range(9, 16)]
        salon.publish([{"start": b, "end": b + timedelta(minutes=45)} for b in begins], room)
    service = salon.service(60, therapists, rooms, start_step_minutes=5)
    openings = (
        "SELECT count(*) FROM services s, service_openings(s.vendor_id, s, tstzrange(%s, %s), 1,"
        " NULL, NULL, NULL) WHERE s.vendor_id = %s AND s.id = %s"
    )
    with salon.owner.transaction():
        salon.owner.execute("SET LOCAL statement_timeout = '10s'")
        asked = [at(0), at(0, 14), salon.vendor_id, service]
        assert salon.owner.execute(openings, asked).fetchone() == (0,)
    assert salon.search(service, 0, 24 * 14) == []
    refused = salon.call("claim_service_and_create_booking", service_id=service, start=at(12, 2))
    assert (refused[0]["outcome"], refused[0]["facts"]["alternatives"]) == ("SLOT_NOT_FOUND", [])
    # Once two of a room's times touch, there is an hour in it between nine and a quarter to eleven.
    salon.slot(9.75, 10, day=13, provider_id=rooms[0])
    found = [24 * 13 + 9 + n / 12 for n in range(10)]
    assert salon.starts(service, 0, 24 * 14) == pytest.approx(found)


def test_archived_providers_and_locations_show_nothing(salon):
    salon.slot(9, 10)
    service = salon.service(60)
    assert salon.starts(service) == [9]
    for table in ("providers", "locations"):
        salon.owner.execute(
            f"UPDATE {table} SET archived_at = now() WHERE vendor_id = %s", [salon.vendor_id]
        )
        assert salon.starts(service) == []
        salon.owner.execute(
            f"UPDATE {table} SET archived_at = NULL WHERE vendor_id = %s", [salon.vendor_id]
        )


def test_parts_of_different_currencies_are_not_offered_as_one(salon):
    euros, dollars = ({"amount": 100, "currency": currency} for currency in ("EUR", "USD"))
    salon.slot(9, 10, price=euros)
    salon.slot(10, 11, price=dollars)
    assert salon.starts(salon.service(60, start_step_minutes=30)) == [9, 10]
    room, dollar_room = salon.provider(), salon.provider()
    salon.slot(9, 11, provider_id=room, price=euros)
    salon.slot(9, 11, provider_id=dollar_room, price=dollars)
    needs = [salon.provider_id], {room: 2, dollar_room: 1}
    both = salon.service(30, *needs, start_step_minutes=30)
    chosen = [item["options"][0]["provider_ids"][1] for item in salon.search(both)]
    assert chosen == [str(room)] * 2 + [str(dollar_room)] * 2


def test_what_is_no_service_or_too_many_places_is_refused_in_words(salon):
    asked = {"from": at(0), "to": at(24)}
    unknown = salon.call("search_times", service_id=uuid.uuid4(), **asked)[0]
    assert unknown["outcome"] == "SERVICE_NOT_FOUND"
    pair = salon.service(60, quantity_min=2, quantity_max=4)
    refused = salon.call("search_times", service_id=pair, quantity=5, **asked)[0]
    assert (refused["outcome"], refused["facts"]["field"]) == ("VALIDATION_ERROR", "quantity")
    salon.slot(9, 10, capacity=3)
    (item,) = salon.search(pair)
    assert item["options"][0]["available"] == 3
