"""NULL opens every law: a foreign key skips it, a CHECK passes it, an EXCLUDE ignores it.

It is refused by NOT NULL (23502), or before that by a domain that does not take it (23514).
"""

from __future__ import annotations

import pytest

from tests import raw
from tests.shop import TRUTH

CLAIMS = {
    "vendor_id", "booking_id", "ordinal", "claim_count", "booking_occupying", "quantity", "slot_id",
    "provider_id", "slot_during", "slot_capacity", "during", "units",
}  # fmt: skip
BOOKINGS = {
    "vendor_id", "id", "kind", "status", "quantity", "claim_count", "provider_id", "location_id",
    "slot_ids", "during", "metadata", "token_version", "version", "created_at", "updated_at",
    "buffer_before_minutes", "buffer_after_minutes",
}  # fmt: skip
SLOTS = {
    "vendor_id", "id", "provider_id", "location_id", "during", "capacity", "version", "created_at",
    "updated_at",
}  # fmt: skip
COLUMNS = [("claims", c) for c in sorted(CLAIMS)]
COLUMNS += [("bookings", c) for c in sorted(BOOKINGS)]
COLUMNS += [("slots", c) for c in sorted(SLOTS)]


def columns_of(owner, table):
    """Column name -> (is NOT NULL, is generated) from the catalog."""
    found = owner.execute(
        "SELECT attname, attnotnull, attgenerated <> '' FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [table],
    )
    return {name: (not_null, generated) for name, not_null, generated in found}


def test_every_column_of_claims_but_previous_ordinal_is_not_null(module_owner):
    columns = columns_of(module_owner, "claims")
    assert {name for name, (not_null, _) in columns.items() if not not_null} == {"previous_ordinal"}
    assert columns.keys() == CLAIMS | {"previous_ordinal"}


def test_the_columns_of_bookings_that_the_laws_rest_on_are_not_null(module_owner):
    columns = columns_of(module_owner, "bookings")
    not_null = {name for name, (is_not_null, _) in columns.items() if is_not_null}
    assert not_null >= {"status", "occupying", "quantity", "claim_count"}
    assert not_null == BOOKINGS | {"occupying"}


def test_every_column_of_a_primary_or_exclusion_key_is_not_null(module_owner):
    loose = module_owner.execute(
        "SELECT c.conname, a.attname FROM pg_constraint c, unnest(c.conkey) AS key (attnum)"
        " JOIN pg_attribute a ON a.attnum = key.attnum"
        " WHERE a.attrelid = c.conrelid AND NOT a.attnotnull"
        " AND c.connamespace = 'public'::regnamespace AND c.contype IN ('p', 'x')"
    ).fetchall()
    assert loose == []


@pytest.mark.parametrize("table, column", COLUMNS, ids=[f"{t}.{c}" for t, c in COLUMNS])
def test_null_is_refused_by_an_update(shop, refused, table, column):
    shop.book(shop.slot())
    with refused("23502", "23514"):
        shop.owner.execute(
            f"UPDATE {table} SET {column} = NULL WHERE vendor_id = %s", [shop.vendor_id]
        )


@pytest.mark.parametrize("column", sorted(CLAIMS))
def test_null_is_refused_in_a_new_claim(shop, refused, column):
    slot = shop.slot()
    with refused("23502", "23514"):
        raw.book(shop.owner, shop, slot, claim={column: None})


@pytest.mark.parametrize("column", sorted(BOOKINGS))
def test_null_is_refused_in_a_new_booking(shop, refused, column):
    slot = shop.slot()
    with refused("23502", "23514"):
        raw.book(shop.owner, shop, slot, booking={column: None}, ordinals=())


@pytest.mark.parametrize("column", sorted(SLOTS))
def test_null_is_refused_in_a_new_slot(shop, refused, column):
    row = {
        "vendor_id": shop.vendor_id,
        "provider_id": shop.provider_id,
        "location_id": shop.location_id,
        "during": "[2040-01-02T09:00Z,2040-01-02T10:00Z)",
        "capacity": 1,
    }
    with refused("23502", "23514"):
        raw.insert(shop.owner, "slots", row | {column: None})


@pytest.mark.parametrize("table", TRUTH)
def test_what_the_catalog_says_is_not_null_can_hold_no_null(shop, refused, table):
    shop.book(shop.slot(), idempotency_key="a key for the test")
    columns = columns_of(shop.owner, table)
    not_null = [name for name, (is_not_null, made) in columns.items() if is_not_null and not made]
    # Events refuse every update, so there an insert has to show it.
    statement = "INSERT INTO events ({}) VALUES (NULL)" if table == "events" else None
    for column in not_null:
        with refused("23502", "23514"):
            shop.owner.execute(
                statement.format(column) if statement else f"UPDATE {table} SET {column} = NULL"
            )
    assert "vendor_id" in not_null
