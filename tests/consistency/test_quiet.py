"""The checks find nothing where nothing is wrong, and nobody notices that they run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from app.config import Settings
from app.consistency.queries import run_checks
from app.db import db, offline_app
from chaos.sweep import sweep
from tests.consistency.busy import have_a_busy_day
from tests.leave import Leave
from tests.rota import Rota
from tests.shop import Shop


@pytest.fixture
def busy(shop: Shop) -> Shop:
    have_a_busy_day(shop)
    shop.lapsed_hold(shop.slot(23, 24))
    return shop


def test_a_busy_vendor_of_whom_everything_is_lawful_passes_every_check(busy):
    statuses = busy.rows("SELECT DISTINCT status FROM bookings WHERE vendor_id = %s ORDER BY 1")
    assert [row["status"] for row in statuses] == [
        *("cancelled", "completed", "confirmed", "expired", "held", "no_show"),
    ]
    assert sweep(busy.owner, busy.vendor_id) == []
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    for how in ({}, {"since": hour_ago}):
        rows = busy.call("verify_booking_slot_consistency", **how)
        assert {row["check_name"]: row["offenders"] for row in rows if row["violations"]} == {}
    rows = busy.app.execute("SELECT status FROM verify_booking_slot_consistency()").fetchall()
    assert {status for (status,) in rows} == {"PASS"}


def test_a_stay_with_a_pause_that_a_new_week_has_brought_to_another_slot_leaves_nothing_out(shop):
    rota = Rota(shop)
    rota.apply(rota.wanted((10, 11), (12, 13)))
    stay = shop.book(rota.slot_at(10), rota.slot_at(12))
    other = rota.slot_at(12)
    rota.apply(rota.wanted((8, 11), whole=False) + rota.wanted((12, 13)))
    rota.book(8, 9)
    rota.apply(rota.wanted((8, 9.25), (9.25, 11.5), whole=False) + rota.wanted((12, 13)))
    first, second = shop.booking(stay)["slot_ids"]
    versions = shop.rows(
        "SELECT version FROM slots WHERE vendor_id = %s AND id = ANY (%s)", [first, second]
    )
    assert (second, [row["version"] for row in versions]) == (other, [1, 1])
    assert shop.violations() == []


def test_a_week_that_is_due_to_be_looked_at_is_no_finding(shop):
    """As the program says it: at once, whenever it was looked at last."""
    shop.app.execute(
        "INSERT INTO schedule_publishings (vendor_id, provider_id, inputs, looked_at)"
        " VALUES (%s, %s, '', '-infinity')",
        [shop.vendor_id, shop.provider_id],
    )
    assert shop.violations() == []


def test_busy_time_of_somebody_who_is_archived_cannot_be_booked_and_is_no_finding(shop):
    shop.slot(9, 12)
    shop.owner.execute(
        "UPDATE providers SET archived_at = now() WHERE vendor_id = %s", [shop.vendor_id]
    )
    Leave(shop).busy(10, 11, close=False)
    assert shop.violations() == []


def test_a_block_that_is_known_no_more_as_busy_time_closes_it_all_the_same(shop):
    slot, leave = shop.slot(9, 12), Leave(shop)
    busy_time_id = leave.busy(9, 12)
    (block,) = leave.block_ids()
    shop.owner.execute("DELETE FROM busy_blocks WHERE vendor_id = %s", [shop.vendor_id])
    assert shop.claim(slot)["outcome"] == "BOOKING_CONFLICT"
    assert shop.violations() == []
    # It is the vendor's own now: the end of the busy time leaves it to whoever lifts it.
    leave.end(busy_time_id)
    assert shop.claim(slot)["outcome"] == "BOOKING_CONFLICT"
    assert shop.move("unblock_time", block)["outcome"] == "CANCELLED"
    shop.book(slot)


def test_the_checks_write_nothing_and_take_no_lock_that_anybody_waits_for(busy, module_app):
    with busy.unchanged(), module_app.transaction():
        module_app.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for since in (None, datetime.now(UTC) - timedelta(hours=1)):
            module_app.execute("SELECT * FROM verify_booking_slot_consistency(NULL, %s)", [since])
        modes = module_app.execute(
            "SELECT DISTINCT mode FROM pg_locks"
            " WHERE pid = pg_backend_pid() AND locktype = 'relation'"
        ).fetchall()
        assert modes == [("AccessShareLock",)]
        assert module_app.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)


def test_bookings_go_on_while_a_check_looks_at_its_one_moment(busy, module_database):
    slot = busy.slot(30, 31)
    with psycopg.connect(module_database.app_url) as checker:
        checker.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        verify = "SELECT * FROM verify_booking_slot_consistency(%s)"
        checker.execute(verify, [busy.vendor_id])
        busy.move("cancel_booking", busy.book(slot))
        busy.call("delete_slot", slot_id=slot)
        rows = checker.execute(verify, [busy.vendor_id]).fetchall()
    assert {row[1] for row in rows} == {"PASS"}


def test_a_run_looks_at_one_moment_whatever_happens_between_its_checks(busy, module_database):
    wrong = (
        "UPDATE bookings SET version = version + 1 WHERE vendor_id = %s AND status = 'confirmed'"
    )
    told = []

    def say(name: str) -> None:
        told.append(name)
        if name == "bookings_within_capacity":
            busy.owner.execute(wrong, [busy.vendor_id])

    settings = Settings.from_environment({"DATABASE_URL": module_database.app_url})
    with offline_app(settings).app_context():
        before = run_checks(busy.vendor_id, say=say)
        after = run_checks(busy.vendor_id)
        db.engine.dispose()
    busy.owner.execute(wrong.replace("+", "-"), [busy.vendor_id])
    assert told == [result.check_name for result in before.results]
    assert before.clean
    failed = {result.check_name for result in after.results if result.status == "FAIL"}
    assert failed == {"events_retell_bookings"}
