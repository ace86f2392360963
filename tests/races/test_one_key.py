"""Identical requests with one Idempotency-Key, all at once, make one booking."""

from __future__ import annotations

import uuid

import pytest

from tests.racing import codes

KEY = "one-key-for-all-of-these"
HEADERS_OF_ONE_REQUEST = {"idempotency-replayed", "x-request-id", "date", "content-length"}


def same_customer(clients):
    """The same request, caller and all, on every one of these connections."""
    for client in clients:
        client.customer = clients[0].customer
    return clients


@pytest.mark.parametrize("capacity", [1, 10])
def test_five_identical_requests_with_one_key_make_one_booking_and_five_equal_answers(
    arena, capacity
):
    slot = arena.shop.slot(capacity=capacity)
    clients = same_customer(arena.http(5))
    answers = arena.race(
        [(client, lambda client=client: client.book(slot, key=KEY)) for client in clients], slot
    )
    assert [answer.status for answer in answers] == [201] * 5
    assert sorted(answer.replayed for answer in answers) == [False, True, True, True, True]
    assert all(answer.body == answers[0].body for answer in answers)
    assert all(
        answer.headers[name] == answers[0].headers[name]
        for answer in answers
        for name in answers[0].headers.keys() - HEADERS_OF_ONE_REQUEST
    )
    assert arena.bookings() == {answers[0].booking_id: "confirmed"}
    assert len(arena.shop.events(answers[0].booking_id)) == 1
    arena.sweep()


def test_five_identical_calls_of_the_function_with_one_key_make_one_booking(arena):
    slot = arena.shop.slot()
    clients = arena.sql(5)
    answers = arena.race(
        [(client, lambda client=client: client.book(slot, key=KEY)) for client in clients], slot
    )
    assert codes(answers) == {"CONFIRMED": 5}
    assert list(arena.bookings()) == [answers[0].booking_id]
    arena.sweep()


def test_five_identical_requests_for_the_last_place_among_five_strangers(arena):
    """The strangers may win; then the five hear so, all alike, and the key is not used up."""
    slot = arena.shop.slot()
    twins, strangers = same_customer(arena.http(5)), arena.sql(5)
    racers = [(client, lambda client=client: client.book(slot, key=KEY)) for client in twins]
    racers += [(client, lambda client=client: client.book(slot)) for client in strangers]
    answers = arena.race(racers, slot)
    of_twins = codes(answers[:5])
    assert of_twins in ({"CONFIRMED": 5}, {"BOOKING_CONFLICT": 5})
    assert codes(answers[5:])["CONFIRMED"] == (0 if of_twins["CONFIRMED"] else 1)
    (booking_id,) = arena.bookings()
    assert {a.booking_id for a in answers if a.code == "CONFIRMED"} == {booking_id}
    keys = arena.shop.rows("SELECT booking_id FROM idempotency_keys WHERE vendor_id = %s")
    assert keys == [{"booking_id": booking_id}] * (of_twins["CONFIRMED"] == 5)
    arena.sweep()


def test_one_key_with_two_different_requests_at_once_serves_one_of_them(arena):
    slot = arena.shop.slot(capacity=10)
    clients = same_customer(arena.http(6))
    answers = arena.race(
        [
            (
                client,
                lambda client=client, number=number: client.book(slot, key=KEY, guests=number % 2),
            )
            for number, client in enumerate(clients)
        ],
        slot,
    )
    assert codes(answers) == {"CONFIRMED": 3, "IDEMPOTENCY_CONFLICT": 3}
    winners = [answer for answer in answers if answer.code == "CONFIRMED"]
    assert {answer.body["guests"] for answer in winners} == {winners[0].body["guests"]}
    assert sorted(answer.replayed for answer in winners) == [False, True, True]
    assert arena.bookings() == {winners[0].booking_id: "confirmed"}
    arena.sweep()


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(arena):
    slot = arena.shop.slot(capacity=2)
    (client,) = arena.http()
    first = client.book(slot, key=KEY)
    with arena.shop.unchanged():
        other = client.book(slot, key=KEY, quantity=2)
        again = client.book(slot, key=KEY)
    assert (other.status, other.code) == (409, "IDEMPOTENCY_CONFLICT")
    assert (again.status, again.replayed, again.body) == (201, True, first.body)
    arena.sweep()


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_ten_keys_sent_five_times_each_for_ten_places_fill_them_once(arena, way):
    slot = arena.shop.slot(capacity=10)
    clients = arena.crowd(way, 50)
    keys = [str(uuid.UUID(int=number)) for number in range(10)]
    for client in clients:
        client.customer = {"name": "Ada", "email": "ada@example.org"}
    # Ten in a row share no key; the same key comes five times through the same kind of client.
    answers = arena.race(
        [
            (client, lambda client=client, key=keys[number % 10]: client.book(slot, key=key))
            for number, client in enumerate(clients)
        ],
        slot,
    )
    assert codes(answers) == {"CONFIRMED": 50}
    for number in range(10):
        assert len({answer.booking_id for answer in answers[number::10]}) == 1
    assert len(arena.bookings()) == 10
    arena.sweep()
