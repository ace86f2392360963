"""list_availability and slot_availability: what is shown as free is free, no more and no less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.shop import Shop, at


def listed(shop, start=0, end=24, **more):
    """The rows of list_availability from hour to hour."""
    return shop.call("list_availability", **{"from": at(start), "to": at(end), **more})


def stretches(row):
    """Free stretches as (first hour, last hour, places)."""
    hour = timedelta(hours=1)
    return [
        (
            (datetime.fromisoformat(part["start"]) - at(0)) / hour,
            (datetime.fromisoformat(part["end"]) - at(0)) / hour,
            part["available"],
        )
        for part in row["free"]
    ]


def test_an_untouched_slot_is_free_from_end_to_end(shop):
    slot = shop.slot(9, 17, capacity=3, price={"amount": 900, "currency": "EUR"})
    (row,) = listed(shop)
    assert (row["slot_id"], row["slot_start"], row["slot_end"]) == (slot, at(9), at(17))
    assert (row["capacity"], row["available"], row["status"]) == (3, 3, "available")
    assert stretches(row) == [(9, 17, 3)]
    assert (row["provider_id"], row["location_id"]) == (shop.provider_id, shop.location_id)
    assert (row["time_zone"], row["price_amount"], row["price_currency"]) == (
        "Europe/Rome", 900, "EUR",
    )  # fmt: skip


def test_what_is_booked_is_cut_out_of_what_is_free(shop):
    slot = shop.slot(9, 17, capacity=2)
    shop.book(slot, start=at(10), end=at(12), quantity=2)
    shop.book(slot, start=at(12), end=at(13))
    (row,) = listed(shop)
    assert stretches(row) == [(9, 10, 2), (12, 13, 1), (13, 17, 2)]
    assert (row["available"], row["status"]) == (0, "available")


def test_what_is_free_is_not_cut_where_only_the_units_change(shop):
    slot = shop.slot(9, 15, capacity=2)
    first = shop.book(slot, start=at(9), end=at(10))
    shop.book(slot, start=at(9), end=at(12))
    shop.move("cancel_booking", first)
    shop.book(slot, start=at(12), end=at(15))
    (row,) = listed(shop)
    assert stretches(row) == [(9, 15, 1)]
    assert row["available"] == 1
    assert shop.claim(slot, start=at(9), end=at(15))["outcome"] == "CONFIRMED"


def test_what_is_free_is_not_cut_where_one_goes_and_another_comes(shop):
    slot = shop.slot(9, 15, capacity=2)
    shop.book(slot, start=at(9), end=at(12))
    shop.book(slot, start=at(12), end=at(15))
    assert stretches(listed(shop)[0]) == [(9, 15, 1)]


def test_a_slot_is_sold_out_when_no_moment_has_the_places_asked_for(shop):
    slot = shop.slot(capacity=3)
    shop.book(slot, quantity=2)
    assert [listed(shop, quantity=n)[0]["status"] for n in (1, 2)] == ["available", "sold_out"]
    shop.book(slot)
    (row,) = listed(shop)
    assert (row["status"], row["available"], row["free"]) == ("sold_out", 0, [])


def test_what_no_longer_occupies_is_free(shop):
    slot = shop.slot(capacity=3)
    shop.move("cancel_booking", shop.book(slot))
    shop.lapsed_hold(slot)
    shop.book(slot, hold_for=timedelta(minutes=5))
    (row,) = listed(shop)
    assert (row["available"], stretches(row)) == (2, [(9, 10, 2)])


def test_the_view_counts_the_places_free_throughout_as_the_list_does(shop):
    slot = shop.slot(9, 17, capacity=4)
    shop.book(slot, start=at(9), end=at(10))
    shop.book(slot, start=at(11), end=at(12), quantity=2)
    shop.lapsed_hold(slot, start=at(13), end=at(14), quantity=3)
    (viewed,) = shop.rows("SELECT * FROM slot_availability WHERE vendor_id = %s")
    assert viewed["slot_id"] == slot
    assert viewed["available_count"] == listed(shop)[0]["available"] == 2


def test_slots_are_listed_by_start_when_they_overlap_the_window(shop):
    slots = [shop.slot(hour, hour + 2) for hour in (12, 8, 10, 14)]
    order = sorted(slots, key=lambda slot: [8, 10, 12, 14][[1, 2, 0, 3].index(slots.index(slot))])
    assert [row["slot_id"] for row in listed(shop)] == order
    assert [row["slot_id"] for row in listed(shop, 9, 14)] == order[:3]
    assert [row["slot_id"] for row in listed(shop, 10, 12)] == order[1:2]


def test_the_list_can_be_paged_through_without_loss_or_repetition(shop):
    others = [shop.provider() for _ in range(3)]
    slots = {
        shop.slot(9 + n // 4, 10 + n // 4, provider_id=([*others, None])[n % 4]) for n in range(16)
    }
    seen, after = [], {}
    while page := listed(shop, limit=5, **after):
        seen += [row["slot_id"] for row in page]
        after = {"after_start": page[-1]["slot_start"], "after_id": page[-1]["slot_id"]}
    assert len(seen) == 16
    assert set(seen) == slots


def test_the_list_can_be_narrowed_to_a_provider_or_location(shop):
    other_place, other = shop.location(), shop.provider()
    here = shop.slot()
    away = shop.slot(location_id=str(other_place), provider_id=other)
    assert [row["slot_id"] for row in listed(shop, provider_id=other)] == [away]
    assert [row["slot_id"] for row in listed(shop, location_id=shop.location_id)] == [here]


def test_neither_another_vendors_slots_nor_those_of_an_archived_provider_are_listed(shop):
    Shop(shop.app, shop.owner).slot()
    shop.slot()
    shop.owner.execute("UPDATE providers SET archived_at = now() WHERE id = %s", [shop.provider_id])
    assert listed(shop) == []


def this_minute() -> datetime:
    """The beginning of this minute: the public's free time begins with a later one."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def since(start: datetime, **more):
    """The window of a day about `start`, as the public is shown it."""
    day = timedelta(days=1)
    return {"from": start - day, "to": start + day, "public": True, **more}


