-- Views stand on functions, so they come after them.

-- Each booking as every answer shows it. A view and not a function, so that the planner can see
-- through it; of a door's rights it has none: describe_booking is for doors.
-- A hold whose time is over is shown as what it becomes when somebody tidies it: expired, a version later. Nothing
-- else can become of it, so whoever sends that version back in If-Match finds it.
CREATE OR REPLACE VIEW booking_descriptions WITH (security_invoker = true) AS
SELECT b.vendor_id, b.id, jsonb_build_object(
    'id', b.id, 'kind', b.kind, 'status', CASE WHEN hold.lapsed THEN 'expired' ELSE b.status END,
    'version', b.version + hold.lapsed::integer,
    'provider_id', b.provider_id,
    -- In the order of a joint service's needs. One claim has one provider; slots of an older booking may be gone.
    'provider_ids', CASE WHEN b.claim_count = 1 THEN jsonb_build_array(b.provider_id) ELSE (
        SELECT jsonb_agg(one.provider_id ORDER BY one.place)
        FROM (SELECT each.provider_id, min(each.place) AS place
              FROM (SELECT b.provider_id, 0 AS place
                    UNION ALL
                    SELECT s.provider_id, named.place FROM unnest(b.slot_ids) WITH ORDINALITY AS named (id, place)
                    JOIN slots s ON s.vendor_id = b.vendor_id AND s.id = named.id) AS each
              GROUP BY each.provider_id) AS one) END,
    'location_id', b.location_id, 'service_id', b.service_id,
    'slot_ids', to_jsonb(b.slot_ids), 'start', utc(lower(b.during)), 'end', utc(upper(b.during)),
    'buffer_before_minutes', b.buffer_before_minutes, 'buffer_after_minutes', b.buffer_after_minutes,
    'time_zone', l.time_zone, 'quantity', b.quantity, 'guests', b.guests,
    'customer', CASE WHEN c.id IS NOT NULL THEN
        jsonb_build_object('id', c.id, 'name', c.name, 'email', c.email, 'phone', c.phone) END,
    'price', price_json(b.price_amount, b.price_currency), 'hold_expires_at', utc(b.hold_expires_at),
    'cancelled_by', CASE WHEN b.status = 'cancelled' THEN cancelled_by(b.vendor_id, b.id) END,
    'cancellation_reason', b.cancellation_reason,
    'busy_time_id', CASE WHEN b.kind = 'block' THEN (
        SELECT k.busy_time_id FROM busy_blocks k WHERE k.vendor_id = b.vendor_id AND k.booking_id = b.id) END,
    'channel', b.channel, 'notes', b.notes, 'internal_notes', b.internal_notes, 'metadata', b.metadata,
    'created_at', utc(b.created_at), 'updated_at', utc(b.updated_at), 'token_version', b.token_version) AS description
FROM bookings b
CROSS JOIN LATERAL (SELECT b.status = 'held' AND b.hold_expires_at <= now() AS lapsed) AS hold
JOIN locations l ON l.vendor_id = b.vendor_id AND l.id = b.location_id
LEFT JOIN customers c ON c.vendor_id = b.vendor_id AND c.id = b.customer_id;

-- Places of each slot that are free from its start to its end, by head-count; of one with closed time none. Lapsed holds count as free, as they
-- do everywhere: they never block. Only busy time takes their place, and nobody else can.
CREATE OR REPLACE VIEW slot_availability WITH (security_invoker = true) AS
SELECT s.vendor_id, s.id AS slot_id, s.provider_id, s.location_id, s.during, s.capacity,
       CASE WHEN s.closed = '{}' THEN s.capacity - COALESCE(taken.most, 0)::integer ELSE 0 END AS available_count
FROM slots s
LEFT JOIN LATERAL (
    SELECT max(level.taken) AS most
    FROM (
        SELECT sum(sum(edge.change)) OVER (ORDER BY edge.at) AS taken
        FROM claims c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        CROSS JOIN LATERAL (
            SELECT c.during::tstzrange WHERE NOT (b.status = 'held' AND b.hold_expires_at <= now())
            UNION ALL
            SELECT unnest(range_agg(t.during * c.during)) FROM busy_times t
            WHERE b.status = 'held' AND b.hold_expires_at <= now() AND t.vendor_id = c.vendor_id AND t.provider_id = c.provider_id
              AND t.archived_at IS NULL AND t.during && c.during AND upper(t.during) > now()) AS held (during)
        CROSS JOIN LATERAL (VALUES (lower(held.during), c.quantity), (upper(held.during), -c.quantity)) AS edge (at, change)
        WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id
        GROUP BY edge.at
    ) AS level
) taken ON true;
