"""Whoever runs what the repair plan suggests has mended it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from app.consistency.checks import OF_DATA
from app.consistency.queries import Report, Result
from app.consistency.repair import as_script, plan_repairs
from chaos.sweep import sweep
from tests.consistency.alterations import ALTERATIONS
from tests.damage import DAMAGES, loosen
from tests.shop import Shop

VERIFY = "SELECT * FROM verify_booking_slot_consistency(%s)"
# What only a person can mend: the plan says what to look at, or that a backup is needed.
BY_HAND = {
    "a generated column that says otherwise",
    "a generated column that is none",
    "a default lost",
    "a column of another type",
    "a column renamed",
    "rows hidden",
    "a table that a crash empties",
    "a table given away",
    "a view that reads with other rights",
    "a type with one field more",
    "keys turned off for the database",
    "keys turned off for the owner",
    "keys turned off here",
    "the seal broken",
    "a line of the seal lost",
    "a law broken and the seal changed to fit",
    "a function given away",
    "a function of another cost",
    "an owner of a table",
    "keys given away",
    "a function given to the application",
    "one whose triggers sleep",
    "an index that was never finished",
}
# A claim that does not fit is for the two parties to speak about.
MENDED = {
    "cancelled but claiming",
    "another shape of the slot",
    "a unit claimed twice",
    "never claimed",
    "the first night lost",
    "a middle night lost",
    "the last night lost",
    "all nights lost",
    "a version nobody wrote an event for",
    "an event of another story",
    "a later start than its claims",
    "a buffer that nobody claimed",
    "another order of slots",
    "a place that never was",
    "an unknown customer and service",
    "the calendar's owner deleted",
    "a key to nowhere",
    "a hold of yesterday",
    "slots that overlap",
}


def plan(connection, vendor_id=None):
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(VERIFY, [vendor_id]).fetchall()
    results = [Result(**row, seconds=0) for row in rows]
    return plan_repairs(Report(at=datetime.now(UTC), results=results))


def run(connection, repairs):
    """What a person would give to psql, which also reads files."""
    statements = [statement for repair in repairs for statement in repair.statements]
    if any(statement.startswith("\\i ") for statement in statements):
        # What is made anew belongs to whoever makes it: the owner, as the plan says.
        connection.execute("SET LOCAL ROLE slotkeeper_owner")
    for statement in statements:
        file = statement.removeprefix("\\i ")
        connection.execute(Path(file).read_bytes() if file != statement else statement)
    connection.execute("RESET ROLE")


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


@pytest.mark.parametrize(
    "damage", [one for one in DAMAGES if one.name in MENDED], ids=lambda damage: damage.name
)
def test_damaged_data_are_in_order_once_the_plan_is_run(lawless, damage):
    shop = lawless
    damage.plant(shop)
    # One thing leads to another: what is mended first can show what is left.
    for _ in range(3):
        repairs = [one for one in plan(shop.owner, shop.vendor_id) if one.check_name in OF_DATA]
        run(shop.owner, repairs)
    assert sweep(shop.owner, shop.vendor_id) == []
    left = {one.check_name for one in plan(shop.owner, shop.vendor_id)}
    assert left == {"laws_are_in_force"}


@pytest.fixture
def lawless(database):
    """A vendor in a database without constraints, for damage that one could not do otherwise."""
    with (
        psycopg.connect(database.superuser_url, autocommit=True) as superuser,
        psycopg.connect(database.owner_url, autocommit=True) as owner,
    ):
        loosen(superuser)
        yield Shop(owner, owner)


def test_every_alteration_has_words_at_least(module_database):
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        for _, statement, _ in ALTERATIONS:
            with superuser.transaction(force_rollback=True):
                superuser.execute(statement)
                script = as_script(plan(superuser))
            assert len(script.splitlines()) > 5
