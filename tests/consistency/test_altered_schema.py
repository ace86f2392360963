"""What somebody alters in schema, functions and rights is found, under its name and no other."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext

from app.config import sqlalchemy_url
from migrations.seal import sealing
from tests.consistency.alterations import ALTERATIONS, HARMLESS, LAWS

CHANGES = "SELECT kind, name FROM find_schema_changes() ORDER BY 1, 2"


@pytest.fixture(scope="module")
def superuser(module_database):
    with psycopg.connect(module_database.superuser_url, autocommit=True) as connection:
        yield connection


def failed_checks(connection):
    rows = connection.execute("SELECT * FROM verify_booking_slot_consistency()").fetchall()
    assert len(rows) == 16
    return {name: offenders for name, status, _, offenders in rows if status == "FAIL"}


@pytest.mark.parametrize(
    "statement, checks",
    [pytest.param(statement, checks, id=name) for name, statement, checks in ALTERATIONS],
)
def test_an_alteration_is_found_by_its_check_and_no_other(superuser, statement, checks):
    with superuser.transaction(force_rollback=True):
        superuser.execute(statement)
        found = failed_checks(superuser)
        assert found.keys() == checks, found
        for offenders in found.values():
            for offender in offenders:
                assert offender["name"]
                assert offender["expected"] != offender["found"]
    assert failed_checks(superuser) == {}


@pytest.mark.parametrize("statement", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_an_operators_own_business_is_no_finding(superuser, statement):
    with superuser.transaction(force_rollback=True):
        superuser.execute(statement)
        assert failed_checks(superuser) == {}


def test_the_offender_says_what_was_expected_and_what_is_there(superuser):
    with superuser.transaction(force_rollback=True):
        superuser.execute(dict((n, s) for n, s, _ in ALTERATIONS)["a weaker check"])  # noqa: C402
        (offender,) = failed_checks(superuser)[LAWS]
    assert offender == {
        "kind": "constraint",
        "name": "claims.claims_inside_slot",
        "expected": "CHECK (((during)::tstzrange <@ slot_during))",
        "found": "CHECK (((during)::tstzrange && slot_during))",
    }


def test_a_migration_does_not_make_lawful_what_was_altered_before_it(database):
    engine = sa.create_engine(sqlalchemy_url(database.owner_url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in (
            "ALTER TABLE claims DROP CONSTRAINT claims_inside_slot",
            "ALTER TABLE claims ALTER COLUMN units DROP NOT NULL",
            "CREATE RULE mine AS ON DELETE TO claims DO INSTEAD NOTHING",
            "CREATE TABLE mine () INHERITS (claims)",
        ):
            connection.exec_driver_sql(statement)
        before = connection.exec_driver_sql(CHANGES).fetchall()
        assert len(before) == 5, "constraint, rule, child, and NOT NULL as column and constraint"
        with sealing(MigrationContext.configure(connection), connection):
            for statement in (
                "UPDATE alembic_version SET version_num = 'next'",
                "ALTER TABLE vendors ADD COLUMN motto text",
                "ALTER TABLE claims ALTER COLUMN units SET NOT NULL",
            ):
                connection.exec_driver_sql(statement)
        left = connection.exec_driver_sql(CHANGES).fetchall()
        assert [tuple(row) for row in left] == [
            ("child", "claims.mine"),
            ("constraint", "claims.claims_inside_slot"),
            ("rule", "claims.mine"),
        ]
        connection.exec_driver_sql("ALTER TABLE vendors DROP COLUMN motto")
        assert len(connection.exec_driver_sql(CHANGES).fetchall()) == 4


def test_a_migration_that_does_nothing_seals_nothing(database):
    engine = sa.create_engine(sqlalchemy_url(database.owner_url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE claims DROP CONSTRAINT claims_inside_slot")
        with sealing(MigrationContext.configure(connection), connection):
            pass
        assert len(connection.exec_driver_sql(CHANGES).fetchall()) == 1
