"""Damage to what bookings, events and keys tell."""

from __future__ import annotations

from datetime import timedelta

from tests.damage.planting import (
    EVENTS,
    KEYS,
    LAPSED,
    MATCH,
    TIMES,
    Damage,
    change,
    delete,
    write,
)
from tests.shop import Shop


def _lost_event(shop: Shop) -> None:
    booking_id = shop.book(shop.slot(), hold_for=timedelta(minutes=5))
    shop.move("confirm_booking", booking_id)
    shop.move("complete_booking", booking_id)
    shop.owner.execute("DELETE FROM events WHERE booking_id = %s AND sequence = 2", [booking_id])


def _event_of_nothing(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
        " VALUES (%s, uuidv7(), 1, 'confirmed', '{}', '{}')",
        [shop.vendor_id],
    )


def _half_a_room(shop: Shop) -> None:
    """Somebody and their room, at one time; then the room for half of it."""
    shop.book(shop.slot(9, 10), shop.slot(9, 10, provider_id=shop.provider()))
    shop.owner.execute(
        "UPDATE claims SET during = tstzrange(lower(during), upper(during) - interval '30 minutes')"
        " WHERE vendor_id = %s AND ordinal = 2",
        [shop.vendor_id],
    )


def _other_guests(shop: Shop) -> None:
    booking_id = shop.book(shop.slot())
    for guests in (3, 2):
        shop.call("change_booking", booking_id=booking_id, changes={"guests": guests})
    shop.owner.execute("UPDATE bookings SET guests = 3 WHERE id = %s", [booking_id])


def _key_to_nowhere(shop: Shop) -> None:
    shop.owner.execute(
        "INSERT INTO idempotency_keys (vendor_id, key, fingerprint, booking_id)"
        " VALUES (%s, 'a key that leads nowhere', '', uuidv7())",
        [shop.vendor_id],
    )


def _anothers_key(shop: Shop) -> None:
    """Two have booked, each with a key of their own; then the keys have changed places."""
    for hour in (9, 10):
        shop.book(shop.slot(hour, hour + 1), idempotency_key=f"a key of its own, {hour}")
    shop.owner.execute(
        "UPDATE idempotency_keys k SET booking_id = other.booking_id FROM idempotency_keys other"
        " WHERE other.vendor_id = k.vendor_id AND other.key <> k.key AND k.vendor_id = %s",
        [shop.vendor_id],
    )


def _key_of_no_moment(shop: Shop) -> None:
    shop.book(shop.slot(), idempotency_key="a key of no moment")
    shop.owner.execute(
        "UPDATE idempotency_keys SET created_at = '-infinity' WHERE vendor_id = %s",
        [shop.vendor_id],
    )


def _hold_for_ever(shop: Shop) -> None:
    booking_id = shop.lapsed_hold(shop.slot())
    shop.owner.execute(
        "UPDATE bookings SET hold_expires_at = 'infinity' WHERE id = %s", [booking_id]
    )


def _old_hold(shop: Shop) -> None:
    booking_id = shop.lapsed_hold(shop.slot())
    shop.owner.execute(
        "UPDATE bookings SET hold_expires_at = now() - interval '1 day' WHERE id = %s", [booking_id]
    )


SECOND = "ordinal = 2"
BOUNDS = "tstzrange(lower(during), upper(during), '%s')"
SHORTER = "during = tstzrange(lower(during), upper(during) - interval '1 hour')"
LATER = "during = tstzrange(lower(during) + interval '1 hour', upper(during))"
DAMAGES = [
    Damage(
        "all events lost",
        delete("events", "true"),
        {EVENTS},
        {"history_with_gaps", "history_untrue"},
    ),
    Damage(
        "an event of another story",
        change("events", "kind = 'cancelled'"),
        {EVENTS},
        {"history_untrue"},
    ),
    Damage("an event lost in the middle", _lost_event, {EVENTS}, {"history_with_gaps"}),
    Damage(
        "a version nobody wrote an event for",
        change("bookings", "version = 2"),
        {EVENTS},
        {"history_with_gaps"},
    ),
    Damage("an event of no booking", _event_of_nothing, {EVENTS}, {"history_of_nothing"}, {EVENTS}),
    Damage(
        "a buffer that nobody claimed",
        change("bookings", "buffer_after_minutes = 5"),
        {MATCH},
        set(),
    ),
    Damage("a later start than its claims", change("bookings", LATER), {MATCH, EVENTS}, set()),
    Damage(
        "another order of slots",
        change("bookings", "slot_ids = slot_ids[2:3] || slot_ids[1]"),
        {MATCH, EVENTS},
        set(),
    ),
    Damage(
        "a booking with its last moment",
        change("bookings", f"during = {BOUNDS % '[]'}"),
        {MATCH},
        set(),
    ),
    Damage("an hour left out of a stay", change("claims", SHORTER, SECOND), {MATCH}, set()),
    Damage("a room for half the time", _half_a_room, {MATCH}, set()),
    Damage(
        "an event that tells another quantity",
        change("events", "changes = jsonb_set(changes, '{quantity,to}', '3')"),
        {EVENTS},
        set(),
    ),
    Damage("other guests than events told last", _other_guests, {EVENTS}, set()),
    Damage("keys of one another", _anothers_key, {KEYS}, set()),
    Damage("a key to nowhere", _key_to_nowhere, {KEYS}, {"key_to_nowhere"}),
    Damage(
        "a key to nothing",
        write("idempotency_keys", key="a key that stands for nothing", fingerprint=b""),
        {KEYS},
        set(),
    ),
    Damage("made at no moment", change("bookings", "created_at = 'infinity'"), {TIMES}, set()),
    Damage(
        "changed before Christ",
        change("bookings", "updated_at = '0044-03-15 12:00Z BC'"),
        {TIMES},
        set(),
        {TIMES},
    ),
    Damage("an event of no moment", change("events", "occurred_at = '-infinity'"), {TIMES}, set()),
    Damage("a hold for ever", _hold_for_ever, {TIMES}, set()),
    Damage("a key of no moment", _key_of_no_moment, {TIMES, KEYS}, set(), {TIMES, KEYS}),
    Damage("a hold of yesterday", _old_hold, {LAPSED}, set()),
]
