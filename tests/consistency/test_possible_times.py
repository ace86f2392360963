"""Times that no program can read are found in whatever column somebody wrote them into."""

from __future__ import annotations

import psycopg
import pytest

from tests.consistency.busy import have_a_busy_day
from tests.consistency.repairs import plan, run
from tests.damage import loosen
from tests.rota import Rota
from tests.shop import Shop

CHECK = "times_are_possible"
COLUMNS = """
    SELECT c.relname, a.attname, COALESCE(NULLIF(t.typbasetype, 0), t.oid)::regtype::text
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      -- Operators' keys are no vendor's, and when a week was looked at no program reads.
      AND c.relname NOT IN ('operator_keys', 'schedule_publishings')
      AND COALESCE(NULLIF(t.typbasetype, 0), t.oid)::regtype::text
          IN ('timestamp with time zone', 'date', 'tstzrange', 'tstzmultirange')
    ORDER BY 1, 2
"""
LONG_AGO = "0044-03-15 12:00Z BC"
IMPOSSIBLE = {
    "timestamp with time zone": ["infinity", "-infinity", LONG_AGO, "10000-01-01 00:00Z"],
    "date": ["infinity", "0044-03-15 BC", "100000-01-01"],
    "tstzrange": [f'["{LONG_AGO}",2040-01-02 12:00Z)', "[2040-01-02 12:00Z,infinity)"],
    "tstzmultirange": [f'{{["{LONG_AGO}",2040-01-02 12:00Z)}}'],
}


@pytest.fixture(scope="module")
def vendor(module_database):
    """A superuser's connection, without laws, to a vendor who has a row in every table."""
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        shop = Shop(superuser, superuser)
        have_a_busy_day(shop)
        shop.insert(
            "api_keys", name="till", key_hash=shop.vendor_id.bytes * 2, prefix="k", scope="read"
        )
        shop.insert(
            "schedule_exceptions",
            provider_id=shop.provider_id,
            starts_on="2040-01-02",
            ends_on="2040-01-02",
            kind="closed",
        )
        loosen(superuser)
        yield shop, superuser.execute(COLUMNS).fetchall()


def test_it_is_found_in_every_column_and_a_moment_is_mended(vendor):
    shop, columns = vendor
    assert len(columns) > 35
    for table, column, kind in columns:
        of = "id" if table == "vendors" else "vendor_id"
        for value in IMPOSSIBLE[kind]:
            with shop.owner.transaction(force_rollback=True):
                shop.owner.execute(
                    f"UPDATE {table} SET {column} = %s WHERE ctid = ("
                    f"SELECT ctid FROM {table} WHERE {of} = %s LIMIT 1)",
                    [value, shop.vendor_id],
                )
                repairs = plan(shop.owner, shop.vendor_id, [CHECK])
                found = {(one.offender["table"], one.offender["column"]) for one in repairs}
                assert found == {(table, column)}, value
                assert all(one.offender["value"].strip("-")[:4] in value for one in repairs)
                run(shop.owner, repairs)
                mended = kind == "timestamp with time zone" and table != "events"
                assert (plan(shop.owner, shop.vendor_id, [CHECK]) == []) == mended
    assert plan(shop.owner, shop.vendor_id, [CHECK]) == []


def test_what_lies_far_away_but_can_be_told_is_no_finding(vendor):
    shop, _ = vendor
    Rota(shop)
    for moment in ("0001-01-01 00:00Z", "9999-12-31 23:59:59.999999Z"):
        with shop.owner.transaction(force_rollback=True):
            shop.owner.execute(
                "UPDATE bookings SET created_at = %s WHERE vendor_id = %s", [moment, shop.vendor_id]
            )
            shop.owner.execute(
                "UPDATE schedules SET valid_from = %s WHERE vendor_id = %s",
                [moment[:10], shop.vendor_id],
            )
            assert plan(shop.owner, shop.vendor_id, [CHECK]) == []
