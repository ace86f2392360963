"""Whoever runs what the repair plan suggests for damaged rows has mended them."""

from __future__ import annotations

import psycopg
import pytest

from app.consistency.checks import OF_DATA
from chaos.sweep import sweep
from tests.consistency.repairs import plan, run
from tests.damage import DAMAGES, loosen

# For two parties to speak about, or for a backup: the plan shows what there is, and mends nothing.
BY_HAND = {
    "the booking deleted",
    "all events lost",
    "an event lost in the middle",
    "an event of no booking",
}


@pytest.fixture(scope="module", autouse=True)
def _without_constraints(module_database):
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        loosen(superuser)


@pytest.mark.parametrize(
    "damage", [one for one in DAMAGES if one.name not in BY_HAND], ids=lambda damage: damage.name
)
def test_damaged_rows_are_in_order_once_the_plan_is_run(shop, damage):
    damage.plant(shop)
    # One thing leads to another: what is mended first can show what is left.
    for _ in range(3):
        run(shop.owner, plan(shop.owner, shop.vendor_id, list(OF_DATA)))
    assert sweep(shop.owner, shop.vendor_id) == []
    assert plan(shop.owner, shop.vendor_id, list(OF_DATA)) == []
