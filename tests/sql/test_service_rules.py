"""A service's rules, each refused and accepted at its very edge."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.shop import at

PUBLIC = {"type": "customer"}
KEY = {"type": "api_key"}
BUFFERS = {"buffer_before_minutes": 10, "buffer_after_minutes": 20}


def minute(hour, minutes=0, day=0):
    return at(hour, day) + timedelta(minutes=minutes)


def span(row):
    return row["during"].lower, row["during"].upper


def refused(answer):
    """Field and reason of a refusal that names a field."""
    assert answer["outcome"] == "VALIDATION_ERROR", answer
    return answer["facts"]["field"], answer["facts"]["reason"]


def test_a_booking_shows_its_time_and_its_claim_holds_the_buffers_too(shop):
    slot, service = shop.slot(9, 17), shop.service(60, **BUFFERS)
    booking_id = shop.book(slot, start=at(10), service_id=service)
    booking, (claim,) = shop.booking(booking_id), shop.claims(booking_id)
    assert span(booking) == (at(10), at(11))
    assert span(claim) == (minute(9, 50), minute(11, 20))
    assert (booking["buffer_before_minutes"], booking["buffer_after_minutes"]) == (10, 20)
    changes = shop.events(booking_id)[0]["changes"]
    assert (changes["start"]["to"], changes["end"]["to"]) == (
        "2040-01-02T10:00:00Z",
        "2040-01-02T11:00:00Z",
    )


def test_neighbours_buffers_add_to_the_minute(shop):
    slot, service = shop.slot(9, 17), shop.service(60, **BUFFERS)
    shop.book(slot, start=at(11), service_id=service)
    for early, late in ((minute(9, 31), minute(12, 29)), (minute(9, 59), at(12))):
        for start in (early, late):
            answer = shop.claim(slot, start=start, service_id=service)
            assert answer["outcome"] == "BOOKING_CONFLICT"
            # What is said is the time shown, and not what would be occupied.
            shown = (answer["facts"]["start"], answer["facts"]["end"])
            assert [datetime.fromisoformat(moment) for moment in shown] == [
                start,
                start + timedelta(hours=1),
            ]
    shop.book(slot, start=minute(9, 30), service_id=service)
    shop.book(slot, start=minute(12, 30), service_id=service)


def test_a_service_without_buffers_meets_its_neighbours_buffer_only(shop):
    slot = shop.slot(9, 17)
    shop.book(slot, start=at(11), service_id=shop.service(60, **BUFFERS))
    plain = shop.service(30)
    assert shop.claim(slot, start=minute(12, 19), service_id=plain)["outcome"] != "CONFIRMED"
    shop.book(slot, start=minute(12, 20), service_id=plain)
    shop.book(slot, start=minute(10, 20), service_id=plain)


def test_buffers_lie_inside_published_time_to_the_minute(shop):
    slot, service = shop.slot(9, 17), shop.service(60, **BUFFERS)
    for start in (minute(9, 9), minute(15, 41)):
        answer = shop.claim(slot, start=start, service_id=service)
        assert refused(answer) == ("start", "outside_slot")
        assert (answer["facts"]["start"], answer["facts"]["end"]) == (
            "2040-01-02T09:10:00Z",
            "2040-01-02T16:40:00Z",
        )
    shop.book(slot, start=minute(9, 10), service_id=service)
    shop.book(slot, start=minute(15, 40), service_id=service)


@pytest.mark.parametrize("minutes, fits", [(89, False), (90, True), (91, False)])
def test_a_whole_slot_less_the_buffers_is_exactly_the_duration(shop, minutes, fits):
    slot = shop.slot(at(9), minute(9, minutes))
    service = shop.service(60, **BUFFERS)
    if not fits:
        answer = shop.claim(slot, service_id=service)
        assert refused(answer) == ("service_id", "service_duration")
        assert answer["facts"]["occupied_minutes"] == 90
        return
    booking = shop.booking(shop.book(slot, service_id=service))
    assert span(booking) == (minute(9, 10), minute(10, 10))


@pytest.mark.parametrize("minutes", [59, 61])
def test_a_part_is_exactly_as_long_as_the_service(shop, minutes):
    slot, service = shop.slot(9, 17), shop.service(60, **BUFFERS)
    answer = shop.claim(slot, start=at(10), end=minute(10, minutes), service_id=service)
    assert refused(answer) == ("service_id", "service_duration")
    shop.book(slot, start=at(10), end=at(11), service_id=service)


def test_a_service_without_duration_takes_whole_slots_alone(shop):
    slots, service = [shop.slot(9, 10), shop.slot(10, 11)], shop.service(None)
    for start, end in ((minute(9, 1), at(10)), (at(9), minute(9, 59))):
        answer = shop.claim(slots[0], start=start, end=end, service_id=service)
        assert refused(answer) == ("start", "whole_slots")
        assert answer["facts"]["start"] == "2040-01-02T09:00:00Z"
    answer = shop.claim(*slots, start=at(9), end=minute(10, 30), service_id=service)
    assert refused(answer) == ("start", "whole_slots")
    shop.book(*slots, start=at(9), end=at(11), service_id=service)


@pytest.mark.parametrize("actor", [PUBLIC, KEY])
def test_quantities_are_bounded_for_everybody(shop, actor):
    slot = shop.slot(9, 10, capacity=20)
    service = shop.service(60, quantity_min=2, quantity_max=4)
    for quantity in (1, 5):
        answer = shop.claim(slot, service_id=service, quantity=quantity, actor=actor)
        assert refused(answer) == ("quantity", "service_quantity")
        assert (answer["facts"]["least"], answer["facts"]["most"]) == (2, 4)
    for quantity in (2, 4):
        shop.book(slot, service_id=service, quantity=quantity, actor=actor)
    many = shop.service(60, quantity_min=6)
    answer = shop.claim(slot, service_id=many, quantity=5, actor=actor)
    assert refused(answer) == ("quantity", "service_quantity_least")
    shop.book(slot, service_id=many, quantity=6, actor=actor)


def test_the_public_begins_on_the_step_of_the_slot_and_a_key_anywhere(shop):
    slot = shop.slot(minute(9, 7), at(17))
    service = shop.service(60, start_step_minutes=20)
    answer = shop.claim(slot, start=minute(9, 46), service_id=service, actor=PUBLIC)
    assert refused(answer) == ("start", "service_step")
    assert (answer["facts"]["previous"], answer["facts"]["next"]) == (
        "2040-01-02T09:27:00Z",
        "2040-01-02T09:47:00Z",
    )
    for aside in (timedelta(microseconds=1), timedelta(minutes=1)):
        for start in (minute(9, 47) - aside, minute(9, 47) + aside):
            answer = shop.claim(slot, start=start, service_id=service, actor=PUBLIC)
            assert refused(answer) == ("start", "service_step")
    shop.book(slot, start=minute(9, 47), service_id=service, actor=PUBLIC)
    shop.book(slot, start=minute(10, 48), service_id=service, actor=KEY)


def test_the_step_counts_from_the_slot_that_the_time_shown_begins_in(shop):
    # The buffer lies in the slot before, whose steps are others.
    first, second = shop.slot(minute(9, 10), at(10)), shop.slot(10, 12)
    service = shop.service(60, buffer_before_minutes=10, start_step_minutes=30)
    booking_id = shop.book(first, second, start=at(10), service_id=service, actor=PUBLIC)
    assert [span(claim) for claim in shop.claims(booking_id)] == [
        (minute(9, 50), at(10)),
        (at(10), at(11)),
    ]


def next_minute(shop):
    """The first full minute after the transaction began."""
    (found,) = shop.app.execute("SELECT date_trunc('minute', now()) + interval '1 min'").fetchone()
    return found


def test_notice_holds_for_the_public_to_the_microsecond(shop):
    service = shop.service(60, notice_minutes=90, start_step_minutes=1)
    other = shop.provider()
    with shop.app.transaction(force_rollback=True):
        now = shop.app.execute("SELECT now()").fetchone()[0]
        edge = now + timedelta(minutes=90)
        early = edge - timedelta(microseconds=1)
        too_soon = shop.slot(early, early + timedelta(hours=1))
        just = shop.slot(edge, edge + timedelta(hours=1), provider_id=other)
        answer = shop.claim(too_soon, service_id=service, actor=PUBLIC)
        assert refused(answer) == ("start", "service_notice")
        assert datetime.fromisoformat(answer["facts"]["earliest"]) == edge
        shop.book(just, service_id=service, actor=PUBLIC)
        shop.book(too_soon, service_id=service, actor=KEY)


def test_without_notice_the_public_begins_with_the_next_full_minute(shop):
    service = shop.service(60, start_step_minutes=1)
    other = shop.provider()
    with shop.app.transaction(force_rollback=True):
        edge = next_minute(shop)
        early = edge - timedelta(microseconds=1)
        too_soon = shop.slot(early, early + timedelta(hours=1))
        just = shop.slot(edge, edge + timedelta(hours=1), provider_id=other)
        answer = shop.claim(too_soon, service_id=service, actor=PUBLIC)
        assert refused(answer) == ("start", "service_notice")
        assert datetime.fromisoformat(answer["facts"]["earliest"]) == edge
        shop.book(just, service_id=service, actor=PUBLIC)
        shop.book(too_soon, service_id=service, actor=KEY)


def test_the_window_holds_for_the_public_to_the_microsecond(shop):
    service = shop.service(60, window_days=30, start_step_minutes=1)
    other = shop.provider()
    with shop.app.transaction(force_rollback=True):
        now = shop.app.execute("SELECT now()").fetchone()[0]
        edge = now + timedelta(days=30)
        late = edge + timedelta(microseconds=1)
        too_far = shop.slot(late, late + timedelta(hours=1))
        just = shop.slot(edge, edge + timedelta(hours=1), provider_id=other)
        answer = shop.claim(too_far, service_id=service, actor=PUBLIC)
        assert refused(answer) == ("start", "service_window")
        assert datetime.fromisoformat(answer["facts"]["latest"]) == edge
        shop.book(just, service_id=service, actor=PUBLIC)
        shop.book(too_far, service_id=service, actor=KEY)


def test_what_has_begun_is_past_by_the_time_shown_and_not_by_its_buffer(shop):
    service = shop.service(60, buffer_before_minutes=30, start_step_minutes=1)
    with shop.app.transaction(force_rollback=True):
        soon = next_minute(shop)
        slot = shop.slot(soon - timedelta(minutes=60), soon + timedelta(minutes=120))
        past = soon - timedelta(minutes=2)
        answer = shop.claim(slot, start=past, service_id=service, actor=PUBLIC)
        assert refused(answer) == ("start", "in_the_past")
        shop.book(slot, start=soon, service_id=service, actor=PUBLIC)


def test_on_the_day_the_clocks_change_steps_buffers_and_duration_are_elapsed_time(shop):
    rome = ZoneInfo("Europe/Rome")
    # At 02:00 on 25 March 2040 it is 03:00 there, so that 01:30 and 03:30 are an hour apart.
    opens = datetime(2040, 3, 25, 0, 30, tzinfo=rome)
    slot = shop.slot(opens, datetime(2040, 3, 25, 6, tzinfo=rome))
    service = shop.service(60, start_step_minutes=45, **BUFFERS)
    start = datetime(2040, 3, 25, 3, 30, tzinfo=rome)
    off_step = shop.claim(slot, start=start, service_id=service, actor=PUBLIC)
    assert refused(off_step) == ("start", "service_step")
    on_step = datetime(2040, 3, 25, 3, 45, tzinfo=rome)
    booking_id = shop.book(slot, start=on_step, service_id=service, actor=PUBLIC)
    (claim,) = shop.claims(booking_id)
    assert span(claim) == (
        datetime(2040, 3, 25, 3, 35, tzinfo=rome),
        datetime(2040, 3, 25, 5, 5, tzinfo=rome),
    )
    # Elapsed since the slot's beginning: two hours and a quarter.
    assert (on_step.timestamp() - opens.timestamp()) / 60 == 3 * 45


def test_what_was_claimed_again_has_the_buffers_it_was_made_with(shop):
    slot, service = shop.slot(9, 17), shop.service(60, **BUFFERS)
    booking_id = shop.book(slot, start=at(10), service_id=service)
    shop.move("cancel_booking", booking_id)
    shop.app.execute(
        "UPDATE services SET buffer_before_minutes = 0, buffer_after_minutes = 60"
        " WHERE vendor_id = %s AND id = %s",
        [shop.vendor_id, service],
    )
    blocked = shop.book(slot, start=minute(11, 19), end=minute(12))
    answer = shop.move("confirm_booking", booking_id)
    assert answer["outcome"] == "BOOKING_CONFLICT"
    assert answer["facts"]["start"] == "2040-01-02T10:00:00Z"
    shop.move("cancel_booking", blocked)
    shop.book(slot, start=minute(11, 20), end=minute(12))
    assert shop.move("confirm_booking", booking_id)["outcome"] == "CONFIRMED"
    assert [span(claim) for claim in shop.claims(booking_id)] == [(minute(9, 50), minute(11, 20))]


def test_the_rules_that_a_claim_began_with_are_those_it_is_made_by(shop, sessions):
    slot, service = shop.slot(9, 17), shop.service(60, **BUFFERS)
    blocker, claimer = sessions.owner(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        claim = claimer.begin_and_wait_for_lock(
            claimer.claim, slot, start=at(10), service_id=service
        )
        shop.app.execute(
            "UPDATE services SET buffer_after_minutes = 0, version = version + 1"
            " WHERE vendor_id = %s AND id = %s",
            [shop.vendor_id, service],
        )
    answer = claim.result()
    assert answer["outcome"] == "CONFIRMED"
    booking = shop.booking(answer["booking_id"])
    assert span(booking) == (at(10), at(11))
    assert booking["buffer_after_minutes"] == 20
    assert span(shop.claims(booking["id"])[0]) == (minute(9, 50), minute(11, 20))


def test_alternatives_for_a_service_are_times_that_the_public_can_book(shop):
    slot = shop.slot(9, 17)
    stranger, fitting = shop.provider(), shop.provider()
    service = shop.service(60, [shop.provider_id, fitting], start_step_minutes=30, **BUFFERS)
    for provider_id in (stranger, fitting):
        shop.slot(9, 17, provider_id=provider_id)
    shop.book(slot, start=at(11), service_id=service)
    answer = shop.claim(slot, start=at(11), service_id=service, actor=PUBLIC, alternatives=10)
    alternatives = answer["facts"]["alternatives"]
    assert {one["provider_id"] for one in alternatives} == {str(shop.provider_id), str(fitting)}
    for one in alternatives:
        with shop.app.transaction(force_rollback=True):
            shop.book(*one["slot_ids"], start=one["start"], service_id=service, actor=PUBLIC)


def test_a_vendors_key_may_begin_at_any_time(shop):
    service = shop.service(60, notice_minutes=60, window_days=1)
    bounds = "lower_inf(s), upper_inf(s)"
    found = [
        shop.rows(
            f"SELECT {bounds} FROM services v, service_starts(v, {public}) AS s"
            " WHERE v.vendor_id = %s AND v.id = %s",
            service,
        )
        for public in ("true", "false")
    ]
    assert [list(row.values()) for (row,) in found] == [[False, False], [True, True]]
