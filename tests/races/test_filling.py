"""Slots filled to the last place by clients that do not know of each other."""

from __future__ import annotations

import psycopg
import pytest

from tests.crowd import counts
from tests.doors import Deed
from tests.shop import Shop

CLIENTS, SEATS = 32, 500


@pytest.fixture
def new_shop(database):
    """A vendor in a database of its own, in which nothing was ever analyzed."""
    with (
        psycopg.connect(database.app_url, autocommit=True) as app,
        psycopg.connect(database.owner_url, autocommit=True) as owner,
    ):
        yield Shop(app, owner)


@pytest.mark.parametrize("doors", [["sql"], ["http"], ["sql", "http"]], ids="-".join)
def test_thirty_two_clients_fill_five_hundred_seats_of_an_unanalyzed_database_exactly(
    new_shop, database, gather, serve, doors
):
    known = "SELECT relname, reltuples FROM pg_class WHERE relname IN ('claims', 'bookings')"
    assert dict(new_shop.owner.execute(known).fetchall()) == {"claims": -1, "bookings": -1}
    url = serve().url if "http" in doors else ""
    crowd = gather(new_shop, database, doors, url)
    slot = new_shop.slot(capacity=SEATS)
    crowd.assemble(CLIENTS)
    # More wishes than seats: 32 x 18 = 576.
    answers = crowd.rush([[Deed("book", (slot,))] * 18] * CLIENTS, at_once_min=4)
    assert counts(answers) == {"CONFIRMED": SEATS, "BOOKING_CONFLICT": CLIENTS * 18 - SEATS}
    claimed = "SELECT count(DISTINCT unit) FROM claims, unnest(units) r, generate_series"
    units = new_shop.owner.execute(f"{claimed}(lower(r), upper(r) - 1) AS unit").fetchone()
    assert units == (SEATS,)


@pytest.mark.parametrize("doors", [["sql", "raw"], ["http", "raw"]], ids="-".join)
def test_clients_and_owners_who_write_by_hand_fill_a_slot_together(
    shop, module_database, gather, request, doors
):
    url = request.getfixturevalue("server").url if "http" in doors else ""
    crowd = gather(shop, module_database, doors, url)
    slot = shop.slot(capacity=60)
    crowd.assemble(12)
    answers = crowd.rush([[Deed("book", (slot,))] * 7] * 12, at_once_min=4)
    found = counts(answers)
    # A client that lost three times in a row to raw writers is told to try again, and is not
    # tried again here: what it did not take is left over.
    assert found.keys() <= {"CONFIRMED", "BOOKING_CONFLICT", "CONCURRENCY_ABORT"}
    assert found["CONFIRMED"] == 60
