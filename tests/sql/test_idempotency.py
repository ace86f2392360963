"""An idempotency key makes a booking once, however often it is asked for; only successes count."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.shop import Shop, at, call

KEY = "a key of the test, no 1"
PRINT = b"\x01" * 32
OTHER_PRINT = b"\x02" * 32


def keys(shop):
    return shop.rows("SELECT * FROM idempotency_keys WHERE vendor_id = %s ORDER BY key")


@pytest.mark.parametrize("hold_for", [None, timedelta(minutes=5)], ids=["confirmed", "held"])
def test_the_same_request_again_is_answered_with_the_same_booking(shop, hold_for):
    slot = shop.slot(capacity=5)
    request = {"idempotency_key": KEY, "fingerprint": PRINT, "hold_for": hold_for}
    first = shop.claim(slot, **request)
    with shop.unchanged():
        again = shop.claim(slot, **request)
    assert again == first | {"replayed": True}
    assert len(shop.events(first["booking_id"])) == 1


def test_a_replay_shows_the_booking_as_it_is_now_under_the_first_outcome(shop):
    slot = shop.slot(capacity=5)
    request = {"idempotency_key": KEY, "fingerprint": PRINT, "hold_for": timedelta(minutes=5)}
    booking_id = shop.book(slot, **request)
    shop.move("confirm_booking", booking_id)
    again = shop.claim(slot, **request)
    assert (again["outcome"], again["facts"]["status"]) == ("HELD", "confirmed")
    assert again["facts"]["version"] == 2


def test_a_key_with_another_request_is_a_conflict_whether_there_is_room_or_not(shop):
    roomy, full = shop.slot(9, 10, capacity=5), shop.slot(10, 11)
    shop.book(roomy, idempotency_key=KEY, fingerprint=PRINT)
    shop.book(full)
    for slot in (roomy, full):
        with shop.unchanged():
            answer = shop.claim(slot, idempotency_key=KEY, fingerprint=OTHER_PRINT)
        assert answer["outcome"] == "IDEMPOTENCY_CONFLICT"
        assert (answer["booking_id"], answer["facts"]) == (None, {})


def test_without_a_fingerprint_the_request_itself_is_compared(shop):
    slot = shop.slot(9, 17, capacity=5)
    request = {
        "start": at(9),
        "end": at(10),
        "idempotency_key": KEY,
        "hold_for": timedelta(hours=1),
    }
    first = shop.claim(slot, **request)
    assert shop.claim(slot, **request)["booking_id"] == first["booking_id"]
    for change in ({"quantity": 2}, {"end": at(11)}, {"details": {"notes": "another"}}):
        assert shop.claim(slot, **request | change)["outcome"] == "IDEMPOTENCY_CONFLICT"


def test_the_same_request_is_the_same_in_every_time_zone(shop, module_database):
    slot = shop.slot(9, 17, capacity=5)
    request = {
        "start": at(9),
        "end": at(10),
        "idempotency_key": KEY,
        "hold_for": timedelta(hours=36),
    }
    first = shop.claim(slot, **request)
    with psycopg.connect(module_database.app_url, autocommit=True) as elsewhere:
        elsewhere.execute("SET TimeZone = 'Asia/Kathmandu'; SET IntervalStyle = 'iso_8601'")
        again = call(
            elsewhere,
            "claim_slot_and_create_booking",
            vendor_id=shop.vendor_id,
            slot_ids=[slot],
            **request,
        )[0]
    assert (again["booking_id"], again["replayed"]) == (first["booking_id"], True)


def test_the_last_place_is_replayed_to_the_one_who_took_it(shop):
    slot = shop.slot()
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    first = shop.claim(slot, **request)
    assert shop.claim(slot, **request)["booking_id"] == first["booking_id"]
    assert shop.claim(slot)["outcome"] == "BOOKING_CONFLICT"


def test_a_replay_outlives_the_slot_and_the_time(shop):
    slot = shop.slot()
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    booking_id = shop.book(slot, **request)
    shop.move("cancel_booking", booking_id)
    shop.call("delete_slot", slot_id=slot)
    again = shop.claim(slot, **request)
    assert (again["booking_id"], again["facts"]["status"]) == (booking_id, "cancelled")


def test_a_refusal_is_not_remembered_so_that_trying_again_can_win(shop):
    slot = shop.slot()
    rival = shop.book(slot)
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    assert shop.claim(slot, **request)["outcome"] == "BOOKING_CONFLICT"
    assert keys(shop) == []
    shop.move("cancel_booking", rival)
    assert shop.claim(slot, **request)["outcome"] == "CONFIRMED"


def test_a_refusal_under_the_locks_gives_its_key_back(shop):
    nights = shop.nights(2)
    shop.lapsed_hold(nights[0])
    rival = shop.book(nights[1])
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    assert shop.claim(*nights, **request)["outcome"] == "BOOKING_CONFLICT"
    assert keys(shop) == []
    shop.move("cancel_booking", rival)
    assert shop.claim(*nights, **request)["outcome"] == "CONFIRMED"


def test_one_key_means_something_else_to_every_vendor(shop):
    other = Shop(shop.app, shop.owner)
    ids = {s.book(s.slot(), idempotency_key=KEY, fingerprint=PRINT) for s in (shop, other)}
    assert len(ids) == 2


def test_keys_hold_ids_and_no_personal_data(shop):
    details = {"customer": {"name": "Ada Secret", "email": "a@secret.example"}, "notes": "secret"}
    booking_id = shop.book(shop.slot(), idempotency_key=KEY, details=details)
    (row,) = keys(shop)
    assert row["booking_id"] == booking_id
    assert "secret" not in str(row).lower()


def test_publishing_again_with_the_key_is_answered_with_the_same_slots(shop):
    slots = [{"start": at(9), "end": at(10)}, {"start": at(10), "end": at(11)}]
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    first = shop.publish(slots, **request)
    with shop.unchanged():
        again = shop.publish(slots, **request)
    assert (again["outcome"], again["replayed"]) == ("PUBLISHED", True)
    assert again["slot_ids"] == first["slot_ids"]
    other = shop.publish(slots, **request | {"fingerprint": OTHER_PRINT})
    assert (other["outcome"], other["slot_ids"]) == ("IDEMPOTENCY_CONFLICT", [])


def test_publishing_that_is_refused_gives_its_key_back(shop):
    slot = shop.slot(9, 10)
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    assert shop.publish([{"start": at(9), "end": at(10)}], **request)["outcome"] == "SLOT_OVERLAP"
    assert keys(shop) == []
    shop.call("delete_slot", slot_id=slot)
    assert shop.publish([{"start": at(9), "end": at(10)}], **request)["outcome"] == "PUBLISHED"


def test_publishing_what_fits_remembers_what_was_published(shop):
    shop.slot(9, 10)
    slots = [{"start": at(9), "end": at(10)}, {"start": at(10), "end": at(11)}]
    request = {"idempotency_key": KEY, "fingerprint": PRINT, "on_overlap": "skip"}
    first = shop.publish(slots, **request)
    assert first["facts"] == {"published": 1, "skipped": 1}
    assert shop.publish(slots, **request)["slot_ids"] == first["slot_ids"]


def test_blocking_again_with_the_key_is_answered_with_the_same_block(shop):
    shop.slot(9, 10)
    request = {
        "provider_id": shop.provider_id, "start": at(9), "end": at(10), "idempotency_key": KEY,
        "fingerprint": PRINT,
    }  # fmt: skip
    first, again = (shop.call("block_time", **request)[0] for _ in range(2))
    assert (again["booking_id"], again["replayed"]) == (first["booking_id"], True)


def test_a_key_of_one_kind_of_request_is_a_conflict_for_another(shop):
    request = {"idempotency_key": KEY, "fingerprint": PRINT}
    slot = shop.slot()
    shop.book(slot, **request)
    later = [{"start": at(11), "end": at(12)}]
    assert shop.publish(later, **request)["outcome"] == "IDEMPOTENCY_CONFLICT"
    other = {"idempotency_key": "a key of the test, no 2", "fingerprint": PRINT}
    shop.publish(later, **other)
    assert shop.claim(slot, **other)["outcome"] == "IDEMPOTENCY_CONFLICT"


def remember(shop, fingerprint=PRINT, **made):
    row = shop.call("remember_idempotency_key", key=KEY, fingerprint=fingerprint, made=Jsonb(made))[
        0
    ]
    return row["outcome"], row["made"]


def test_other_requests_remember_what_they_made_and_nothing_if_they_fail(shop):
    with shop.app.transaction(force_rollback=True):
        assert remember(shop, location_id="first") == ("NEW", {"location_id": "first"})
    assert remember(shop, location_id="second") == ("NEW", {"location_id": "second"})
    assert remember(shop, location_id="third") == ("REPLAY", {"location_id": "second"})
    assert remember(shop, OTHER_PRINT) == ("IDEMPOTENCY_CONFLICT", {})


def test_keys_are_forgotten_after_a_day_and_never_earlier(shop):
    slot = shop.slot(capacity=9)
    ages = {"old enough to forget": "25 hours", "young enough to keep": "23 hours"}
    for key, age in ages.items():
        shop.book(slot, idempotency_key=key)
        shop.owner.execute(
            "UPDATE idempotency_keys SET created_at = now() - %s::interval"
            " WHERE vendor_id = %s AND key = %s",
            [age, shop.vendor_id, key],
        )
    other = Shop(shop.app, shop.owner)
    for given in ({"older_than": timedelta(hours=48)}, {"older_than": timedelta(0)}, {}):
        counted = shop.call("forget_old_idempotency_keys", **given)
        expected = 1 if given == {"older_than": timedelta(0)} else 0
        assert counted[0]["forget_old_idempotency_keys"] == expected
    assert [row["key"] for row in keys(shop)] == ["young enough to keep"]
    assert other.call("forget_old_idempotency_keys")[0]["forget_old_idempotency_keys"] == 0
