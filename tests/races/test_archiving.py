"""Archiving against a claim: the archive sees the booking, or the claim sees the archive."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests import lock_waits
from tests.patience import wait_until
from tests.racing import SERVER
from tests.shop import at

KINDS = {
    "providers": "PROVIDER_IN_USE",
    "locations": "LOCATION_IN_USE",
    "services": "SERVICE_IN_USE",
}
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def shop(arena):
    return arena.shop


@pytest.fixture
def sessions(arena):
    with lock_waits.sessions(arena.server.database, arena.shop.vendor_id) as opened:
        yield opened


@pytest.fixture
def rows(shop):
    """What a claim needs of each kind, by the name of its list."""
    service_id = shop.insert("services", name="Haircut", duration_minutes=60)
    return {
        "providers": shop.provider_id,
        "locations": shop.location_id,
        "services": service_id,
    }


@pytest.fixture
def archive(arena, rows):
    """DELETE the row of a kind with the vendor's key."""

    def call(kind):
        return httpx.delete(
            f"{arena.server.url}/api/v1/vendors/{arena.slug}/{kind}/{rows[kind]}",
            headers={"Authorization": f"Bearer {arena.api_key}"},
            trust_env=False,
            timeout=30,
        )

    return call


def _server_waits(arena):
    return arena.monitor.execute(
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = %s AND wait_event_type = 'Lock'",
        [SERVER],
    ).rowcount


@kinds
def test_who_archives_waits_for_a_claim_in_flight_and_is_refused(arena, rows, archive, kind):
    shop = arena.shop
    slot = shop.slot()
    with ThreadPoolExecutor(1) as thread:
        with shop.app.transaction():
            booking_id = shop.book(slot, service_id=rows["services"])
            answer = thread.submit(archive, kind)
            wait_until(lambda: answer.done() or _server_waits(arena), "nobody waits")
            assert not answer.done(), answer.result().text
        refused = answer.result().json()
    assert refused["code"] == KINDS[kind], refused
    assert [one["booking_id"] for one in refused["conflict"]["bookings"]] == [str(booking_id)]
    arena.sweep()


@pytest.mark.parametrize("kind", ["providers", "locations"])
def test_a_claim_that_waits_for_who_archives_finds_nothing_to_book(
    arena, rows, archive, kind, sessions
):
    shop = arena.shop
    slot, claimer = shop.slot(), sessions.app()
    # Whoever has this row's key keeps the archive from getting the row, once it has the slots.
    with ThreadPoolExecutor(1) as thread:
        with shop.owner.transaction():
            shop.owner.execute(f"SELECT FROM {kind} WHERE id = %s FOR KEY SHARE", [rows[kind]])
            archived = thread.submit(archive, kind)
            wait_until(lambda: archived.done() or _server_waits(arena), "nobody waits")
            assert not archived.done(), archived.result().text
            claim = claimer.begin_and_wait_for_lock(claimer.claim, slot)
        assert archived.result().status_code == 204, archived.result().text
    assert claim.result()["outcome"] == "SLOT_NOT_FOUND"
    arena.sweep()


def test_a_claim_that_waits_while_its_service_is_archived_finds_no_service(
    arena, shop, rows, archive, sessions
):
    slot, claimer = shop.slot(), sessions.app()
    with arena.held(slot):
        claim = claimer.begin_and_wait_for_lock(claimer.claim, slot, service_id=rows["services"])
        assert archive("services").status_code == 204
    assert claim.result()["outcome"] == "SERVICE_NOT_FOUND"
    assert shop.rows("SELECT FROM bookings WHERE vendor_id = %s") == []
    arena.sweep()


def test_who_archives_a_service_waits_for_a_confirmation_in_flight_and_is_refused(
    arena, shop, rows, archive
):
    booking_id = shop.book(shop.slot(), service_id=rows["services"])
    shop.move("cancel_booking", booking_id)
    with ThreadPoolExecutor(1) as thread:
        with shop.app.transaction():
            assert shop.move("confirm_booking", booking_id)["outcome"] == "CONFIRMED"
            answer = thread.submit(archive, "services")
            wait_until(lambda: answer.done() or _server_waits(arena), "nobody waits")
            assert not answer.done(), answer.result().text
        refused = answer.result().json()
    assert refused["code"] == "SERVICE_IN_USE", refused
    assert [one["booking_id"] for one in refused["conflict"]["bookings"]] == [str(booking_id)]
    arena.sweep()


