"""Damage to what names something else, and to what stands for busy time."""

from __future__ import annotations

from collections.abc import Callable

from tests import raw
from tests.damage.planting import (
    BUSY,
    EVENTS,
    FIT,
    OPEN,
    ORPHANS,
    Damage,
    change,
    delete,
    write,
)
from tests.leave import Leave
from tests.shop import Shop


def _busy(statement: str, *, close: bool = True) -> Callable[[Shop], object]:
    """Publish a morning, part of which is busy, then change what stands for that by hand."""

    def plant(shop: Shop) -> None:
        shop.slot(9, 12)
        Leave(shop).busy(10, 11, close=close)
        if statement:
            shop.owner.execute(f"{statement} WHERE vendor_id = %s", [shop.vendor_id])

    return plant


def _lifted(shop: Shop) -> None:
    """The block of a busy time is cancelled, by hand but in due form."""
    _busy("DELETE FROM claims")(shop)
    (booking,) = shop.rows(
        "UPDATE bookings SET status = 'cancelled', version = 2 WHERE vendor_id = %s RETURNING id"
    )
    shop.owner.execute(
        "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
        " VALUES (%s, %s, 2, 'cancelled', '{}', '{}')",
        [shop.vendor_id, booking["id"]],
    )


def _forgotten(shop: Shop) -> None:
    """The block of a busy time is gone, with all that was made of it."""
    _busy("DELETE FROM claims")(shop)
    for table in ("busy_blocks", "events", "bookings"):
        shop.owner.execute(f"DELETE FROM {table} WHERE vendor_id = %s", [shop.vendor_id])


def _not_done_by(shop: Shop) -> None:
    """A service that one does, and another who is not there, for a need that it does not have."""
    service = shop.service(60, [shop.provider_id])
    write("service_providers", service_id=service, need=2, nowhere=("provider_id",))(shop)


def _done_by(assignment: str) -> Callable[[Shop], object]:
    """A service that two do, or either of them; then something of that changed by hand."""

    def plant(shop: Shop) -> None:
        other = shop.provider()
        shop.slot(9, 10, day=6, provider_id=other)
        shop.service(60, [shop.provider_id, other])
        shop.service(60, [shop.provider_id], [other])
        shop.owner.execute(f"{assignment} AND vendor_id = %s", [shop.vendor_id])

    return plant


def _without_a_vendor(shop: Shop) -> None:
    """The vendor is gone, and what they set up is not."""
    shop.service()
    customer = shop.insert("customers", name="Ada")
    shop.insert(
        "api_keys", name="till", key_hash=shop.vendor_id.bytes * 2, prefix="k", scope="read"
    )
    raw.insert(
        shop.owner,
        "import_refs",
        {"vendor_id": shop.vendor_id, "kind": "customers", "ref": "17", "row_id": customer},
    )
    shop.owner.execute("DELETE FROM vendors WHERE id = %s", [shop.vendor_id])


NOWHERE = "location_id = vendor_id"
DAMAGES = [
    Damage("a place that never was", change("bookings", NOWHERE), {ORPHANS, FIT}, set()),
    Damage(
        "an unknown customer and service",
        change("bookings", "customer_id = vendor_id, service_id = vendor_id"),
        {ORPHANS},
        set(),
    ),
    Damage("the calendar's owner deleted", delete("providers", "true"), {ORPHANS}, set()),
    Damage("a slot of no schedule", change("slots", "schedule_id = vendor_id"), {ORPHANS}, set()),
    Damage(
        "a schedule of nobody, nowhere",
        write(
            "schedules",
            valid_from="2040-01-02",
            weekly="{}",
            nowhere=("provider_id", "location_id"),
        ),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a closed day of nobody, of no schedule",
        write(
            "schedule_exceptions",
            starts_on="2040-01-02",
            ends_on="2040-01-02",
            kind="closed",
            nowhere=("provider_id", "schedule_id"),
        ),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage("a slot nowhere", change("slots", NOWHERE), {ORPHANS, FIT}, set()),
    Damage("a provider nowhere", change("providers", NOWHERE), {ORPHANS}, set(), {ORPHANS}),
    Damage("the vendor gone", _without_a_vendor, {ORPHANS}, set(), {ORPHANS}),
    Damage(
        "published for nobody",
        write("schedule_publishings", inputs=b"", nowhere=("provider_id",)),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a need of no service",
        write("service_needs", need=1, role="masseur", nowhere=("service_id",)),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage("a service by nobody", _not_done_by, {ORPHANS}, set(), {ORPHANS}),
    Damage(
        "a need that is gone",
        _done_by("DELETE FROM service_needs WHERE need = 2"),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a need that is gone, and whose provider has left",
        _done_by(
            "WITH left_us AS (UPDATE providers SET archived_at = now() FROM service_providers d"
            " WHERE d.provider_id = id AND d.need = 2) DELETE FROM service_needs WHERE need = 2"
        ),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a busy time of nobody",
        write(
            "busy_times",
            source="time_off",
            during="[2040-01-02T10:00Z,2040-01-02T11:00Z)",
            nowhere=("provider_id",),
        ),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a name for nobody",
        write("import_refs", kind="customers", ref="17", nowhere=("row_id",)),
        {ORPHANS},
        set(),
        {ORPHANS},
    ),
    Damage(
        "a busy block of no booking",
        _busy("UPDATE busy_blocks SET booking_id = vendor_id"),
        {ORPHANS},
        set(),
    ),
    Damage(
        "a busy block of no busy time",
        _busy("UPDATE busy_blocks SET busy_time_id = vendor_id"),
        {ORPHANS},
        set(),
    ),
    Damage(
        "a busy block that is an appointment",
        _busy("UPDATE bookings SET kind = 'appointment'"),
        {BUSY, EVENTS},
        set(),
    ),
    Damage(
        "a busy block of another end",
        _busy("UPDATE busy_blocks SET ends = ends + interval '1 hour'"),
        {BUSY},
        set(),
    ),
    Damage(
        "a busy block of another provider",
        _busy("UPDATE busy_blocks SET provider_id = vendor_id"),
        {BUSY},
        set(),
    ),
    Damage(
        "a busy time that is gone but for its block",
        _busy("UPDATE busy_times SET archived_at = now()"),
        {BUSY},
        set(),
    ),
    Damage(
        "a busy time that has left its block behind",
        _busy("UPDATE busy_times SET during = '[2040-01-03T10:00Z,2040-01-03T11:00Z)'"),
        {BUSY},
        set(),
    ),
    Damage("busy time that nobody closed", _busy("", close=False), {OPEN}, set()),
    Damage("a busy block lifted by hand", _lifted, {BUSY, OPEN}, set()),
    Damage("a busy block that nobody knows of any more", _forgotten, {OPEN}, set()),
]
