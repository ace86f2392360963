"""Whatever the application's role may call to change something is attacked, or said not to be."""

from __future__ import annotations

import re

import psycopg
import pytest

from tests.chaos.attacks import CHECKOUT

GRANTED = """
    SELECT proname FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND provolatile = 'v' AND prokind = 'f'
      AND has_function_privilege('slotkeeper_app', oid, 'EXECUTE')
      -- Of extensions, which all may call.
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""
# By name, as what it is asked for and by whom; over HTTP the same is asked by many more.
ATTACKED = {
    "apply_schedules": ("apply", "CalendarKeeper"),
    "block_time": ("block", "Vendor"),
    "cancel_booking": ("cancel", "Canceller"),
    "change_booking": ("change", "Marker"),
    "claim_service_and_create_booking": ("book", "ServiceCustomer"),
    "claim_slot_and_create_booking": ("book", "SqlCaller"),
    "close_begun_slot": ("close_begun", "CalendarKeeper"),
    "close_busy_time": ("close", "CalendarKeeper"),
    "complete_booking": ("complete", "Marker"),
    "confirm_booking": ("confirm", "Confirmer"),
    "delete_slot": ("delete_slot", "Vendor"),
    "erase_customer": ("erase", "Eraser"),
    "expire_holds": ("sweep", "Sweeper"),
    "forget_old_idempotency_keys": ("forget", "Sweeper"),
    "mark_no_show": ("no_show", "Marker"),
    "publish_slots": ("publish", "Vendor"),
    "renew_manage_token": ("renew", "Marker"),
    "resize_slot": ("resize", "Vendor"),
    "unblock_time": ("unblock", "Vendor"),
}
# By name, with the reason. Who has no reason is attacked.
LEFT_ALONE = {
    "is_open": "looks, and changes nothing",
    "lock_schedules": "locks, and changes nothing",
    "lock_slots_between": "locks, and changes nothing",
    "lock_slots_in": "locks, and changes nothing",
    "lock_slots_to_come": "locks, and changes nothing",
    "owners_writing": "looks, and changes nothing",
    "remember_idempotency_key": "of calls that book nothing; those that do remember theirs",
    "settled_until": "looks, and changes nothing",
}


def test_every_function_that_may_change_something_is_attacked_or_named_here(module_database):
    with psycopg.connect(module_database.owner_url) as owner:
        granted = {name for (name,) in owner.execute(GRANTED)}
    doors = (CHECKOUT / "chaos/doors").glob("*.py")
    called = {name for door in doors for name in re.findall(r'"(\w+)"', door.read_text())}
    assert "claim_slot_and_create_booking" in granted & called
    assert LEFT_ALONE.keys() & called == set()
    assert granted - ATTACKED.keys() == LEFT_ALONE.keys()
    assert ATTACKED.keys() == granted & called


@pytest.mark.parametrize("function", sorted(ATTACKED))
def test_who_attacks_a_function_comes_when_everything_is_attacked(function):
    kind, attacker = ATTACKED[function]
    assert f"    {attacker}: " in (CHECKOUT / "chaos/workloads/everything.py").read_text()
    texts = [path.read_text() for path in (CHECKOUT / "chaos/attackers").glob("*.py")]
    (text,) = (text for text in texts if f"class {attacker}(" in text)
    assert f'"{kind}"' in text
