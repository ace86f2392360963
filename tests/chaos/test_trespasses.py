"""Each thing that trespassers try meets the law that stands against it, tried once by itself."""

from __future__ import annotations

import psycopg
import pytest

from chaos.doors.trespasses import OWNERS, ROLES
from tests.shop_fixtures import module_app, module_owner, sessions, shop

__all__ = ["module_app", "module_owner", "sessions", "shop"]


def tried(connection, trespass, shop, slot_id, booking_id):
    """The SQLSTATE that refuses it; None if nothing does, or there is nothing to do it to."""
    values = {
        "vendor": shop.vendor_id,
        "slot": slot_id,
        "booking": booking_id,
        "token": "as long as those of a run",
    }
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(trespass.statement, values)
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.mark.parametrize("trespass", OWNERS, ids=[trespass.name for trespass in OWNERS])
def test_the_owner_is_refused_by_the_law_that_is_named(shop, trespass):
    slot, other = shop.slot(), shop.slot(12, 13)
    standing, cancelled = shop.book(slot), shop.book(other)
    shop.call("cancel_booking", booking_id=cancelled)
    met = {
        tried(shop.owner, trespass, shop, *those)
        for those in ((slot, standing), (other, cancelled), (other, standing))
    }
    met -= {None}
    assert met
    assert met <= trespass.refusals


@pytest.mark.parametrize("trespass", ROLES, ids=[trespass.name for trespass in ROLES])
def test_the_role_is_refused_before_anything_is_looked_at(shop, trespass):
    slot = shop.slot()
    booking = shop.book(slot)
    assert tried(shop.app, trespass, shop, slot, booking) in trespass.refusals
