"""Both checkers find planted damage, each by its own reckoning, and nothing where nothing is."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from chaos.sweep import main, sweep
from tests.damage import DAMAGES, LAPSED, loosen
from tests.damage.claims import close_since_an_hour
from tests.damage.planting import FIT, TWICE, raw_booking
from tests.shop import Shop, at

CHECKS = [
    "claims_fit_slot_and_booking",
    "no_unit_claimed_twice",
    "occupying_bookings_have_their_claims",
    "bookings_within_capacity",
    "bookings_match_their_claims",
    "slots_do_not_overlap",
    "events_retell_bookings",
    "idempotency_keys_point_to_bookings",
    "busy_blocks_match_their_bookings",
    "busy_time_is_closed",
    "times_are_possible",
    "nothing_is_orphaned",
    "no_hold_is_long_lapsed",
    "laws_are_in_force",
    "functions_are_unaltered",
    "rights_are_as_designed",
]
DATA = CHECKS[: CHECKS.index("laws_are_in_force")]
# In this module's database there is no law, and that is found with whatever else is.
LAWLESS = {"laws_are_in_force"}


@pytest.fixture(scope="module", autouse=True)
def _without_constraints(module_database):
    """In this module's database every constraint but the primary keys is gone."""
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        loosen(superuser)


def failed_checks(shop, checks=DATA, **how):
    """Of those of data, since those of the schema take longer and find the same each time."""
    rows = shop.call("verify_booking_slot_consistency", checks=checks, **how)
    assert [row["check_name"] for row in rows] == (checks or CHECKS)
    for row in rows:
        assert (row["violations"] > 0) == bool(row["offenders"]) == (row["status"] == "FAIL")
    return {row["check_name"] for row in rows if row["status"] == "FAIL"}


def everyday_life(shop):
    """Some of everything that may be."""
    long, seats = shop.slot(9, 17), shop.slot(18, 19, capacity=5)
    nights = shop.nights(4, capacity=2, provider_id=shop.provider())
    shop.book(long, start=at(9), end=at(10))
    shop.book(long, start=at(10), end=at(11), hold_for=timedelta(minutes=5))
    shop.lapsed_hold(long, start=at(12), end=at(13))
    shop.move("cancel_booking", shop.book(seats, quantity=5))
    shop.move("complete_booking", shop.book(seats, quantity=2, idempotency_key="everyday life, 1"))
    shop.book(*nights)
    shop.move("mark_no_show", shop.book(*nights[1:3]))
    shop.call("block_time", provider_id=shop.provider_id, start=at(14), end=at(15))


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage_is_found_under_its_name_and_nothing_else_is(shop, damage):
    healthy = Shop(shop.app, shop.owner)
    everyday_life(healthy)
    damage.plant(shop)
    assert failed_checks(shop) == damage.checks
    assert {finding.kind for finding in sweep(shop.owner, shop.vendor_id)} == damage.kinds
    assert failed_checks(healthy) == set()
    assert sweep(shop.owner, healthy.vendor_id) == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage_to_bookings_of_the_last_hour_is_found_by_looking_at_no_more(shop, damage):
    damage.plant(shop)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert failed_checks(shop, since=hour_ago) == damage.checks - damage.unseen
    later = hour_ago + timedelta(hours=2)
    assert failed_checks(shop, since=later) == damage.checks & {LAPSED}


def test_whoever_came_before_it_was_closed_may_stay_and_be_told_of(shop):
    slot = shop.slot()
    booking_id = shop.book(slot)
    shop.owner.execute("UPDATE events SET occurred_at = now() - interval '2 hours'")
    for move in ("complete_booking", "confirm_booking"):
        shop.move(move, booking_id, actor={"type": "system"})
    assert [event["kind"] for event in shop.events(booking_id)][1:] == ["completed", "confirmed"]
    close_since_an_hour(shop, slot)
    assert failed_checks(shop) == set()


def test_who_came_into_closed_time_is_found_until_a_schedule_changes_the_slot_again(shop):
    slot = shop.slot()
    shop.book(slot)
    close_since_an_hour(shop, slot)
    assert failed_checks(shop) == {FIT}
    # As by the next week. No row tells since when it is closed.
    shop.owner.execute("UPDATE slots SET updated_at = now() WHERE id = %s", [slot])
    assert failed_checks(shop) == set()


def test_checks_can_be_chosen_and_unknown_ones_are_refused(shop):
    rows = shop.call("verify_booking_slot_consistency", checks=CHECKS[3:1:-1])
    assert [row["check_name"] for row in rows] == CHECKS[3:1:-1]
    with pytest.raises(psycopg.Error) as refusal:
        shop.call("verify_booking_slot_consistency", checks=["all_is_well"])
    assert refusal.value.sqlstate == "SK001"


def test_a_claim_of_more_units_than_there_can_be_costs_no_more_than_another(module_database):
    # Taken back: the sweep does look at all of them, one by one.
    with psycopg.connect(module_database.superuser_url) as superuser:
        shop = Shop(superuser, superuser)
        slot = shop.slot(capacity=3)
        shop.book(slot)
        raw_booking(shop, slot, units="{[1,2000000000)}")
        # Unit by unit they would not fit into files of this size, nor into this time.
        superuser.execute("SET temp_file_limit = '1MB'; SET statement_timeout = '30s'")
        assert failed_checks(shop) == {FIT, TWICE}
        superuser.rollback()


def test_the_offenders_are_named(shop):
    damage = next(damage for damage in DAMAGES if damage.name == "the only place booked twice")
    damage.plant(shop)
    rows = {row["check_name"]: row for row in shop.call("verify_booking_slot_consistency")}
    bookings = {str(row["id"]) for row in shop.rows("SELECT id FROM bookings WHERE vendor_id = %s")}
    (twice,) = rows["no_unit_claimed_twice"]["offenders"]
    assert twice["booking_id"] in bookings
    assert twice["unit"] == 1
    (beyond,) = rows["bookings_within_capacity"]["offenders"]
    assert (beyond["places"], beyond["capacity"]) == (2, 1)


def test_without_a_vendor_every_vendor_is_checked(shop, module_database, capsys):
    DAMAGES[0].plant(shop)
    rows = shop.app.execute("SELECT * FROM verify_booking_slot_consistency()").fetchall()
    failed = {row[0] for row in rows if row[1] == "FAIL"}
    assert failed & {"no_unit_claimed_twice"} | failed - set(DATA) == {TWICE} | LAWLESS
    assert main([module_database.owner_url]) == 1
    assert "unit_claimed_twice" in capsys.readouterr().out


def test_a_healthy_database_has_nothing_to_find(database, capsys):
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        shop = Shop(owner, owner)
        everyday_life(shop)
        assert failed_checks(shop, None) == set()
    assert main([database.app_url]) == 0
    assert capsys.readouterr().out == "0 found\n"


def test_the_sweep_shares_nothing_with_what_it_checks():
    source = (Path(__file__).parents[2] / "chaos" / "sweep.py").read_text()
    imported = {
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        )
    }  # fmt: skip
    assert not any((name or "").split(".")[0] == "app" for name in imported)
    functions = {path.stem for path in (Path(__file__).parents[2] / "app" / "sql").rglob("*.sql")}
    assert not {name for name in functions if f"{name}(" in source}
