"""What an export reads, a statement a kind: rows in the order in which an import makes them.

A row is named by what a file called it, or by its id.
"""

# Every name in these statements is ours, and values are parameters.
# ruff: noqa: S608, E501

from __future__ import annotations


def _ref(kind: str, row_id: str) -> str:
    """What a row is called: of several names always the same."""
    return f"""COALESCE((
        SELECT min(r.ref) FROM import_refs r
        WHERE r.vendor_id = %(vendor_id)s AND r.row_id = {row_id} AND r.kind = '{kind}'
    ), {row_id}::text)"""


_OF = "x.vendor_id = %(vendor_id)s"
_WINDOW = """
    AND (%(start)s::timestamptz IS NULL OR upper(x.during) > %(start)s)
    AND (%(end)s::timestamptz IS NULL OR lower(x.during) < %(end)s)
"""
_PRICE = "x.price_amount, x.price_currency"

STATEMENTS = {
    "settings": """
        SELECT x.name, x.time_zone, x.public_booking, x.availability_numbers, x.open_bookings_max,
               x.hold_minutes, x.service_required
        FROM vendors x WHERE x.id = %(vendor_id)s
    """,
    "channels": f"""
        SELECT channel.name AS channel,
               CASE WHEN place.id IS NOT NULL THEN {_ref("locations", "place.id::uuid")} END
               AS location, place.preference
        FROM vendors x
        CROSS JOIN LATERAL jsonb_each(x.channels) AS channel (name, places)
        LEFT JOIN LATERAL jsonb_array_elements_text(channel.places) WITH ORDINALITY
                          AS place (id, preference) ON true
        WHERE x.id = %(vendor_id)s ORDER BY channel.name COLLATE "C", place.preference
    """,
    "locations": f"""
        SELECT {_ref("locations", "x.id")} AS ref, x.name, x.address, x.time_zone,
               x.archived_at IS NOT NULL AS archived
        FROM locations x WHERE {_OF} ORDER BY x.id
    """,
    "providers": f"""
        SELECT {_ref("providers", "x.id")} AS ref, x.name,
               {_ref("locations", "x.location_id")} AS location, x.archived_at IS NOT NULL AS archived
        FROM providers x WHERE {_OF} ORDER BY x.id
    """,
    "services": f"""
        SELECT {_ref("services", "x.id")} AS ref, x.name, x.duration_minutes,
               x.buffer_before_minutes, x.buffer_after_minutes, x.start_step_minutes,
               x.notice_minutes, x.window_days, x.quantity_min, x.quantity_max, {_PRICE},
               x.archived_at IS NOT NULL AS archived
        FROM services x WHERE {_OF} ORDER BY x.id
    """,
    "needs": f"""
        SELECT {_ref("services", "x.service_id")} AS service, x.need, n.role,
               {_ref("providers", "x.provider_id")} AS provider, x.preference
        FROM service_providers x
        JOIN service_needs n USING (vendor_id, service_id, need)
        JOIN providers p ON p.vendor_id = x.vendor_id AND p.id = x.provider_id
        WHERE {_OF} ORDER BY x.service_id, x.need, x.preference, x.provider_id
    """,
    "schedules": f"""
        SELECT {_ref("schedules", "x.id")} AS ref, {_ref("providers", "x.provider_id")} AS provider,
               CASE WHEN x.location_id IS NOT NULL THEN {_ref("locations", "x.location_id")} END
               AS location, x.valid_from, x.valid_until, x.weekly, x.slot_minutes, x.gap_minutes,
               x.capacity, {_PRICE}, x.archived_at IS NOT NULL AS archived
        FROM schedules x
        JOIN providers p ON p.vendor_id = x.vendor_id AND p.id = x.provider_id
        -- Slots of archived ones stand for their bookings alone, and are not to be for sale again.
        WHERE {_OF} AND p.archived_at IS NULL AND (x.archived_at IS NULL OR EXISTS (
            SELECT FROM slots k WHERE k.vendor_id = x.vendor_id AND k.provider_id = x.provider_id
            AND k.schedule_id = x.id AND k.during && tstzrange(now(), NULL)))
        ORDER BY x.id
    """,
    "exceptions": f"""
        SELECT {_ref("exceptions", "x.id")} AS ref, {_ref("providers", "x.provider_id")} AS provider,
               CASE WHEN x.schedule_id IS NOT NULL THEN {_ref("schedules", "x.schedule_id")} END
               AS schedule, x.starts_on, x.ends_on, x.kind, x.hours, x.reason
        FROM schedule_exceptions x
        JOIN providers p ON p.vendor_id = x.vendor_id AND p.id = x.provider_id
        LEFT JOIN schedules s ON s.vendor_id = x.vendor_id AND s.id = x.schedule_id
        WHERE {_OF} AND x.archived_at IS NULL AND p.archived_at IS NULL
          AND s.archived_at IS NULL
        ORDER BY x.id
    """,
    "time_off": f"""
        SELECT {_ref("providers", "x.provider_id")} AS provider, lower(x.during) AS start,
               upper(x.during) AS end, x.reason, x.calendar, encode(x.event, 'hex') AS event,
               l.time_zone AS zone
        FROM busy_times x
        JOIN providers p ON p.vendor_id = x.vendor_id AND p.id = x.provider_id
        JOIN locations l ON l.vendor_id = p.vendor_id AND l.id = p.location_id
        WHERE {_OF} AND x.archived_at IS NULL AND p.archived_at IS NULL {_WINDOW}
        ORDER BY lower(x.during), x.provider_id, x.id
    """,
    "slots": f"""
        SELECT {_ref("providers", "x.provider_id")} AS provider, lower(x.during) AS start,
               upper(x.during) AS end, x.capacity, {_ref("locations", "x.location_id")} AS location,
               {_PRICE},
               CASE WHEN p.archived_at IS NULL AND s.id IS NOT NULL
                         AND (s.archived_at IS NULL OR upper(x.during) > now())
                    THEN {_ref("schedules", "x.schedule_id")} END AS schedule,
               l.time_zone AS zone
        FROM slots x
        JOIN locations l ON l.vendor_id = x.vendor_id AND l.id = x.location_id
        JOIN providers p ON p.vendor_id = x.vendor_id AND p.id = x.provider_id
        LEFT JOIN schedules s ON s.vendor_id = x.vendor_id AND s.id = x.schedule_id
        WHERE {_OF} {_WINDOW} ORDER BY lower(x.during), x.provider_id
    """,
    "customers": f"""
        SELECT {_ref("customers", "x.id")} AS ref, x.name, x.email, x.phone, x.note,
               x.banned_at IS NOT NULL AS banned
        FROM customers x WHERE {_OF} AND x.erased_at IS NULL ORDER BY x.id
    """,
    "bookings": f"""
        SELECT {_ref("bookings", "x.id")} AS ref, x.kind,
               CASE WHEN x.status = 'held' AND x.hold_expires_at <= now() THEN 'expired'
                    ELSE x.status END AS status,
               {_ref("providers", "x.provider_id")} AS provider,
               ARRAY(
                   SELECT {_ref("providers", "other.provider_id")} FROM (
                       SELECT DISTINCT s.provider_id FROM slots s
                       WHERE s.vendor_id = x.vendor_id AND s.id = ANY (x.slot_ids)
                         AND s.provider_id <> x.provider_id) AS other
                   ORDER BY other.provider_id) AS other_providers,
               CASE WHEN x.service_id IS NOT NULL THEN {_ref("services", "x.service_id")} END
               AS service, lower(x.during) AS start, upper(x.during) AS end, x.quantity, x.guests,
               CASE WHEN c.id IS NOT NULL THEN {_ref("customers", "c.id")} END AS customer,
               c.name AS customer_name, c.email AS customer_email, c.phone AS customer_phone,
               {_PRICE}, x.buffer_before_minutes, x.buffer_after_minutes,
               CASE WHEN x.status = 'held' AND x.hold_expires_at > now() THEN x.hold_expires_at END
               AS hold_expires_at,
               CASE WHEN x.status = 'cancelled' THEN (
                   SELECT e.actor ->> 'type' FROM events e
                   WHERE e.vendor_id = x.vendor_id AND e.booking_id = x.id AND e.kind = 'cancelled'
                   ORDER BY e.sequence DESC LIMIT 1) END AS cancelled_by,
               x.cancellation_reason, x.channel, x.notes, x.internal_notes,
               NULLIF(x.metadata, '{{}}') AS metadata, l.time_zone AS zone
        FROM bookings x
        JOIN locations l ON l.vendor_id = x.vendor_id AND l.id = x.location_id
        LEFT JOIN customers c ON c.vendor_id = x.vendor_id AND c.id = x.customer_id
             AND c.erased_at IS NULL
        -- What stands for busy time is made anew by the time off.
        WHERE {_OF} {_WINDOW} AND NOT EXISTS (
            SELECT FROM busy_blocks k WHERE k.vendor_id = x.vendor_id AND k.booking_id = x.id)
        ORDER BY lower(x.during), x.occupying, x.id
    """,
}
