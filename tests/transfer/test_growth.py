"""An import of many bookings takes as long for the last as for the first, in a new database too."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from pathlib import Path

from app.db import db

PLANNER = Path(__file__).parents[2] / "migrations" / "sql" / "0005_hardening" / "planner.sql"

HOURS = range(9, 17)
# Entries of indexes that a booking may read among those before it, those of its slot included.
READ_MAX = 100
_READ = """
    SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
    WHERE relname IN ('bookings', 'claims', 'events', 'import_refs')
"""
# As the functions ask: whichever index is taken, it is searched for the id.
_BY_KEY = {
    "bookings": "SELECT description FROM booking_descriptions WHERE vendor_id = $1 AND id = $2",
    "customers": "SELECT FROM customers WHERE vendor_id = $1 AND id = $2 AND erased_at IS NULL",
}
_GROWN = """
    SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', %s::text,
                                     'relpages', 1, 'reltuples', %s::real)
"""
_FORGOTTEN = """
    SELECT pg_clear_attribute_stats('public', 'bookings', 'vendor_id', false),
           pg_restore_relation_stats('schemaname', 'public', 'relname', 'bookings',
                                     'relpages', 1, 'reltuples', 1000::real)
"""


def test_a_row_is_found_by_its_key_in_tables_that_nobody_has_analyzed(module_owner):
    module_owner.execute("SET enable_seqscan = off")
    for table, statement in _BY_KEY.items():
        lines = [line for (line,) in module_owner.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")]
        (place,) = (number for number, line in enumerate(lines) if f" on {table} " in line)
        assert "id = $2" in lines[place + 1], lines


def test_the_one_customer_of_a_booking_is_read_however_many_there_are(trade, module_owner):
    trade.take(
        locations="name\nMitte\n",
        providers="name,location\nAnna,Mitte\n",
        slots="provider,start,end\nAnna,2040-01-02 09:00,2040-01-02 17:00\n",
        bookings="provider,start,end,customer_name\nAnna,2040-01-02 09:00,2040-01-02 10:00,Ada\n",
    )
    # What is known of new tables, should it have been forgotten meanwhile.
    module_owner.execute(PLANNER.read_bytes())
    for bookings, customers in itertools.product((500, 5_000, 50_000), repeat=2):
        module_owner.execute(_GROWN, ["bookings", bookings])
        module_owner.execute(_GROWN, ["customers", customers])
        explain = f"EXPLAIN (GENERIC_PLAN) {_BY_KEY['bookings']}"
        plan = module_owner.execute(explain, prepare=False).fetchall()
        lines = [line for (line,) in plan]
        (place,) = (number for number, line in enumerate(lines) if " on customers " in line)
        assert "id = b.customer_id" in lines[place + 1], (bookings, customers, lines)


def test_a_booking_reads_no_more_when_there_are_hundreds_before_it(trade, module_owner):
    # Nothing is known of vendors any more, and so the first plan is as bad as plans can be.
    module_owner.execute(_FORGOTTEN)
    trade.take(
        locations="name\nMitte\n",
        providers="name,location\nAnna,Mitte\n",
        services="name,duration_minutes\nCut,60\n",
    )
    days = [date(2040, 1, 1) + timedelta(days) for days in range(60)]
    before = module_owner.execute(_READ).fetchone()[0]
    made = trade.take(
        slots="provider,start,end\n" + "".join(f"Anna,{day} 09:00,{day} 17:00\n" for day in days),
        customers="ref,name\n" + "".join(f"c{day},Somebody {day}\n" for day in days),
        bookings="provider,service,start,end,customer\n"
        + "".join(
            f"Anna,Cut,{day} {hour:02}:00,{day} {hour + 1:02}:00,c{day}\n"
            for day in days
            for hour in HOURS
        ),
    )
    bookings = made["bookings"]["made"]
    assert bookings == len(days) * len(HOURS)
    with trade.offline.app_context():
        db.engine.dispose()
    read = module_owner.execute(_READ).fetchone()[0] - before
    assert read / bookings < READ_MAX, read / bookings
