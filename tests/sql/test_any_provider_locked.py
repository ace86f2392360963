"""Booking by service and start while those who could do it are locked."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.patience import wait_until
from tests.shop import at
from tests.sql.test_any_provider import KEY, salon

__all__ = ["salon"]


@pytest.fixture
def impatient(salon):
    """The application waits a tenth of a second for a lock."""
    salon.app.execute("SET lock_timeout = '100ms'")
    yield
    salon.app.execute("RESET lock_timeout")


@pytest.mark.usefixtures("impatient")
def test_who_is_locked_for_long_is_passed_over_and_waited_for_only_if_nobody_else_is_free(salon):
    locked, other = salon.chairs(2)
    service = salon.service(60, {locked: 1, other: 2})
    with salon.owner.transaction():
        salon.owner.execute(
            "SELECT FROM slots WHERE vendor_id = %s AND provider_id = %s FOR UPDATE",
            [salon.vendor_id, locked],
        )
        assert salon.booked_at(service, 10)["provider_id"] == other
        with pytest.raises(psycopg.errors.LockNotAvailable):
            salon.ask(service, 10)
        # Of who takes part, too, whoever else of them is free.
        joint = salon.service(60, salon.chairs(1), [locked])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            salon.ask(joint, 11)
    assert salon.booked_at(service, 10)["provider_id"] == locked


def test_who_is_waited_for_and_taken_again_and_again_ends_when_one_wait_would(shop, sessions):
    """INVENTORY_LOCKED after lock_timeout, though each wait ends in a refusal and not in that."""
    chairs = [shop.provider() for _ in range(5)]
    service = shop.service(60, dict(zip(chairs, range(1, 6), strict=True)))
    rivals, caller = [sessions.app() for _ in chairs], sessions.app()
    caller.connection.execute("SET lock_timeout = '1s'")
    caller.connection.execute("SET statement_timeout = '120s'")
    for rival, chair in zip(rivals, chairs, strict=True):
        slot = shop.slot(9, 17, provider_id=chair)
        rival.connection.autocommit = False
        rival.claim(slot, start=at(10), end=at(11))
    booking = caller.begin(
        caller.call, "claim_service_and_create_booking", service_id=service, start=at(10)
    )

    def waits_for(rival: Any) -> bool:
        """For longer than a short wait, and not yet as long as a whole one."""
        row = shop.owner.execute(
            "SELECT clock_timestamp() - waitstart > '0.6 s' FROM pg_locks"
            " WHERE pid = %s AND NOT granted AND %s = ANY (pg_blocking_pids(pid))",
            [caller.pid, rival.pid],
        ).fetchone()
        return row is not None and bool(row[0])

    taken = 0
    for rival in rivals:
        wait_until(lambda rival=rival: waits_for(rival) or booking.done(), "nobody is waited for")
        if booking.done():
            break
        rival.connection.commit()
        taken += 1
    with pytest.raises(psycopg.errors.LockNotAvailable):
        booking.result()
    for rival in rivals[taken:]:
        rival.connection.rollback()


def test_many_who_are_locked_cost_one_short_wait(salon, sessions):
    """With the time that the role has as shipped: ten seconds, three for a lock."""
    caller, waits = sessions.app(as_shipped=True), set()
    *locked, free = salon.chairs(6)
    therapist, room, other_room = salon.chairs(3)
    service = salon.service(60, {**dict.fromkeys(locked, 1), free: 2})
    joint = salon.service(60, [therapist], {room: 1, other_room: 2})
    with salon.owner.transaction():
        salon.owner.execute(
            "SELECT FROM slots WHERE vendor_id = %s AND provider_id = ANY (%s) FOR UPDATE",
            [salon.vendor_id, [*locked, room]],
        )
        booking = caller.begin(
            caller.connection.execute,
            "SELECT booking_id FROM claim_service_and_create_booking(%s, %s, %s)",
            [salon.vendor_id, service, at(10)],
        )
        while not booking.done():
            waits |= set(
                salon.owner.execute(
                    "SELECT waitstart FROM pg_locks"
                    " WHERE pid = %s AND NOT granted AND waitstart IS NOT NULL",
                    [caller.pid],
                ).fetchall()
            )
        assert salon.booking(booking.result().fetchone()[0])["provider_id"] == free
        assert len(waits) <= 1, "each of them was waited for"
        together = salon.booked_at(joint, 10)
        claims = salon.claims(together["id"])
        assert [claim["provider_id"] for claim in claims] == [therapist, other_room]
        # What it waits with is its own: the session keeps its patience.
        assert salon.app.execute("SHOW lock_timeout").fetchone() == ("3s",)


def test_who_comes_free_while_another_is_waited_for_is_found(shop, sessions):
    chairs = [shop.provider(), shop.provider()]
    slots = [shop.slot(9, 17, provider_id=chair) for chair in chairs]
    service = shop.service(60, {chairs[0]: 1, chairs[1]: 2})
    stuck, freed, caller = sessions.owner(), sessions.owner(), sessions.app()
    for holder, slot in zip((stuck, freed), slots, strict=True):
        holder.connection.autocommit = False
        holder.connection.execute(
            "SELECT FROM slots WHERE vendor_id = %s AND id = %s FOR UPDATE", [shop.vendor_id, slot]
        )
    # It looks again when that is over: so long this test takes, and so long it has.
    caller.connection.execute("SET lock_timeout = '5s'")

    def waits_in_earnest() -> bool:
        """For longer than a short wait is."""
        row = shop.owner.execute(
            "SELECT clock_timestamp() - waitstart > '0.6 s' FROM pg_locks"
            " WHERE pid = %s AND NOT granted",
            [caller.pid],
        ).fetchone()
        return row is not None and bool(row[0])

    booking = caller.begin(
        caller.call, "claim_service_and_create_booking", service_id=service, start=at(10)
    )
    wait_until(waits_in_earnest, "nobody waits in earnest")
    freed.connection.rollback()
    answer = booking.result()
    assert answer["outcome"] == "CONFIRMED"
    assert shop.booking(answer["booking_id"])["provider_id"] == chairs[1]
    stuck.connection.rollback()


def test_whoever_was_tried_is_let_go_before_the_next_is_waited_for(shop, sessions):
    chairs = [shop.provider(), shop.provider()]
    slots = [shop.slot(9, 17, provider_id=chair) for chair in chairs]
    service = shop.service(60, {chairs[0]: 1, chairs[1]: 2})
    rivals, caller, probe = [sessions.app(), sessions.app()], sessions.app(), sessions.owner()
    for rival, slot in zip(rivals, slots, strict=True):
        rival.connection.autocommit = False
        rival.claim(slot, start=at(10), end=at(11))

    def waits_for(rival: Any) -> bool:
        """In earnest: after the short waits it looks who is locked, and nobody is free."""
        row = shop.owner.execute(
            "SELECT clock_timestamp() - waitstart > '1 s' FROM pg_locks"
            " WHERE pid = %s AND NOT granted AND %s = ANY (pg_blocking_pids(pid))",
            [caller.pid, rival.pid],
        ).fetchone()
        return row is not None and bool(row[0])

    booking = caller.begin(
        caller.call, "claim_service_and_create_booking", service_id=service, start=at(10),
        idempotency_key=KEY,
    )  # fmt: skip
    wait_until(lambda: waits_for(rivals[0]), "nobody waits for the first")
    rivals[0].connection.commit()
    wait_until(lambda: waits_for(rivals[1]), "nobody waits for the second")
    probe.connection.execute(
        "SELECT FROM slots WHERE vendor_id = %s AND id = %s FOR UPDATE NOWAIT",
        [shop.vendor_id, slots[0]],
    )
    rivals[1].connection.rollback()
    answer = booking.result()
    assert shop.booking(answer["booking_id"])["provider_id"] == chairs[1]
