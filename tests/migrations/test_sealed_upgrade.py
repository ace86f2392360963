"""What was put in between stays a finding across the revision that is the first to look for it."""

from __future__ import annotations

import psycopg

from app import migrate
from tests.shop import Shop, at

NEWEST = migrate.newest_revision()
CHILDREN = "SELECT name, expected, found FROM find_schema_changes() WHERE kind = 'child'"


def test_a_table_that_inherits_from_ours_since_before_0004_is_found_after_it(database):
    migrate.downgrade(database.owner_url, "0003_calendars")
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE mine () INHERITS (claims)")
        migrate.upgrade(database.owner_url)
        found = owner.execute(CHILDREN).fetchall()
        assert found == [("claims.mine", None, "inherits")]
        owner.execute("ALTER TABLE mine NO INHERIT claims")
        assert owner.execute(CHILDREN).fetchall() == []


def test_time_closed_beyond_its_slot_by_0004_is_the_slots_own_after_it(database):
    migrate.downgrade(database.owner_url, "0004_upkeep")
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        shop = Shop(owner, owner)
        schedule = shop.insert(
            "schedules", provider_id=shop.provider_id, valid_from="2026-01-01", weekly="{}"
        )
        slot = shop.slot()
        owner.execute(
            "UPDATE slots SET schedule_id = %s, closed = tstzmultirange(tstzrange(%s, %s))",
            [schedule, at(0), at(9.5)],
        )
        shop.book(shop.slot(14, 15))
        migrate.upgrade(database.owner_url)
        found = owner.execute("SELECT during, closed FROM slots WHERE id = %s", [slot])
        ((during, closed),) = found.fetchall()
        assert [(closed[0].lower, closed[0].upper)] == [(during.lower, at(9.5))]
        assert shop.violations() == []


def test_keys_that_said_nothing_before_0005_are_no_findings_after_it(database):
    migrate.downgrade(database.owner_url, "0004_upkeep")
    key = ["0198c5a0-0000-7000-8000-000000000000", "an import of a calendar"]
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        remember = "SELECT outcome FROM remember_idempotency_key(%s, %s, 'x', '{}')"
        assert owner.execute(remember, key).fetchone() == ("NEW",)
        migrate.upgrade(database.owner_url)
        assert owner.execute(remember, key).fetchone() == ("REPLAY",)
        assert owner.execute(remember, [key[0], "another such import"]).fetchone() == ("NEW",)
        found = owner.execute("SELECT violations FROM find_keys_to_nowhere(NULL, NULL)").fetchone()
        assert found == (0,)


def test_what_was_altered_before_0006_is_a_finding_after_it_in_words(database):
    migrate.downgrade(database.owner_url, "0005_hardening")
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        shop = Shop(owner, owner)
        shop.book(shop.slot())
        owner.execute("ALTER TABLE api_keys SET UNLOGGED")
        assert migrate.upgrade(database.owner_url) == ("0005_hardening", NEWEST)
        (found,) = shop.violations()
        assert found["offenders"] == [
            {
                "kind": "table",
                "name": "api_keys",
                "expected": "table, logged, of the owner",
                "found": "table, unlogged: a crash empties it, of the owner",
            }
        ]
