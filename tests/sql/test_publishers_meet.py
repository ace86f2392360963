"""Publishers and blocks that meet one another or a resize in flight, forced by lock waits."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.shop import at

NINE = Jsonb([{"start": at(9).isoformat(), "end": at(10).isoformat()}])


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_publishing_waits_for_a_rival_who_publishes_the_same_times(shop, sessions, commits):
    first, second = sessions.app(), sessions.app()
    request = {"provider_id": shop.provider_id, "slots": NINE}
    with first.connection.transaction(force_rollback=not commits):
        slot = first.call("publish_slots", **request)["slot_ids"][0]
        rival = second.begin_and_wait_for_lock(second.call, "publish_slots", **request)
    answer = rival.result()
    if commits:
        assert (answer["outcome"], answer["facts"]["slot_id"]) == ("SLOT_OVERLAP", str(slot))
    else:
        assert answer["outcome"] == "PUBLISHED"


def test_publishing_what_fits_waits_for_a_rival_and_skips_his(shop, sessions):
    first, second = sessions.app(), sessions.app()
    request = {"provider_id": shop.provider_id, "slots": NINE}
    with first.connection.transaction():
        first.call("publish_slots", **request)
        rival = second.begin_and_wait_for_lock(
            second.call, "publish_slots", on_overlap="skip", **request
        )
    assert rival.result()["facts"] == {"published": 0, "skipped": 1}


def test_two_publishers_of_the_same_times_in_opposite_orders_do_not_deadlock(shop, sessions):
    hours = [
        {"start": at(hour).isoformat(), "end": at(hour + 1).isoformat()} for hour in range(9, 17)
    ]
    blocker, first, second = sessions.owner(), sessions.app(), sessions.app()
    with blocker.connection.transaction(force_rollback=True):
        blocker.connection.execute(
            "INSERT INTO slots (vendor_id, provider_id, location_id, during, capacity)"
            " VALUES (%s, %s, %s, tstzrange(%s, %s), 1)",
            [shop.vendor_id, shop.provider_id, shop.location_id, at(9), at(10)],
        )
        waiting = [
            session.begin_and_wait_for_lock(
                session.call,
                "publish_slots",
                provider_id=shop.provider_id,
                slots=Jsonb(slots),
            )
            for session, slots in ((first, hours), (second, hours[::-1]))
        ]
    assert sorted(w.result()["outcome"] for w in waiting) == ["PUBLISHED", "SLOT_OVERLAP"]


def test_a_block_whose_slot_is_moved_out_of_it_meanwhile_is_refused_in_words(shop, sessions):
    slot = shop.slot(9, 10)
    vendor, other = sessions.app(), sessions.app()
    with vendor.connection.transaction():
        vendor.call("resize_slot", slot_id=slot, start=at(12), end=at(13))
        block = other.begin_and_wait_for_lock(
            other.call, "block_time", provider_id=shop.provider_id, start=at(9), end=at(10)
        )
    assert block.result()["outcome"] == "SLOT_NOT_FOUND"
