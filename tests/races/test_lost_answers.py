"""The answer is lost on its way: the same request with the same key finds out what became of it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from tests.clients import HttpClient
from tests.cutting_proxy import CuttingProxy
from tests.racing import SERVER

KEY = "a-key-for-a-bad-connection"


@pytest.fixture
def proxy(arena):
    with CuttingProxy(arena.server.url) as running:
        yield running


@pytest.fixture
def far_client(arena, proxy):
    """A client on the other side of the proxy."""
    client = HttpClient(proxy.url, arena.slug, arena.api_key)
    yield client
    client.close()


@pytest.mark.parametrize("pass_on", [0, 20, 300])
def test_a_booking_whose_answer_is_lost_is_found_again_with_its_key(
    arena, proxy, far_client, pass_on
):
    slot = arena.shop.slot()
    proxy.pass_on = pass_on
    with pytest.raises((OSError, HTTPException)):
        far_client.book(slot, key=KEY)
    assert proxy.cut == 1
    (made,) = arena.bookings()
    (near_client,) = arena.http()
    near_client.customer = far_client.customer
    again = near_client.book(slot, key=KEY)
    assert (again.status, again.code, again.replayed) == (201, "CONFIRMED", True)
    assert again.booking_id == made
    # What only an answer to its maker contains, a replay contains too.
    assert again.body["manage_token"].startswith("mt_")
    assert arena.bookings() == {made: "confirmed"}
    arena.sweep()


def test_many_lost_answers_in_a_row_still_make_one_booking(arena, proxy, far_client):
    slot = arena.shop.slot(capacity=10)
    proxy.pass_on = 0
    for _ in range(5):
        with pytest.raises((OSError, HTTPException)):
            far_client.book(slot, key=KEY)
    proxy.pass_on = None
    answer = far_client.book(slot, key=KEY)
    assert (answer.status, answer.replayed) == (201, True)
    assert arena.bookings() == {answer.booking_id: "confirmed"}
    arena.sweep()


def test_who_asks_again_while_the_first_request_is_under_way_gets_the_same_booking(
    arena, proxy, far_client
):
    slot = arena.shop.slot()
    (near_client,) = arena.http()
    near_client.customer = far_client.customer
    with ThreadPoolExecutor(1) as thread:
        with arena.held(slot) as holder:
            far_client.begin_to_book(slot, key=KEY)
            arena.wait_for_waiters(Counter({SERVER: 1}), holder)
            proxy.cut_all()
            with pytest.raises((OSError, HTTPException)):
                far_client.answer()
            again = thread.submit(near_client.book, slot, key=KEY)
            arena.wait_for_waiters(Counter({SERVER: 2}), holder, [again])
        answer = again.result()
    assert (answer.status, answer.code, answer.replayed) == (201, "CONFIRMED", True)
    assert arena.bookings() == {answer.booking_id: "confirmed"}
    arena.sweep()
