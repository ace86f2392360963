"""What was put in between stays a finding across the revision that is the first to look for it."""

from __future__ import annotations

import psycopg

from app import migrate

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


def test_keys_that_said_nothing_before_0004_are_no_findings_after_it(database):
    migrate.downgrade(database.owner_url, "0003_calendars")
    key = ["0198c5a0-0000-7000-8000-000000000000", "an import of a calendar"]
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        remember = "SELECT outcome FROM remember_idempotency_key(%s, %s, 'x', '{}')"
        assert owner.execute(remember, key).fetchone() == ("NEW",)
        migrate.upgrade(database.owner_url)
        assert owner.execute(remember, key).fetchone() == ("REPLAY",)
        assert owner.execute(remember, [key[0], "another such import"]).fetchone() == ("NEW",)
        found = owner.execute("SELECT violations FROM find_keys_to_nowhere(NULL, NULL)").fetchone()
        assert found == (0,)
