"""What a call reads does not grow with the calendar around it, analyzed or not.

Counted in blocks of 8 KiB, as EXPLAIN counts them, so that no clock decides.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.leave import Leave
from tests.rota import Rota
from tests.shop import Shop, at

SLOTS = 20_000
# A claim of one slot reads some fifty blocks; the entries of one index over the calendar below, or
# the claims of one long slot, would be a hundred more.
FEW = 100


def blocks_read(shop: Shop, function: str, **arguments) -> int:
    """Blocks that a call of the application and all it calls read, once plans are made."""
    given = [
        sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Literal(value))
        for name, value in {"vendor_id": shop.vendor_id, **arguments}.items()
    ]
    statement = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM {}({})").format(
        sql.Identifier(function), sql.SQL(", ").join(given)
    )
    plans = []
    # Twice: the first call of a session reads the catalog too.
    for _ in range(2):
        with shop.app.transaction(force_rollback=True):
            plans.append(shop.app.execute(statement).fetchone()[0][0]["Plan"])
    return plans[-1]["Shared Hit Blocks"] + plans[-1]["Shared Read Blocks"]


def quarters(count: int) -> list[dict]:
    quarter = timedelta(minutes=15)
    return [
        {
            "start": (at(0) + quarter * n).isoformat(),
            "end": (at(0) + quarter * (n + 1)).isoformat(),
        }
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def busy(module_database):
    """A vendor whose provider has 20,000 slots; the tables have never been analyzed."""
    with (
        psycopg.connect(module_database.app_url, autocommit=True) as app,
        psycopg.connect(module_database.owner_url, autocommit=True) as owner,
    ):
        for table in ("slots", "claims", "bookings"):
            owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        app.execute("SET statement_timeout = '60s'")
        shop = Shop(app, owner)
        shop.calendar = shop.publish(quarters(SLOTS))["slot_ids"]
        yield shop


@pytest.fixture(params=["never analyzed", "analyzed"])
def analyzed(request, busy):
    if request.param == "analyzed":
        # Only what is full: an empty table that was analyzed is thought to stay empty.
        busy.owner.execute("ANALYZE vendors, locations, providers, slots")
    return busy


def test_a_claim_reads_its_own_slot(analyzed):
    slots = [analyzed.calendar[SLOTS // 2]]
    assert blocks_read(analyzed, "claim_slot_and_create_booking", slot_ids=slots) < FEW


def test_a_refusal_with_alternatives_reads_the_neighbourhood(analyzed):
    slot = analyzed.calendar[SLOTS // 2]
    with analyzed.app.transaction(force_rollback=True):
        analyzed.book(slot)
        read = blocks_read(analyzed, "claim_slot_and_create_booking", slot_ids=[slot])
    assert read < FEW


@pytest.mark.parametrize("function", ["list_availability", "availability_page"])
@pytest.mark.parametrize("of_one_provider", [False, True])
@pytest.mark.parametrize("day", [0, 91, 150])
def test_a_page_of_availability_reads_its_own_slots(analyzed, function, of_one_provider, day):
    """However long the window is, however far on the page; what began before it included."""
    window = {"from": at(0.1, 100), "to": at(0.1, 192)} if day >= 100 else {}
    read = blocks_read(
        analyzed,
        function,
        **{"from": at(0.1), "to": at(0.1, 92), **window},
        provider_id=analyzed.provider_id if of_one_provider else None,
        after_start=at(12, day) if day else None,
        after_id=analyzed.calendar[0] if day else None,
        limit=10,
    )
    assert read < FEW


@pytest.mark.parametrize("day", [0, 100])
def test_a_page_of_times_reads_a_day_however_long_the_window_is(analyzed, day):
    """A piece of time is read for a page, and the next only when that was not enough."""
    service = analyzed.service(60)
    searched = {"service_id": service, "from": at(0.1, day), "limit": 10}
    short, long = (
        blocks_read(analyzed, "search_times", **searched, to=at(0.1, day + days))
        for days in (1, 92)
    )
    assert short == long < FEW * 3


def test_whoever_is_free_is_found_without_reading_the_calendar(analyzed):
    service = analyzed.service(60)
    start = at(12, 100)
    read = blocks_read(
        analyzed, "claim_service_and_create_booking", service_id=service, start=start
    )
    assert read < FEW * 3


def test_ten_thousand_slots_over_a_full_calendar_are_refused_in_the_time_a_role_has(analyzed):
    # A search for each, one after another; as a join it was ten thousand times twenty thousand.
    analyzed.app.execute("SET statement_timeout = '10s'")
    answer = analyzed.publish(quarters(10_000))
    assert (answer["outcome"], answer["facts"]["index"]) == ("SLOT_OVERLAP", 0)


def test_lapsed_holds_elsewhere_make_no_refusal_dearer(shop):
    sold_out, *others = shop.publish(quarters(601))["slot_ids"]
    shop.book(sold_out)
    for slot in others:
        shop.book(slot, hold_for=timedelta(minutes=5))
    shop.owner.execute(
        "UPDATE bookings SET hold_expires_at = now() - interval '1 minute'"
        " WHERE vendor_id = %s AND status = 'held'",
        [shop.vendor_id],
    )
    claim = {"slot_ids": [sold_out], "alternatives": 0}
    assert blocks_read(shop, "claim_slot_and_create_booking", **claim) < FEW
    assert shop.claim(others[300])["outcome"] == "CONFIRMED"


def test_a_stay_is_refused_without_counting_every_night_of_every_provider(shop):
    nights = shop.nights(60)
    for _ in range(40):
        shop.nights(60, provider_id=shop.provider())
    shop.book(nights[30])
    claim = {"slot_ids": nights}
    assert len(shop.claim(*nights)["facts"]["alternatives"]) == 3
    read = blocks_read(shop, "claim_slot_and_create_booking", **claim)
    # Sixty nights of its own and of three others, of forty.
    assert read < 60 * 4 * 20


@pytest.fixture(scope="module")
def book(busy):
    """A vendor with 20,000 customers, one of whom is Ada."""
    shop = Shop(busy.app, busy.owner)
    shop.owner.execute("ALTER TABLE customers SET (autovacuum_enabled = off)")
    shop.app.execute(
        "INSERT INTO customers (vendor_id, name, email, phone)"
        " SELECT %s, 'Customer ' || n, 'c' || n || '@example.org', '+49 30 ' || 1000000 + n"
        " FROM generate_series(1, %s) AS n",
        [shop.vendor_id, SLOTS],
    )
    shop.ada = shop.insert(
        "customers", name="Ada Lovelace", email="Ada@example.org", phone="+44 20 7946 0001"
    )
    # As autovacuum does within a minute. Unanalyzed, a vendor is thought to have few customers, and
    # a part of a name is looked for among all of them.
    shop.owner.execute("ANALYZE customers")
    return shop


@pytest.mark.parametrize(
    "search",
    [
        {"name": "lovel"},
        {"email": "ada@"},
        {"phone": "0044 20"},
        {"any": "love"},
        {"any": "+442079460001"},
        {"name": "ada", "phone": "+44"},
    ],
    ids=str,
)
def test_a_search_reads_the_customers_it_finds(book, search):
    (found,) = book.call("list_customers", **search)
    assert found["id"] == book.ada
    assert blocks_read(book, "list_customers", **search) < FEW


def test_whether_somebody_is_banned_is_read_by_address_and_number(book):
    """Of all customers none is read but those who share one of the two."""
    book.owner.execute(
        "UPDATE customers SET banned_at = now() WHERE vendor_id = %s", [book.vendor_id]
    )
    stranger = {"customer": {"name": "X", "email": "x@example.org", "phone": "+39 1234"}}
    actor = {"type": "customer"}
    slot = book.slot()
    read = blocks_read(
        book,
        "claim_slot_and_create_booking",
        slot_ids=[slot],
        details=Jsonb(stranger),
        actor=Jsonb(actor),
    )
    assert read < FEW * 1.5


def _cancelled_blocks(shop: Shop, count: int) -> None:
    shop.owner.execute(
        "INSERT INTO bookings (vendor_id, kind, status, quantity, claim_count, provider_id,"
        " location_id, slot_ids, during, updated_at)"
        " SELECT %s, 'block', 'cancelled', 1, 1, %s, %s, ARRAY[uuidv7()],"
        " tstzrange(now(), now() + interval '1 hour'), now() + n * interval '1 second'"
        " FROM generate_series(1, %s) AS n",
        [shop.vendor_id, shop.provider_id, shop.location_id, count],
    )


def test_each_booking_is_read_by_its_key_though_the_planner_does_not_know_the_vendor(
    shop, sessions
):
    """It expects one booking of them, and takes any index that begins with the vendor for as good.

    What is booked and on leave is planned anew, and the bookings in the leave are named.
    """
    slots = 40
    for _ in range(2):
        _cancelled_blocks(Shop(shop.app, shop.owner), 500)
    shop.owner.execute("ANALYZE bookings")
    rota = Rota(shop)
    rota.apply(rota.wanted(*[(n, n + 1) for n in range(slots)], capacity=2))
    for slot in rota.slots():
        shop.book(slot["id"])
    leave = Leave(shop).busy(0, slots)
    _cancelled_blocks(shop, 6000)
    # Plans that a session has made before may do better by chance.
    shop.app = sessions.app().connection
    of = {"provider_id": shop.provider_id}
    moved = Jsonb(rota.wanted(*[(n + 0.5, n + 1.5) for n in range(slots)]))
    read = {
        "plan": blocks_read(
            shop,
            "apply_schedules",
            **of,
            wanted=moved,
            dry_run=True,
            **{"from": at(0), "to": at(0, 10)},
        ),
        "name": blocks_read(shop, "bookings_in_busy_time", **of),
    }
    shop.app.execute("UPDATE busy_times SET reason = 'Other' WHERE id = %s", [leave])
    read["lift"] = blocks_read(shop, "close_busy_time", **of)
    each = {what: blocks / slots for what, blocks in read.items()}
    print(each)
    assert max(each["plan"], each["name"]) < FEW * 0.6
    assert each["lift"] < FEW * 2.4


def test_who_is_too_many_for_a_new_week_is_reckoned_once_and_not_for_each_booking(shop):
    """Thousands of bookings in the way took as long as all other work together, each again."""
    (source,) = shop.owner.execute(
        "SELECT prosrc FROM pg_proc WHERE proname = 'describe_publishing'"
    ).fetchone()
    for name, given in {
        "p_vendor_id": "$1::uuid",
        "p_plan.": "($2::scheduled_plan).",
        "p_wanted": "($3::scheduled_slot[])",
    }.items():
        source = source.replace(name, given)
    plan = shop.owner.execute(f"EXPLAIN (GENERIC_PLAN) {source}", prepare=False).fetchall()
    assert any("CTE crowded" in line for (line,) in plan), plan
