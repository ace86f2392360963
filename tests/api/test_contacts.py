"""Names, addresses and numbers at the door: what is tidied, what is refused, who is the same."""
# ruff: noqa: RUF001  # Look-alikes are what this is about.

from __future__ import annotations

import pytest

from tests.api.conftest import ADA


def _found(vendor, query: str) -> list[str | None]:
    answer = vendor.get(f"/customers?{query}", vendor.key)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


@pytest.mark.parametrize(
    "details",
    [
        {"email": "ADA@Example.ORG"},
        {"phone": "0044 (20) 79460001"},
        {"phone": "+٤٤ ٢٠ ٧٩٤٦ ٠٠٠١"},
        {"name": "Ada\u200b Lovelace\ufeff"},
    ],
    ids=ascii,
)
def test_who_spells_the_same_details_otherwise_is_the_same_customer(vendor, details):
    known = vendor.made("/customers", {**ADA, "phone": "+44 20 7946 0001"})
    customer = {**ADA, "phone": "+44 20 7946 0001", **details}
    booking = vendor.booked(slot_id=vendor.slot()["id"], customer=customer)
    shown = {name: known[name] for name in ("id", "name", "email", "phone")}
    assert booking["customer"] == shown
    # To be spelled otherwise changes nothing of the booking, nor of the customer.
    path = f"/bookings/{booking['id']}"
    patch = vendor.call("PATCH", path, {"customer": customer}, booking["manage_token"])
    assert (patch.json()["customer"], patch.json()["version"]) == (shown, 1)


LOOK_ALIKES = [
    "ada\u200b@example.org",
    "ada@exam\u00adple.org",
    "\u2060ada@example.org",
    "ａda@example.org",
    "ada@ｅxample.org",
    "ada@example．org",
    "ada@example.org\u3164",
    "ada\ufe0f@example.org",
    '"ada"@example.org',
    "ada @example.org",
    "ada\x7f@example.org",
]


@pytest.mark.parametrize("email", LOOK_ALIKES, ids=ascii)
def test_an_address_that_only_looks_like_another_is_refused_by_name(vendor, problem, email):
    slot = vendor.slot()
    booking = {"slot_id": slot["id"], "customer": {"name": "Ada", "email": email}}
    refused = problem(vendor.post("/bookings", booking), 400, "VALIDATION_ERROR")
    assert [one["field"] for one in refused["errors"]] == ["customer.email"]
    refused = problem(
        vendor.post("/customers", {"email": email}, vendor.key), 400, "VALIDATION_ERROR"
    )
    assert [one["field"] for one in refused["errors"]] == ["email"]
    assert _found(vendor, "banned=false") == []


def test_an_address_of_another_script_is_taken_as_it_is_read(vendor):
    for sent, kept in (
        ("Jürgen@exämple.org", "Jürgen@exämple.org"),
        ("Ju\u0308rgen@XN--EXMPLE-CUA.org", "Jürgen@exämple.org"),
        ("用户@例子.广告", "用户@例子.广告"),
    ):
        customer = vendor.made("/customers", {"name": sent, "email": sent})
        assert customer["email"] == kept
    assert len(_found(vendor, "email=JÜRGEN@EXÄMPLE")) == 2


def test_a_name_keeps_what_its_script_needs_and_loses_what_nobody_sees(vendor, problem):
    for sent, kept in (
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("\u202eada\u200b ", "ada"),
        ("Ada\u2028Lovelace", "AdaLovelace"),
    ):
        assert vendor.made("/customers", {"name": sent})["name"] == kept
    nobody = {"slot_id": vendor.slot()["id"], "customer": {"name": "\u200b\u200d", "phone": "123"}}
    refused = problem(vendor.post("/bookings", nobody), 400, "VALIDATION_ERROR")
    assert refused["errors"][0]["field"] == "customer.name"


def test_a_number_is_kept_in_plain_digits(vendor):
    for sent, kept in (
        ("\u202a+49\u00a030\u2013１２３\u202c", "+49 30-123"),
        ("๐๘ ๑๒๓", "08 123"),
    ):
        assert vendor.made("/customers", {"phone": sent})["phone"] == kept
    assert _found(vendor, "phone=٠٠٤٩ ٣٠") == [None]
    assert _found(vendor, "q=＋４９ ３０") == [None]
