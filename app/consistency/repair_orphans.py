"""What a person could do about a row that names another which is not there."""

from __future__ import annotations

from app.consistency.repair_data import Offender, filled

# Several rows may lack the same one: the second statement then does nothing.
_ONCE = " ON CONFLICT DO NOTHING;"
_STAND_IN_VENDOR = (
    "INSERT INTO vendors (id, slug, name, time_zone, archived_at)"
    " VALUES ({vendor_id}, {slug}, 'Lost', 'UTC', now()) ON CONFLICT DO NOTHING;"
)
# Whoever knows who could do it makes it anew: nobody can book it as it is.
_ARCHIVED_SERVICE = (
    "UPDATE services SET archived_at = now(), version = version + 1, updated_at = now()"
    " WHERE vendor_id = {vendor_id} AND id = {id};"
)
_ANY_LOCATION = (
    "(SELECT l.id FROM locations l WHERE l.vendor_id = {vendor_id} ORDER BY l.id LIMIT 1)"
)


def _of(table: str) -> str:
    return f" FROM {table} WHERE vendor_id = {{vendor_id}} AND id = {{id}}"


def _location(table: str) -> str:
    return (
        "INSERT INTO locations (vendor_id, id, name, time_zone, archived_at)"
        " SELECT vendor_id, location_id, 'Lost', 'UTC', now()" + _of(table) + _ONCE
    )


def _provider(table: str, place: str = _ANY_LOCATION) -> str:
    return (
        "INSERT INTO providers (vendor_id, id, location_id, name, archived_at)"
        f" SELECT vendor_id, provider_id, {place}, 'Lost', now()" + _of(table) + _ONCE
    )


# By what the offender is and what it lacks. A stand-in where others may need it, too; otherwise
# the reference goes, or the row, where it means nothing without.
_MEND = {
    ("booking", "location"): _location("bookings"),
    ("booking", "provider"): _provider("bookings", "location_id"),
    ("booking", "service"): (
        "UPDATE bookings SET service_id = NULL WHERE vendor_id = {vendor_id} AND id = {id};"
    ),
    ("booking", "customer"): (
        "UPDATE bookings SET customer_id = NULL WHERE vendor_id = {vendor_id} AND id = {id};"
    ),
    ("slot", "location"): _location("slots"),
    ("slot", "provider"): _provider("slots", "location_id"),
    ("slot", "schedule"): (
        "INSERT INTO schedules (vendor_id, id, provider_id, valid_from, weekly, archived_at)"
        " SELECT vendor_id, schedule_id, provider_id, current_date, '{{}}', now()"
        + _of("slots")
        + _ONCE
    ),
    ("provider", "location"): _location("providers"),
    ("schedule", "location"): _location("schedules"),
    ("schedule", "provider"): _provider("schedules"),
    ("schedule_exception", "provider"): _provider("schedule_exceptions"),
    ("schedule_exception", "schedule"): (
        "DELETE FROM schedule_exceptions WHERE vendor_id = {vendor_id} AND id = {id};"
    ),
    ("schedule_publishing", "provider"): (
        "DELETE FROM schedule_publishings WHERE vendor_id = {vendor_id} AND provider_id = {id};"
    ),
    ("busy_time", "provider"): _provider("busy_times"),
    ("busy_block", "booking"): (
        "DELETE FROM busy_blocks WHERE vendor_id = {vendor_id} AND booking_id = {id};"
    ),
    ("location", "time_zone"): (
        "UPDATE locations l SET time_zone = v.time_zone, version = l.version + 1,"
        " updated_at = now() FROM vendors v WHERE v.id = l.vendor_id"
        " AND l.vendor_id = {vendor_id} AND l.id = {id};"
    ),
    ("vendor", "time_zone"): (
        "UPDATE vendors SET time_zone = 'UTC', version = version + 1, updated_at = now()"
        " WHERE id = {id};"
    ),
    ("channel", "location"): (
        "UPDATE vendors SET channels = jsonb_set(channels, ARRAY[{channel}],"
        " (channels -> {channel}::text) - {location_id}::text), version = version + 1,"
        " updated_at = now() WHERE id = {id};"
    ),
    ("customer", "erasure"): (
        "UPDATE customers SET name = NULL, email = NULL, phone = NULL, note = NULL,"
        " version = version + 1, updated_at = now()"
        " WHERE vendor_id = {vendor_id} AND id = {id} AND erased_at IS NOT NULL;"
    ),
    ("service", "service_need"): _ARCHIVED_SERVICE,
    ("service_need", "provider"): _ARCHIVED_SERVICE,
    ("service_need", "service"): (
        "DELETE FROM service_providers WHERE vendor_id = {vendor_id} AND service_id = {id}"
        " AND need = {need}; DELETE FROM service_needs WHERE vendor_id = {vendor_id}"
        " AND service_id = {id} AND need = {need};"
    ),
    # A need that nobody can fill would close the service to everybody: only with somebody who can.
    ("service_provider", "service_need"): (
        "INSERT INTO service_needs (vendor_id, service_id, need, role)"
        " SELECT p.vendor_id, {id}, {need}, 'Lost' FROM providers p WHERE p.vendor_id = {vendor_id}"
        " AND p.id = {provider_id} AND p.archived_at IS NULL ON CONFLICT DO NOTHING;"
        " DELETE FROM service_providers sp WHERE sp.vendor_id = {vendor_id}"
        " AND sp.service_id = {id} AND sp.provider_id = {provider_id} AND NOT EXISTS ("
        "SELECT FROM service_needs n WHERE n.vendor_id = sp.vendor_id"
        " AND n.service_id = sp.service_id AND n.need = sp.need);"
    ),
    ("service_provider", "provider"): (
        "DELETE FROM service_providers WHERE vendor_id = {vendor_id} AND service_id = {id}"
        " AND provider_id = {provider_id};"
    ),
    ("import_ref", "row"): (
        "DELETE FROM import_refs WHERE vendor_id = {vendor_id} AND kind = {of} AND row_id = {id};"
    ),
}
# The block is then one of the vendor's own, and can be lifted like any other.
_MEND["busy_block", "busy_time"] = _MEND["busy_block", "booking"]
# The row goes. What else it lacks is then lacked by nobody: a stand-in for that could only harm.
_GOES = {("service_provider", "provider"), ("schedule_exception", "schedule")}


def mend_orphan(offender: Offender) -> list[str]:
    """A stand-in for each missing row, or without it where that may be."""
    if "vendor" in offender["missing"]:
        slug = f"lost-{str(offender['vendor_id'])[-12:]}"
        return [filled(_STAND_IN_VENDOR, offender, slug=slug)]
    # A provider's stand-in refers to its location: that one first.
    lacks = [(offender["kind"], name) for name in sorted(offender["missing"])]
    mends = dict.fromkeys(_MEND[lack] for lack in lacks if lack in _GOES or not _GOES & {*lacks})
    return [filled(mend, offender) for mend in mends]
