"""Who spells an address or a number otherwise is still banned, counted, found and the same."""
# ruff: noqa: RUF001  # Look-alikes are what this is about.

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

ADA = {"name": "Ada Lovelace", "email": "ada@straße.example", "phone": "+44 20 7946 0001"}
PUBLIC = {"type": "customer"}
SPELLINGS = [
    {"email": "ADA@STRAẞE.example"},
    {"email": "ada@strasse.EXAMPLE"},
    {"email": "a\u200bda@straße.example"},
    {"email": "ada\u00ad@straße\u2060.example"},
    {"email": "ada@straße.ｅｘａｍｐｌｅ"},
    {"email": "\u202eada@straße.example\u202c"},
    {"email": "ada\ufe0f@straße.example\U000e0061"},
    {"email": "𝐚𝐝𝐚@straße.example"},
    {"phone": "00442079460001"},
    {"phone": "+44\u200b20\u00a07946\u20110001"},
    {"phone": "＋４４２０７９４６０００１"},
    {"phone": "+٤٤ ٢٠ ٧٩٤٦ ٠٠٠١"},
    {"phone": "+۴۴ ۲۰ ۷۹۴۶ ۰۰۰۱"},
    {"phone": "+४४ २० ७९४६ ०००१"},
]
NOBODY = [{"email": "\u200b\u200b\u200b"}, {"phone": "---"}]


def public(customer) -> dict:
    return {"details": Jsonb({"customer": {"name": "Somebody", **customer}}), "actor": PUBLIC}


def ban_everybody(shop) -> None:
    shop.owner.execute(
        "UPDATE customers SET banned_at = now() WHERE vendor_id = %s", [shop.vendor_id]
    )


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_a_ban_holds_for_every_spelling(shop, spelling):
    shop.insert("customers", **ADA)
    ban_everybody(shop)
    assert shop.claim(shop.slot(), **public(spelling))["outcome"] == "CUSTOMER_BANNED"


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_open_bookings_are_counted_for_every_spelling(shop, spelling):
    shop.owner.execute("UPDATE vendors SET open_bookings_max = 1 WHERE id = %s", [shop.vendor_id])
    assert shop.claim(shop.slot(9, 10), **public(ADA))["outcome"] == "CONFIRMED"
    another = shop.slot(10, 11)
    assert shop.claim(another, **public(spelling))["outcome"] == "BOOKING_LIMIT_REACHED"
    assert shop.claim(another, **public({"email": "a@example.org"}))["outcome"] == "CONFIRMED"


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_two_spellings_of_one_contact_are_counted_one_after_another(shop, sessions, spelling):
    shop.owner.execute("UPDATE vendors SET open_bookings_max = 1 WHERE id = %s", [shop.vendor_id])
    first, second = sessions.app(), sessions.app()
    slots = [shop.slot(9, 10), shop.slot(10, 11)]
    first.connection.execute("BEGIN")
    assert first.claim(slots[0], **public(ADA))["outcome"] == "CONFIRMED"
    rival = second.begin_and_wait_for_lock(second.claim, slots[1], **public(spelling))
    first.connection.execute("COMMIT")
    assert rival.result()["outcome"] == "BOOKING_LIMIT_REACHED"


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_every_spelling_finds_the_customer_and_joins_them(shop, spelling):
    ada = shop.insert("customers", **ADA)
    assert [row["id"] for row in shop.call("list_customers", **spelling)] == [ada]
    (contact,) = spelling.values()
    assert [row["id"] for row in shop.call("list_customers", any=contact)] == [ada]
    booking = shop.book(shop.slot(), details=Jsonb({"customer": {**ADA, **spelling}}))
    assert shop.booking(booking)["customer_id"] == ada
    assert shop.rows("SELECT name, email, phone FROM customers WHERE vendor_id = %s") == [ADA]


def test_of_several_who_are_alike_the_one_in_these_very_words_is_joined(shop):
    shop.insert("customers", name="Ada", email="ADA@example.org")
    exact = shop.insert("customers", name="Ada", email="ada@example.org")
    details = Jsonb({"customer": {"name": "Ada", "email": "ada@example.org"}})
    assert shop.booking(shop.book(shop.slot(), details=details))["customer_id"] == exact


@pytest.mark.parametrize("nothing", NOBODY, ids=ascii)
def test_contacts_of_which_nothing_is_left_are_not_all_one(shop, nothing):
    shop.insert("customers", name="Nobody", **nothing)
    ban_everybody(shop)
    assert shop.claim(shop.slot(), **public(nothing))["outcome"] == "CONFIRMED"


@pytest.mark.parametrize(
    "other", [{"email": "adа@straße.example"}, {"email": "àda@straße.example"}], ids=ascii
)
def test_letters_that_are_others_make_another_address(shop, other):
    shop.insert("customers", **ADA)
    ban_everybody(shop)
    assert shop.claim(shop.slot(), **public(other))["outcome"] == "CONFIRMED"