def test_the_public_is_shown_nothing_that_is_over_and_the_vendor_everything(shop):
    now, hour = this_minute(), timedelta(hours=1)
    over = [shop.slot(now - 3 * hour, now - 2 * hour), shop.slot(now - 2 * hour, now - hour)]
    to_come = shop.slot(now + hour, now + 2 * hour)
    public = shop.call("list_availability", **since(now))
    assert [row["slot_id"] for row in public] == [to_come]
    assert (public[0]["available"], public[0]["status"]) == (1, "available")
    everything = shop.call("list_availability", **since(now, public=False))
    assert [row["slot_id"] for row in everything] == [*over, to_come]
    assert [row["status"] for row in everything] == ["available"] * 3
    window = since(now - 12 * hour, to=now - hour)
    assert shop.call("list_availability", **window) == [], "all of the window is over"


def test_of_what_goes_on_the_public_is_shown_the_rest_and_can_book_every_stretch(shop):
    now, hour = this_minute(), timedelta(hours=1)
    slot = shop.slot(now - 2 * hour, now + 4 * hour, capacity=2)
    shop.book(slot, start=now - hour, end=now + 2 * hour)
    shop.book(slot, start=now + hour, end=now + 3 * hour)
    (row,) = shop.call("list_availability", **since(now))
    assert (row["slot_start"], row["available"], row["status"]) == (now - 2 * hour, 0, "available")
    first = datetime.fromisoformat(row["free"][0]["start"])
    assert first > datetime.now(UTC)
    assert first <= datetime.now(UTC) + timedelta(minutes=1)
    assert [(part["end"], part["available"]) for part in row["free"]] == [
        ((now + end * hour).isoformat().replace("+00:00", "Z"), places)
        for end, places in ((1, 1), (3, 1), (4, 2))
    ]
    for part in row["free"]:
        with shop.app.transaction(force_rollback=True):
            times = {"start": part["start"], "end": part["end"]}
            public = {"actor": {"type": "customer"}, "quantity": part["available"]}
            taken = shop.claim(slot, **times, **public)
            assert taken["outcome"] == "CONFIRMED"
    whole = shop.claim(slot, actor={"type": "customer"})
    assert (whole["outcome"], whole["facts"]["reason"]) == ("VALIDATION_ERROR", "in_the_past")


def test_what_goes_on_and_is_taken_to_its_end_is_sold_out(shop):
    now, hour = this_minute(), timedelta(hours=1)
    slot = shop.slot(now - 2 * hour, now + 2 * hour)
    shop.book(slot, start=now - hour, end=now + 2 * hour)
    (row,) = shop.call("list_availability", **since(now))
    assert (row["available"], row["status"], row["free"]) == (0, "sold_out", [])


def test_pages_of_the_public_hold_what_one_long_page_holds(shop):
    now, hour = this_minute(), timedelta(hours=1)
    for others in range(3):
        chair = shop.provider()
        for start in (-3, -1, 1, 3):
            first = now + (start + others / 10) * hour
            shop.slot(first, first + 2 * hour, provider_id=chair)
    whole = [row["slot_id"] for row in shop.call("list_availability", **since(now))]
    assert len(whole) == 9
    for limit in (1, 2, 4):
        seen, after = [], {}
        while page := shop.call("list_availability", **since(now, limit=limit, **after)):
            seen += [row["slot_id"] for row in page]
            after = {"after_start": page[-1]["slot_start"], "after_id": page[-1]["slot_id"]}
        assert seen == whole


