"""A page of bookings reads that page, whatever is asked for and however many bookings there are.

Counted in blocks of 8 KiB, as in test_reading_little, with plans made for the values at hand and
with plans made for any.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from app.bookings import day, listing
from tests.shop import Shop, at

BOOKINGS, PROVIDERS, CUSTOMERS = 100_000, 20, 2_000
LIMIT = 20
# To describe a booking takes some ten blocks, and to plan that some twelve, where each plan is made
# anew; to find one takes some four, and a stretch of the index.
FEW = (LIMIT + 1) * 26
BEGIN = datetime(2038, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=10)
MIDDLE = BEGIN + STEP * (BOOKINGS // 2)
ALL = {"kind": "appointment", "limit": LIMIT}


@pytest.fixture(scope="module")
def full(module_database):
    """A vendor with 100,000 bookings, one in ten of them a stay of three days; never full."""
    with (
        psycopg.connect(module_database.app_url, autocommit=True) as app,
        psycopg.connect(module_database.owner_url, autocommit=True) as owner,
    ):
        shop = Shop(app, owner)
        shop.providers = [shop.provider() for _ in range(PROVIDERS)]
        shop.customers = [
            found
            for (found,) in owner.execute(
                "INSERT INTO customers (vendor_id, name, email, phone)"
                " SELECT %s, 'C', 'c' || n || '@example.org', '+39 055 ' || (1000000 + n)"
                " FROM generate_series(1, %s) AS n RETURNING id",
                [shop.vendor_id, CUSTOMERS],
            )
        ]
        # Cancelled: they need no claims, and a list does not care.
        owner.execute(
            "INSERT INTO bookings (vendor_id, status, quantity, claim_count, provider_id,"
            " location_id, customer_id, slot_ids, during, updated_at)"
            " SELECT %(vendor)s, 'cancelled', 1, 1, (%(providers)s::uuid[])[1 + n %% %(some)s],"
            " %(location)s, (%(customers)s::uuid[])[1 + n %% %(many)s], ARRAY[uuidv7()],"
            " tstzrange(at, at + CASE WHEN n %% 10 = 0 THEN interval '3 days'"
            "                         ELSE interval '45 minutes' END), at - interval '15 years'"
            " FROM (SELECT n, %(begin)s + n * %(step)s AS at FROM generate_series(1, %(count)s) n"
            "       ORDER BY n * 7919 %% %(count)s) each_one",
            {
                "vendor": shop.vendor_id,
                "providers": shop.providers,
                "some": PROVIDERS,
                "location": shop.location_id,
                "customers": shop.customers,
                "many": CUSTOMERS,
                "begin": BEGIN,
                "step": STEP,
                "count": BOOKINGS,
            },
        )
        owner.execute("ANALYZE bookings, customers, locations, providers, vendors")
        yield shop


def sql_type(value) -> str:
    """The type of a parameter; where there is no value it is an id that was not asked for."""
    if isinstance(value, list):
        return f"{sql_type(value[0])}[]"
    types = {datetime: "timestamptz", uuid.UUID: "uuid", str: "text", int: "integer"}
    return types.get(type(value), "uuid")


def blocks_read(shop: Shop, mode: str, statement: str, *values) -> tuple[int, int]:
    """Rows found and blocks read, with the plan that this plan_cache_mode makes."""
    # Prepared by name, and psycopg prepares nothing besides.
    shop.app.prepare_threshold = None
    shop.app.execute(f"SET plan_cache_mode = {mode}")
    numbers = iter(range(1, len(values) + 1))
    text = re.sub("%s", lambda _: f"${next(numbers)}", statement)
    given = ", ".join(map(sql_type, values))
    shop.app.execute(f"PREPARE listed ({given}) AS {text}")
    quoted = psycopg.sql.SQL(", ").join(map(psycopg.sql.Literal, values))
    # Twice: the first call of a session reads the catalog too.
    for _ in range(2):
        explained = psycopg.sql.SQL(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE listed ({})"
        ).format(quoted)
        plan = shop.app.execute(explained).fetchone()[0][0]["Plan"]
    shop.app.execute("DEALLOCATE listed")
    return round(plan["Actual Rows"]), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(
    "question",
    ["all", "from", "window", "provider", "provider and window", "customer", "email", "phone"],
)
def test_a_page_by_start_reads_that_page(full, mode, question):
    wanted = dict(ALL)
    if "from" in question or "window" in question:
        wanted["start"] = MIDDLE
    if "window" in question:
        wanted["end"] = MIDDLE + timedelta(days=7)
    if "provider" in question:
        wanted["provider_id"] = full.providers[7]
    wanted |= {
        "customer": {"customer_id": full.customers[77]},
        "email": {"email": "C77@example.org"},
        "phone": {"phone": "0039 055 1000077"},
    }.get(question, {})
    rows, read = blocks_read(full, mode, *listing.by_start(full.vendor_id, wanted, None))
    assert rows == LIMIT + 1
    # What is short and began up to twelve hours before a window is looked at, one by one, and so is
    # every stay that is under way; and each booking of a customer, to put them in order.
    before = 72 + 3 * 144 // 10 if "start" in wanted else 0
    theirs = BOOKINGS // CUSTOMERS if question in {"customer", "email", "phone"} else 0
    assert read < FEW + 2 * before + 4 * theirs


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_blocks_are_not_looked_for_among_all_bookings(full, mode):
    statement = listing.by_start(full.vendor_id, {**ALL, "kind": "block"}, None)
    rows, read = blocks_read(full, mode, *statement)
    assert rows == 0
    assert read < FEW


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_page_far_into_the_list_reads_that_page(full, mode):
    after = (MIDDLE, uuid.UUID(int=0))
    statement = listing.by_start(full.vendor_id, {**ALL, "start": BEGIN}, after)
    rows, read = blocks_read(full, mode, *statement)
    assert rows == LIMIT + 1
    assert read < FEW


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_page_by_change_reads_that_page(full, mode):
    since = MIDDLE - timedelta(days=15 * 365 + 4)
    statement, *values = listing.by_change(
        full.vendor_id, {**ALL, "updated_since": since}, None, datetime.now(UTC)
    )
    rows, read = blocks_read(full, mode, statement, *values)
    assert rows == LIMIT + 1
    assert read < FEW


@pytest.fixture(scope="module")
def busy(module_database):
    """A vendor with 20,000 slots, one after another, of which a day's are booked."""
    with (
        psycopg.connect(module_database.app_url, autocommit=True) as app,
        psycopg.connect(module_database.owner_url, autocommit=True) as owner,
    ):
        app.execute("SET statement_timeout = '60s'")
        shop = Shop(app, owner)
        quarter = timedelta(minutes=15)
        times = [at(0) + quarter * n for n in range(20_001)]
        slots = shop.publish([{"start": start, "end": end} for start, end in pairwise(times)])[
            "slot_ids"
        ]
        for slot in slots[9_600:9_696]:
            shop.book(slot)
        owner.execute("ANALYZE slots, claims, bookings, locations, providers")
        yield shop


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("statement, rows", [("SLOTS", 96), ("BOOKINGS", 96), ("PROVIDERS", 1)])
def test_a_day_reads_that_day_of_the_calendar(busy, mode, statement, rows):
    asked = {
        "vendor": busy.vendor_id,
        "location": None,
        "zones": ["Europe/Rome"],
        "starts": [at(0, day=100)],
        "ends": [at(24, day=100)],
        "providers": [busy.provider_id],
        "provider": None,
        "after": uuid.UUID(int=0),
        "limit": 501,
    }
    text = getattr(day, f"_{statement}")
    values = [asked[name] for name in re.findall(r"%\((\w+)\)s", text)]
    found, read = blocks_read(busy, mode, re.sub(r"%\(\w+\)s", "%s", text), *values)
    assert found == rows
    # The calendar has some 400 blocks in each index; a booking is found and described in some 25.
    assert read < 100 + 30 * rows
