"""Whoever runs what the repair plan suggests for damaged rows has mended them."""

from __future__ import annotations

import psycopg
import pytest

from app.consistency.checks import OF_DATA
from chaos.sweep import sweep
from tests.consistency.repairs import plan, run
from tests.damage import DAMAGES, loosen
from tests.shop import at, call

# For two parties to speak about, or for a backup: the plan shows what there is, and mends nothing.
BY_HAND = {
    "the booking deleted",
    "all events lost",
    "an event lost in the middle",
    "an event of no booking",
    "an event of no moment",
}
# A stand-in for whom or where is archived: nobody can be sent to a place that nobody knows.
NOBODY_KNOWS_WHERE = {
    "the slot given to another provider",
    "the calendar's owner deleted",
    "a slot nowhere",
}


@pytest.fixture(scope="module", autouse=True)
def _without_constraints(module_database):
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        loosen(superuser)


def bookable(shop):
    """Which services and which slots of a quiet day somebody could book, by trying."""
    service, slot = "claim_service_and_create_booking", "claim_slot_and_create_booking"
    quiet = "SELECT id FROM slots WHERE vendor_id = %s AND during @> %s::timestamptz"
    tries = [(row["id"], slot, {"slot_ids": [row["id"]]}) for row in shop.rows(quiet, at(9.5, 6))]
    tries += [
        (row["id"], service, {"service_id": row["id"], "start": at(9, 6)})
        for row in shop.rows("SELECT id FROM services WHERE vendor_id = %s")
    ]
    found = set()
    for what, function, how in tries:
        with shop.owner.transaction(force_rollback=True):
            answers = call(shop.owner, function, vendor_id=shop.vendor_id, **how)
        found |= {what for answer in answers if answer["outcome"] == "CONFIRMED"}
    return found


@pytest.mark.parametrize(
    "damage", [one for one in DAMAGES if one.name not in BY_HAND], ids=lambda damage: damage.name
)
def test_damaged_rows_are_in_order_once_the_plan_is_run(shop, damage):
    shop.slot(9, 10, day=6)
    damage.plant(shop)
    could = bookable(shop)
    # One thing leads to another: what is mended first can show what is left.
    for _ in range(3):
        run(shop.owner, plan(shop.owner, shop.vendor_id, list(OF_DATA)))
    assert sweep(shop.owner, shop.vendor_id) == []
    assert plan(shop.owner, shop.vendor_id, list(OF_DATA)) == []
    assert bookable(shop) >= could or damage.name in NOBODY_KNOWS_WHERE


@pytest.mark.parametrize("name", ["a service by nobody", "a closed day of nobody, of no schedule"])
def test_a_row_that_goes_leaves_no_stand_in_behind(shop, name):
    next(damage for damage in DAMAGES if damage.name == name).plant(shop)
    run(shop.owner, plan(shop.owner, shop.vendor_id, list(OF_DATA)))
    assert plan(shop.owner, shop.vendor_id, list(OF_DATA)) == []
    assert shop.rows("SELECT id FROM providers WHERE vendor_id = %s AND name = 'Lost'") == []
    assert shop.rows("SELECT role FROM service_needs WHERE vendor_id = %s AND role = 'Lost'") == []