def refused_with(shop, *slot_ids, **more):
    """The alternatives offered with a refusal, each of which can really be booked."""
    answer = shop.claim(*slot_ids, **more)
    assert answer["outcome"] in {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY"}
    offered = answer["facts"]["alternatives"]
    for alternative in offered:
        with shop.app.transaction(force_rollback=True):
            times = {"start": alternative["start"], "end": alternative["end"]}
            whole = {} if "start" not in more else times
            taken = shop.claim(*alternative["slot_ids"], quantity=more.get("quantity", 1), **whole)
            assert taken["outcome"] == "CONFIRMED"
            assert (taken["facts"]["start"], taken["facts"]["end"]) == tuple(times.values())
            assert taken["facts"]["provider_id"] == alternative["provider_id"]
    return offered


def test_alternatives_are_the_nearest_of_each_kind_in_turn(shop):
    colleague, elsewhere = shop.provider(), shop.provider(shop.location())
    wanted = shop.slot(12, 13)
    near, far = shop.slot(14, 15), shop.slot(9, 10)
    same_time = shop.slot(12, 13, provider_id=colleague)
    other_place = shop.slot(12, 13, provider_id=elsewhere,
                            location_id=str(location_of(shop, elsewhere)))  # fmt: skip
    shop.book(wanted)
    offered = refused_with(shop, wanted, alternatives=4)
    assert [(a["kind"], a["slot_ids"]) for a in offered] == [
        ("same_provider", [str(near)]),
        ("same_time", [str(same_time)]),
        ("other_location", [str(other_place)]),
        ("same_provider", [str(far)]),
    ]
    assert {a["time_zone"] for a in offered} == {"Europe/Rome"}
    assert [a["available"] for a in offered] == [1] * 4


def location_of(shop, provider_id):
    return shop.rows(
        "SELECT location_id FROM providers WHERE vendor_id = %s AND id = %s", provider_id
    )[0]["location_id"]


@pytest.mark.parametrize("wanted, offered", [(0, 0), (1, 1), (2, 2), (9, 5)])
def test_as_many_alternatives_are_offered_as_are_wanted_and_there_are(shop, wanted, offered):
    slots = [shop.slot(hour, hour + 1) for hour in range(9, 15)]
    shop.book(slots[0])
    assert len(refused_with(shop, slots[0], alternatives=wanted)) == offered


def test_no_alternative_is_too_small_taken_past_or_archived(shop):
    now = datetime.now(tz=at(0).tzinfo).replace(microsecond=0)
    wanted = shop.slot(now + timedelta(hours=1), now + timedelta(hours=2), capacity=2)
    shop.slot(now - timedelta(hours=2), now - timedelta(hours=1), capacity=2)
    small = shop.slot(now + timedelta(hours=3), now + timedelta(hours=4), capacity=1)
    taken = shop.slot(now + timedelta(hours=5), now + timedelta(hours=6), capacity=2)
    archived = shop.provider()
    shop.slot(now + timedelta(hours=1), now + timedelta(hours=2), capacity=2, provider_id=archived)
    shop.owner.execute("UPDATE providers SET archived_at = now() WHERE id = %s", [archived])
    for slot in (wanted, taken):
        shop.book(slot)
    assert small
    assert refused_with(shop, wanted, quantity=2) == []


def test_nothing_that_has_begun_is_offered_even_to_a_vendor_who_writes_down_the_past(shop):
    now = datetime.now(tz=at(0).tzinfo).replace(microsecond=0)
    begun = {"start": now - timedelta(hours=3), "end": now - timedelta(hours=2)}
    wanted = shop.slot(now - timedelta(hours=4), now - timedelta(minutes=10))
    whole = shop.slot(now - timedelta(hours=8), now - timedelta(hours=7))
    for provider_id in (shop.provider(), shop.provider(shop.location())):
        shop.slot(now - timedelta(hours=4), now - timedelta(minutes=10), provider_id=provider_id)
        shop.slot(now - timedelta(hours=8), now - timedelta(hours=7), provider_id=provider_id)
    shop.book(wanted, **begun)
    shop.book(whole)
    assert refused_with(shop, wanted, **begun) == []
    assert refused_with(shop, whole) == []


def test_a_part_is_offered_at_the_nearest_times_it_fits(shop):
    slot = shop.slot(9, 17)
    shop.book(slot, start=at(11), end=at(13))
    offered = refused_with(shop, slot, start=at(12), end=at(13), alternatives=2)
    assert [a["start"] for a in offered] == ["2040-01-02T13:00:00Z", "2040-01-02T10:00:00Z"]


def test_a_stay_is_offered_at_another_provider_who_has_every_night(shop):
    nights = shop.nights(3)
    whole, broken = shop.provider(), shop.provider()
    free = shop.nights(3, provider_id=whole)
    shop.book(shop.nights(3, provider_id=broken)[1])
    shop.book(nights[2])
    (offered,) = refused_with(shop, *nights)
    assert offered["slot_ids"] == [str(night) for night in free]
    assert offered["kind"] == "same_time"


def test_joint_slots_are_never_offered_one_slot_for_two(shop):
    room, spare = shop.provider(), shop.provider()
    both = [shop.slot(9, 10), shop.slot(9, 10, provider_id=room)]
    shop.slot(9, 10, provider_id=spare)
    shop.book(both[0])
    assert refused_with(shop, *both) == []
