"""An import and the public want the same places: each goes to one of them, and no half comes in."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app.config import Settings
from app.db import db, offline_app
from app.transfer.context import Source
from app.transfer.faults import ImportRefusedError
from app.transfer.importing import Choices, import_files
from app.transfer.kinds import KINDS
from tests import sweep
from tests.patience import wait_until
from tests.shop import at, call

SLOTS = 12


class Import:
    """An import of a booking for each of SLOTS hours, last hour first, at work in a thread."""

    def __init__(self, shop, database, folder) -> None:
        self.shop, self.folder = shop, folder
        self.slots = [shop.slot(hour, hour + 1) for hour in range(SLOTS)]
        self.app = offline_app(Settings.from_environment({"DATABASE_URL": database.app_url}))
        self.thread = ThreadPoolExecutor(1)

    def run(self) -> list[str]:
        """What was wrong: [] when it was done."""
        path = self.folder / "bookings.csv"
        rows = "".join(
            f"{self.shop.provider_id},{at(hour).isoformat()},{at(hour + 1).isoformat()},imported\n"
            for hour in reversed(range(SLOTS))
        )
        path.write_text("provider,start,end,customer_name\n" + rows)
        with self.app.app_context():
            try:
                import_files(self.shop.vendor_id, [Source(path, KINDS["bookings"])], Choices())
            except ImportRefusedError as error:
                return [str(fault) for fault in error.faults.found]
            return []

    def begin(self):
        """Start it; the future of what `run` returns."""
        return self.thread.submit(self.run)

    def begin_and_wait_for_lock(self, monitor):
        """Start it, and return once it waits for somebody's lock."""
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'slotkeeper' AND wait_event_type = 'Lock'"
        )
        doing = self.begin()
        wait_until(
            lambda: monitor.execute(waiting).fetchone()[0] or doing.done(),
            "nobody waits for a lock",
        )
        assert not doing.done(), doing.result()
        return doing

    def booked(self, monitor) -> int:
        """How many of its bookings are there."""
        return monitor.execute(
            "SELECT count(*) FROM bookings b JOIN customers c ON (c.vendor_id, c.id)"
            " = (b.vendor_id, b.customer_id) WHERE b.vendor_id = %s AND c.name = 'imported'",
            [self.shop.vendor_id],
        ).fetchone()[0]


@pytest.fixture
def importing(shop, module_database, tmp_path):
    made = Import(shop, module_database, tmp_path)
    yield made
    made.thread.shutdown()
    with made.app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("commits", [True, False])
def test_an_import_waits_for_a_booking_in_flight_and_goes_by_what_became_of_it(
    importing, sessions, module_owner, commits
):
    rival = sessions.app()
    rival.connection.execute("BEGIN")
    assert rival.claim(importing.slots[5])["outcome"] == "CONFIRMED"
    doing = importing.begin_and_wait_for_lock(sessions.monitor)
    rival.connection.execute("COMMIT" if commits else "ROLLBACK")
    told = doing.result(60)
    if commits:
        # The last hour stands on line 2.
        assert [one.split(":")[0] for one in told] == [f"bookings.csv line {SLOTS - 5 + 1}"]
        assert "no longer available" in told[0]
    else:
        assert told == []
    assert importing.booked(module_owner) == (0 if commits else SLOTS)
    sweep.assert_clean(module_owner, importing.shop.vendor_id)


def test_the_public_waits_for_an_import_and_is_refused_cleanly(importing, sessions, module_owner):
    holder, public = sessions.owner(), sessions.app()
    last, first = max(importing.slots), min(importing.slots)
    holder.connection.execute("BEGIN")
    holder.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [last])
    doing = importing.begin_and_wait_for_lock(sessions.monitor)
    refused = public.begin_and_wait_for_lock(public.claim, first)
    holder.connection.execute("COMMIT")
    assert doing.result(60) == []
    assert refused.result(60)["outcome"] == "BOOKING_CONFLICT"
    assert importing.booked(module_owner) == SLOTS
    sweep.assert_clean(module_owner, importing.shop.vendor_id)


def test_a_deadlock_begins_the_import_again(importing, sessions, module_owner):
    rival = sessions.owner()
    lock = "SELECT FROM slots WHERE id = %s FOR UPDATE"
    rival.connection.execute("BEGIN")
    rival.connection.execute(lock, [max(importing.slots)])
    doing = importing.begin_and_wait_for_lock(sessions.monitor)
    # Against the order: one of the two is thrown out after a second, whoever has waited longer.
    try:
        rival.connection.execute(lock, [min(importing.slots)])
        rival.connection.execute("COMMIT")
    except psycopg.errors.DeadlockDetected:
        rival.connection.execute("ROLLBACK")
    assert doing.result(60) == []
    assert importing.booked(module_owner) == SLOTS
    sweep.assert_clean(module_owner, importing.shop.vendor_id)


def test_an_import_in_a_crowd_brings_all_of_it_or_nothing(importing, module_database, module_owner):
    counts: Counter[str] = Counter()
    start = threading.Barrier(3)

    def public(order):
        with psycopg.connect(module_database.app_url, autocommit=True) as connection:
            start.wait()
            for slot in order:
                wanted = {"vendor_id": importing.shop.vendor_id, "slot_ids": [slot]}
                row = call(connection, "claim_slot_and_create_booking", **wanted)[0]
                counts[row["outcome"]] += 1

    some = importing.slots[-2:]
    crowd = [threading.Thread(target=public, args=(order,)) for order in (some, some[::-1])]
    for one in crowd:
        one.start()
    start.wait()
    told = importing.run()
    for one in crowd:
        one.join(60)
    counts["import refused" if told else "imported"] += 1
    print(dict(counts))
    assert importing.booked(module_owner) == (0 if told else SLOTS)
    assert sum(counts.values()) == 5
    assert set(counts) <= {"CONFIRMED", "BOOKING_CONFLICT", "imported", "import refused"}
    assert counts["CONFIRMED"] == (2 if told else 0)
    sweep.assert_clean(module_owner, importing.shop.vendor_id)
