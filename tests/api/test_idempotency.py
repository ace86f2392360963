"""The Idempotency-Key of a booking."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
RECIPE = Path(__file__).parents[2] / "docs" / "api" / "idempotency.md"


def _book(vendor, slot, key, auth=None, **more):
    body = {"slot_id": slot["id"], "customer": ADA, **more}
    return vendor.post("/bookings", body, auth, idempotency_key=key)


def test_a_repetition_answers_the_same_booking_and_token_and_says_so(vendor):
    slot, key = vendor.slot(), uuid.uuid4().hex
    first, again = _book(vendor, slot, key), _book(vendor, slot, key)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.json() == first.json()
    assert again.json()["manage_token"]
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


def test_quoted_and_bare_are_the_same_key(vendor):
    slot, key = vendor.slot(), uuid.uuid4().hex
    first = _book(vendor, slot, f'"{key}"').json()
    assert _book(vendor, slot, key).json() == first


def test_the_order_of_names_in_the_body_does_not_matter(vendor):
    slot, key = vendor.slot(), uuid.uuid4().hex
    first = vendor.post("/bookings", {"slot_id": slot["id"], "customer": ADA}, idempotency_key=key)
    turned = {"customer": dict(reversed(ADA.items())), "slot_id": slot["id"]}
    again = vendor.post("/bookings", turned, idempotency_key=key)
    assert again.json() == first.json()


def test_a_replay_answers_the_booking_as_it_is_now(vendor):
    slot, key = vendor.slot(), uuid.uuid4().hex
    booking = _book(vendor, slot, key).json()
    vendor.post(f"/bookings/{booking['id']}/cancel", auth=vendor.key)
    again = _book(vendor, slot, key)
    assert (again.status_code, again.json()["status"]) == (201, "cancelled")


def test_the_same_key_with_another_request_is_a_conflict(vendor, problem):
    slot, key = vendor.slot(capacity=9), uuid.uuid4().hex
    _book(vendor, slot, key)
    refused = problem(_book(vendor, slot, key, quantity=2), 409, "IDEMPOTENCY_CONFLICT")
    assert "another method, path, body or caller" in refused["detail"]
    problem(_book(vendor, slot, key, auth=vendor.key), 409, "IDEMPOTENCY_CONFLICT")
    block = {"provider_id": slot["provider_id"], "start": slot["start"], "end": slot["end"]}
    problem(
        vendor.post("/blocks", block, vendor.key, idempotency_key=key), 409, "IDEMPOTENCY_CONFLICT"
    )


def test_vendors_do_not_share_keys(vendor, new_vendor):
    key, other = uuid.uuid4().hex, new_vendor()
    first, second = _book(vendor, vendor.slot(), key), _book(other, other.slot(), key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_a_refusal_does_not_use_up_its_key(vendor, problem):
    slot, key = vendor.slot(), uuid.uuid4().hex
    rival = vendor.booked(slot_id=slot["id"])
    problem(_book(vendor, slot, key), 409, "BOOKING_CONFLICT")
    vendor.post(f"/bookings/{rival['id']}/cancel", auth=vendor.key)
    won = _book(vendor, slot, key)
    assert won.status_code == 201
    assert "Idempotency-Replayed" not in won.headers


def test_twins_in_flight_make_one_booking_even_of_the_last_place(vendor):
    slot, key, start = vendor.slot(), uuid.uuid4().hex, Barrier(5)

    def book(_: int):
        start.wait()
        return _book(vendor, slot, key)

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(book, range(5)))
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1


@pytest.mark.parametrize(
    "key",
    ["", "short", "x" * 15, "x" * 256, '"' + "x" * 15 + '"', '"' + "x" * 20, "with blanks in it 1",
     "back\\slash-back\\slash"],
)  # fmt: skip
def test_a_malformed_key_is_refused_before_anything_is_done(vendor, problem, key):
    slot = vendor.slot()
    refused = problem(_book(vendor, slot, key), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"] == "Idempotency-Key"
    vendor.booked(slot_id=slot["id"])


@pytest.mark.parametrize("length", [16, 255])
def test_keys_of_the_shortest_and_longest_length_work(vendor, length):
    slot, key = vendor.slot(), uuid.uuid4().hex.ljust(length, "~")[:length]
    first = _book(vendor, slot, f'"{key}"')
    assert first.status_code == 201, first.text
    assert _book(vendor, slot, f'"{key}"').json() == first.json()


def test_the_recipe_in_the_docs_gives_a_key_that_works(vendor):
    code = re.search(r"```python\n(.*?)```", RECIPE.read_text(), re.DOTALL).group(1)
    recipe: dict = {}
    exec(code, recipe)  # noqa: S102  # The example of our own documentation.
    body = {"slot_id": vendor.slot()["id"], "customer": ADA}
    key = recipe["idempotency_key"]("checkout-4711", body)
    assert key == recipe["idempotency_key"]("checkout-4711", dict(reversed(body.items())))
    assert key != recipe["idempotency_key"]("checkout-4712", body)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    assert key == hashlib.sha256(f"checkout-4711\n{canonical}".encode()).hexdigest()
    first = vendor.post("/bookings", body, idempotency_key=key)
    assert first.status_code == 201
    assert vendor.post("/bookings", body, idempotency_key=key).json() == first.json()
