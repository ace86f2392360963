"""Whoever runs what the repair plan suggests has mended it."""

from __future__ import annotations

import psycopg
import pytest

from app.consistency.repair import as_script
from tests.consistency.alterations import ALTERATIONS, LAWS
from tests.consistency.repairs import plan, run

HALF = "occupying_bookings_have_their_claims"
# What only a person can mend: the plan says what to look at, or that a backup is needed.
BY_HAND = {
    "a generated column that says otherwise",
    "a generated column that is none",
    "a default lost",
    "a column of another type",
    "a column renamed",
    "a type with one field more",
    "keys turned off for the database",
    "keys turned off for the owner",
    "keys turned off here",
    "names that the application finds elsewhere",
    "names that the owner finds elsewhere",
    "names that all find elsewhere",
    "the seal broken",
    "a line of the seal lost",
    "a law broken and the seal changed to fit",
    "the law of places lost together with the seal",
    "a law lost and what is left sealed",
    "a law asleep and that sealed",
    "a law's triggers put to sleep and sealed",
    "a law that says nothing, sealed",
    "an exclusion of no rows, sealed",
    "a law opened by NULL, sealed",
    "an owner of a table",
    "an index that was never finished",
}


@pytest.mark.parametrize(
    "statement",
    [pytest.param(statement, id=name) for name, statement, _ in ALTERATIONS if name not in BY_HAND],
)
def test_an_altered_schema_is_as_it_was_once_the_plan_is_run(module_database, statement):
    with (
        psycopg.connect(module_database.superuser_url, autocommit=True) as superuser,
        superuser.transaction(force_rollback=True),
    ):
        superuser.execute(statement)
        repairs = plan(superuser)
        assert repairs
        assert all(repair.statements for repair in repairs)
        run(superuser, repairs)
        assert plan(superuser) == []


def test_every_alteration_has_words_at_least(module_database):
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        for _, statement, _ in ALTERATIONS:
            with superuser.transaction(force_rollback=True):
                superuser.execute(statement)
                script = as_script(plan(superuser))
            assert len(script.splitlines()) > 5


def test_hidden_rows_are_shown_before_anything_that_seems_to_lack_them_is_mended(
    shop, module_database
):
    shop.book(shop.slot())
    with (
        psycopg.connect(module_database.superuser_url, autocommit=True) as superuser,
        superuser.transaction(force_rollback=True),
    ):
        superuser.execute(
            "ALTER TABLE claims ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
            " CREATE TABLE a_child () INHERITS (claims)"
        )
        repairs = plan(superuser)
        script = as_script(repairs)
        assert {repair.check_name for repair in repairs} == {HALF, LAWS}
        assert repairs[0].offender["kind"] == "row security"
        assert script.index("hidden") < script.index("NO FORCE ROW LEVEL SECURITY")
        assert script.index("NO FORCE") < script.index("cancel_booking")
        run(superuser, [repair for repair in repairs if repair.check_name == LAWS])
        assert plan(superuser) == []


@pytest.mark.parametrize("lost", ["", " WHERE kind = 'trigger'", " WHERE kind = 'seal'"])
def test_a_seal_that_is_lost_leads_nobody_to_drop_a_law(module_database, lost):
    with (
        psycopg.connect(module_database.superuser_url, autocommit=True) as superuser,
        superuser.transaction(force_rollback=True),
    ):
        superuser.execute(f"DELETE FROM schema_seal{lost}")
        repairs = plan(superuser)
        assert {repair.offender["kind"] for repair in repairs} == {"seal"}
        assert all(line.startswith("-- ") for one in repairs for line in one.statements)
