"""Every key from one table to another has a check that notices what the key no longer holds."""

from __future__ import annotations

import psycopg
import pytest

from tests.damage import DAMAGES, loosen

# Of another check than of orphans, by the damage that shows it.
ELSEWHERE = {
    "claims_slot_fkey": "the slot deleted",
    "claims_booking_fkey": "the booking deleted",
    "claims_previous_fkey": "a middle night lost",
    "bookings_last_claim_fkey": "the last night lost",
    "events_booking_fkey": "an event of no booking",
    "idempotency_keys_booking_fkey": "a key to nowhere",
}
# What an orphan is and what it lacks, by the damage that makes it.
ORPHANS = {
    "an unknown customer and service": {
        "bookings_customer_fkey": ("booking", "customer"),
        "bookings_service_fkey": ("booking", "service"),
    },
    "a slot of no schedule": {"slots_schedule_fkey": ("slot", "schedule")},
    "a slot nowhere": {"slots_location_fkey": ("slot", "location")},
    "the calendar's owner deleted": {"slots_provider_fkey": ("slot", "provider")},
    "a provider nowhere": {"providers_location_fkey": ("provider", "location")},
    "a schedule of nobody, nowhere": {
        "schedules_provider_fkey": ("schedule", "provider"),
        "schedules_location_fkey": ("schedule", "location"),
    },
    "a closed day of nobody, of no schedule": {
        "schedule_exceptions_provider_fkey": ("schedule_exception", "provider"),
        "schedule_exceptions_schedule_fkey": ("schedule_exception", "schedule"),
    },
    "published for nobody": {
        "schedule_publishings_provider_fkey": ("schedule_publishing", "provider")
    },
    "a need of no service": {"service_needs_service_fkey": ("service_need", "service")},
    "a service by nobody": {
        "service_providers_need_fkey": ("service_provider", "service_need"),
        "service_providers_provider_fkey": ("service_provider", "provider"),
    },
    "a busy time of nobody": {"busy_times_provider_fkey": ("busy_time", "provider")},
    "a busy block of no booking": {"busy_blocks_booking_fkey": ("busy_block", "booking")},
    "a busy block of no busy time": {"busy_blocks_busy_time_fkey": ("busy_block", "busy_time")},
    "the vendor gone": {
        "locations_vendor_id_fkey": ("location", "vendor"),
        "providers_vendor_id_fkey": ("provider", "vendor"),
        "services_vendor_id_fkey": ("service", "vendor"),
        "customers_vendor_id_fkey": ("customer", "vendor"),
        "api_keys_vendor_id_fkey": ("api_key", "vendor"),
        "import_refs_vendor_id_fkey": ("import_ref", "vendor"),
    },
}
PLANT = {damage.name: damage.plant for damage in DAMAGES}


@pytest.fixture(scope="module")
def keys(module_database):
    """The names of all foreign keys; afterwards this module's database has none."""
    with psycopg.connect(module_database.superuser_url, autocommit=True) as superuser:
        found = superuser.execute(
            "SELECT conname FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND contype = 'f'"
        ).fetchall()
        loosen(superuser)
    return {name for (name,) in found}


def test_no_key_is_without_its_check(keys):
    noticed = {name for pairs in ORPHANS.values() for name in pairs}
    assert noticed | ELSEWHERE.keys() == keys
    assert not noticed & ELSEWHERE.keys()
    assert PLANT.keys() >= set(ELSEWHERE.values())


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("damage, pairs", ORPHANS.items(), ids=ORPHANS.keys())
def test_what_a_key_no_longer_holds_is_an_orphan_and_says_what_it_lacks(shop, damage, pairs):
    PLANT[damage](shop)
    (row,) = shop.call("verify_booking_slot_consistency", checks=["nothing_is_orphaned"])
    found = {
        (orphan["kind"], missing) for orphan in row["offenders"] for missing in orphan["missing"]
    }
    assert found >= set(pairs.values())
