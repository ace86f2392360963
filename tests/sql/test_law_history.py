"""Law 6: history is append-only, for the owner and even for a superuser who plays replica."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

CHANGES = {
    "updated": "UPDATE events SET kind = 'cancelled'",
    "updated to the same": "UPDATE events SET kind = kind",
    "deleted": "DELETE FROM events",
    "truncated": "TRUNCATE events",
    "truncated with what it hangs on": "TRUNCATE bookings CASCADE",
    "truncated with the vendors": "TRUNCATE vendors CASCADE",
    "merged over": (
        "MERGE INTO events e USING (SELECT 1) AS s ON true"
        " WHEN MATCHED THEN UPDATE SET kind = 'changed'"
    ),
    "overwritten by conflict": (
        "INSERT INTO events SELECT * FROM events"
        " ON CONFLICT (vendor_id, booking_id, sequence) DO UPDATE SET kind = 'changed'"
    ),
}
changes = pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)


@pytest.fixture
def superuser(module_database) -> Iterator[psycopg.Connection]:
    """An autocommit connection as the superuser, to the module's database."""
    with psycopg.connect(module_database.superuser_url, autocommit=True) as connection:
        yield connection


@changes
def test_no_event_can_be_changed_by_the_owner(shop, refused, statement):
    shop.book(shop.slot())
    with refused("SK006"):
        shop.owner.execute(statement)


@changes
def test_no_event_can_be_changed_by_a_superuser_who_plays_replica(
    shop, refused, superuser, statement
):
    shop.book(shop.slot())
    superuser.execute("SET session_replication_role = replica")
    with refused("SK006"):
        superuser.execute(statement)


def test_a_booking_with_history_cannot_be_deleted(shop, refused):
    booking_id = shop.book(shop.slot())
    shop.move("cancel_booking", booking_id)
    with refused("23503", by="events_booking_fkey"):
        shop.owner.execute("DELETE FROM bookings WHERE id = %s", [booking_id])


def test_two_events_of_a_booking_cannot_have_one_number(shop, refused):
    booking_id = shop.book(shop.slot())
    with refused("23505", by="events_pkey"):
        shop.owner.execute(
            "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
            " VALUES (%s, %s, 1, 'changed', '{}', '{}')",
            [shop.vendor_id, booking_id],
        )
