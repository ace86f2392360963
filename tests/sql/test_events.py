"""Every change writes one event, in the booking's own order, without anybody's personal data."""

from __future__ import annotations

from datetime import timedelta

from tests.shop import at

ACTOR = {"type": "customer", "id": "visitor-7", "request_id": "request-9"}


def life_of_a_booking(shop):
    """A booking that went through every move there is a function for; its id."""
    booking_id = shop.book(shop.slot(), hold_for=timedelta(minutes=5), actor=ACTOR)
    shop.move("confirm_booking", booking_id, actor=ACTOR)
    for function in ("complete_booking", "mark_no_show"):
        shop.move(function, booking_id)
    for function in ("confirm", "cancel", "confirm"):
        shop.move(f"{function}_booking", booking_id)
    return booking_id


def test_the_history_numbers_every_change_without_a_gap_and_retells_the_status(shop):
    booking_id = life_of_a_booking(shop)
    events, booking = shop.events(booking_id), shop.booking(booking_id)
    kinds = ["held", "confirmed", "completed", "no_show", "confirmed", "cancelled", "confirmed"]
    assert [event["kind"] for event in events] == kinds
    assert [event["sequence"] for event in events] == list(range(1, len(kinds) + 1))
    assert booking["version"] == len(kinds)
    status = None
    for event in events:
        assert event["changes"]["status"] == {"from": status, "to": event["kind"]}
        status = event["changes"]["status"]["to"]
    assert status == booking["status"]


def test_the_first_event_says_what_was_booked(shop):
    nights = shop.nights(2, capacity=3)
    booking_id = shop.book(*nights, quantity=2)
    (event,) = shop.events(booking_id)
    assert {name: change["to"] for name, change in event["changes"].items()} == {
        "status": "confirmed",
        "kind": "appointment",
        "slot_ids": [str(night) for night in nights],
        "start": "2040-01-02T15:00:00Z",
        "end": "2040-01-04T11:00:00Z",
        "quantity": 2,
    }


def test_an_event_says_who_acted_and_in_which_request_and_nothing_more(shop):
    actor = ACTOR | {"email": "ada@secret.example"}
    booking_id = shop.book(shop.slot(), actor=actor)
    (event,) = shop.events(booking_id)
    assert event["actor"] == {"type": "customer", "id": "visitor-7"}
    assert event["request_id"] == "request-9"
    shop.move("cancel_booking", booking_id)
    assert shop.events(booking_id)[1]["actor"] == {"type": "system", "id": None}


def test_an_event_belongs_to_the_transaction_that_made_the_change(shop):
    booking_id = shop.book(shop.slot())
    with shop.app.transaction():
        shop.move("cancel_booking", booking_id)
        current = shop.app.execute("SELECT pg_current_xact_id()::text").fetchone()[0]
    numbers = shop.rows(
        "SELECT transaction_id::text AS number FROM events"
        " WHERE vendor_id = %s AND booking_id = %s ORDER BY sequence",
        booking_id,
    )
    assert numbers[1]["number"] == current
    assert numbers[0]["number"] != current


def test_events_and_keys_hold_no_personal_data(shop):
    slot = shop.slot(9, 17, capacity=9)
    details = {
        "customer": {"name": "Ada Secret", "email": "ada@secret.example", "phone": "+39 7777777"},
        "notes": "secret allergy", "internal_notes": "secret debt", "metadata": {"secret": 7777777},
        "channel": "secret channel",
    }  # fmt: skip
    booking_id = shop.book(slot, details=details, idempotency_key="a key of the test, no 1")
    shop.move("cancel_booking", booking_id)
    shop.call("block_time", provider_id=shop.provider_id, start=at(12), end=at(13),
              reason="secret reason", quantity=1)  # fmt: skip
    everything = shop.everything()
    assert "secret" in str(everything["customers"]).lower()
    for table in ("events", "idempotency_keys", "slots", "claims"):
        assert "secret" not in str(everything[table]).lower()
        assert "7777777" not in str(everything[table])


def test_what_changes_nothing_writes_no_event(shop):
    slot = shop.slot(capacity=2)
    request = {"idempotency_key": "a key of the test, no 1"}
    booking_id = shop.book(slot, **request)
    shop.claim(slot, **request)
    shop.claim(slot, quantity=5)
    shop.move("confirm_booking", booking_id)
    shop.move("cancel_booking", booking_id, expected_version=8)
    assert len(shop.events(booking_id)) == 1
    assert len(shop.rows("SELECT FROM events WHERE vendor_id = %s")) == 1
