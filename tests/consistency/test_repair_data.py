"""Whoever runs what the repair plan suggests for damaged rows has mended them."""

from __future__ import annotations

import re

import psycopg
import pytest

from app.consistency.checks import OF_DATA
from chaos.sweep import sweep
from tests.consistency.busy import have_a_busy_day
from tests.consistency.repairs import plan, run
from tests.damage import DAMAGES, loosen
from tests.shop import Shop, at, call

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

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


def unnamed(shop, repairs):
    """Rows of the vendor's, as they were written, that hold no id which the plan names but its own
    and its provider's. (A key is named by a digest.)
    """
    told = str([repair.offender for repair in repairs])
    named = set(UUID.findall(told)) - {str(shop.vendor_id), str(shop.provider_id)}
    return {
        row
        for table, rows in shop.everything().items()
        if table != "idempotency_keys" or "key_sha256" not in told
        for row in rows
        if not named & set(UUID.findall(row))
    }


@pytest.fixture(name="neighbour", scope="module")
def _neighbour(module_app, module_owner):
    """Somebody to whom nothing has happened."""
    neighbour = Shop(module_app, module_owner)
    have_a_busy_day(neighbour)
    return neighbour


@pytest.mark.parametrize(
    "damage", [one for one in DAMAGES if one.name not in BY_HAND], ids=lambda damage: damage.name
)
def test_damaged_rows_are_in_order_once_the_plan_is_run_and_no_others_change(
    shop, neighbour, damage
):
    shop.slot(9, 10, day=6)
    damage.plant(shop)
    could = bookable(shop)
    # One thing leads to another: what is mended first can show what is left.
    for _ in range(3):
        repairs = plan(shop.owner, shop.vendor_id, list(OF_DATA))
        kept = unnamed(shop, repairs)
        with neighbour.unchanged():
            run(shop.owner, repairs)
        assert unnamed(shop, repairs) >= kept
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