@kinds
def test_a_cancelled_booking_is_not_confirmed_again_once_what_it_needs_is_archived(
    arena, shop, rows, archive, kind
):
    booking_id = shop.book(shop.slot(), service_id=rows["services"])
    shop.move("cancel_booking", booking_id)
    assert archive(kind).status_code == 204
    answer = httpx.post(
        f"{arena.server.url}/api/v1/vendors/{arena.slug}/bookings/{booking_id}/confirm",
        headers={"Authorization": f"Bearer {arena.api_key}"},
        trust_env=False,
        timeout=30,
    )
    code = "SERVICE_NOT_FOUND" if kind == "services" else "SLOT_NOT_FOUND"
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert shop.booking(booking_id)["status"] == "cancelled"
    arena.sweep()


def test_slots_at_an_archived_location_are_neither_offered_nor_booked(shop, archive):
    near = shop.slot(9, 10)
    far = shop.slot(11, 12, location_id=str(shop.location()))
    assert archive("locations").status_code == 204
    assert shop.claim(near)["outcome"] == "SLOT_NOT_FOUND"
    shop.book(far)
    listed = shop.call("list_availability", **{"from": at(0), "to": at(24)})
    assert [one["slot_id"] for one in listed] == [far]
    refused = shop.claim(far)
    assert refused["outcome"] == "BOOKING_CONFLICT"
    assert refused["facts"]["alternatives"] == [], "the other slot is at the archived location"


def _change_needs(arena, service_id, *provider_ids):
    providers = [{"provider_id": str(one)} for one in provider_ids]
    return httpx.patch(
        f"{arena.server.url}/api/v1/vendors/{arena.slug}/services/{service_id}",
        json={"needs": [{"role": "stylist", "providers": providers}]},
        headers={"Authorization": f"Bearer {arena.api_key}"},
        trust_env=False,
        timeout=30,
    )


def test_who_archives_a_provider_sees_a_service_that_comes_to_need_it_meanwhile(
    arena, shop, rows, archive
):
    with ThreadPoolExecutor(1) as thread:
        with shop.owner.transaction():
            shop.owner.execute(
                "SELECT FROM providers WHERE id = %s FOR KEY SHARE", [shop.provider_id]
            )
            archived = thread.submit(archive, "providers")
            wait_until(lambda: archived.done() or _server_waits(arena), "nobody waits")
            assert not archived.done(), archived.result().text
            assert _change_needs(arena, rows["services"], shop.provider_id).status_code == 200
        refused = archived.result().json()
    assert refused["code"] == "PROVIDER_IN_USE", refused
    assert [one["service_id"] for one in refused["conflict"]["services"]] == [str(rows["services"])]


def test_who_archives_a_provider_waits_for_a_change_of_its_service_and_judges_by_it(
    arena, shop, rows, archive
):
    other = shop.provider()
    assert _change_needs(arena, rows["services"], shop.provider_id, other).status_code == 200
    with ThreadPoolExecutor(1) as thread:
        with shop.owner.transaction():
            shop.owner.execute(
                "DELETE FROM service_providers WHERE service_id = %s AND provider_id = %s",
                [rows["services"], other],
            )
            shop.owner.execute(
                "UPDATE services SET version = version + 1 WHERE id = %s", [rows["services"]]
            )
            archived = thread.submit(archive, "providers")
            wait_until(lambda: archived.done() or _server_waits(arena), "nobody waits")
            assert not archived.done(), archived.result().text
        refused = archived.result().json()
    assert refused["code"] == "PROVIDER_IN_USE", refused


def test_a_provider_comes_into_no_service_while_somebody_archives_it(arena, shop):
    other = shop.provider()
    with ThreadPoolExecutor(1) as thread:
        with shop.owner.transaction():
            shop.owner.execute("SELECT FROM providers WHERE id = %s FOR UPDATE", [shop.provider_id])
            changed = thread.submit(_change_needs, arena, shop.service(60), other, shop.provider_id)
            wait_until(lambda: changed.done() or _server_waits(arena), "nobody waits")
            assert not changed.done(), changed.result().text
            shop.owner.execute(
                "UPDATE providers SET archived_at = now() WHERE id = %s", [shop.provider_id]
            )
        assert changed.result().json()["code"] == "PROVIDER_NOT_FOUND"
