"""Damage to what a vendor has set up, and to what of it bookings repeat."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from psycopg.types.json import Jsonb

from tests.damage.planting import FIT, LAPSED, ORPHANS, Damage, booked
from tests.shop import Shop, at


def _elsewhere(table: str) -> Callable[[Shop], object]:
    """The vendor has another place, and there a row of this table is all at once."""

    def plant(shop: Shop) -> object:
        booked(shop, 3)
        other = shop.insert("locations", name="Elsewhere", time_zone="UTC")
        return shop.owner.execute(
            f"UPDATE {table} SET location_id = %s WHERE vendor_id = %s", [other, shop.vendor_id]
        )

    return plant


def _hold_of_a_year(shop: Shop) -> None:
    booking_id = shop.lapsed_hold(shop.slot())
    shop.owner.execute(
        "UPDATE bookings SET hold_expires_at = now() + interval '1 year' WHERE id = %s",
        [booking_id],
    )


def _zone(table: str, key: str) -> Callable[[Shop], object]:
    """No clock goes by it: a name that a newer list of time zones has left out, say."""

    def plant(shop: Shop) -> object:
        booked(shop)
        return shop.owner.execute(
            f"UPDATE {table} SET time_zone = 'Mars/Base' WHERE {key} = %s", [shop.vendor_id]
        )

    return plant


def _joint(statement: str) -> Callable[[Shop], object]:
    """A service that takes somebody, their room and a machine; then rows of it are changed."""

    def plant(shop: Shop) -> None:
        shop.slot(9, 17)
        service = shop.service(60, [shop.provider_id], [shop.provider()], [shop.provider()])
        shop.owner.execute(statement, {"service": service})

    return plant


def _channel_to_nowhere(shop: Shop) -> None:
    shop.book(shop.slot(), start=at(9), end=at(10))
    channels = {"web": [str(uuid.uuid4())], "partner": None}
    shop.owner.execute(
        "UPDATE vendors SET channels = %s WHERE id = %s", [Jsonb(channels), shop.vendor_id]
    )


def _half_erased(shop: Shop) -> None:
    customer = shop.insert("customers", name="Ada", email="ada@example.org")
    assert shop.call("erase_customer", customer_id=customer)[0]["outcome"] == "ERASED"
    shop.owner.execute("UPDATE customers SET note = 'Ada' WHERE id = %s", [customer])


OF_NEED = "WHERE service_id = %(service)s AND need = "
DAMAGES = [
    Damage("a booking at another place than its slot", _elsewhere("bookings"), {FIT}, set()),
    Damage("a slot moved away under its booking", _elsewhere("slots"), {FIT}, set()),
    Damage("a hold for a year", _hold_of_a_year, {LAPSED}, set()),
    Damage(
        "a place whose clock nobody knows",
        _zone("locations", "vendor_id"),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a vendor whose clock nobody knows", _zone("vendors", "id"), {ORPHANS}, set(), {ORPHANS}
    ),
    Damage("an erased customer who is still known", _half_erased, {ORPHANS}, set(), {ORPHANS}),
    Damage("a channel that leads nowhere", _channel_to_nowhere, {ORPHANS}, set(), {ORPHANS}),
    Damage(
        "a service whose need nobody can fill",
        _joint(f"DELETE FROM service_providers {OF_NEED} 2"),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a service whose needs are numbered with a gap",
        _joint(
            f"WITH who AS (UPDATE service_providers SET need = 4 {OF_NEED} 2)"
            f" UPDATE service_needs SET need = 4 {OF_NEED} 2"
        ),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
]
