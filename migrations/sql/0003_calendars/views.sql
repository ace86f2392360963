-- Views stand on functions, so they come after them.

-- Each booking as every answer shows it. A view and not a function, so that the planner can see
-- through it; of a door's rights it has none: describe_booking is for doors.
-- A hold whose time is over is shown as what it becomes when somebody tidies it: expired, a version later. Nothing
-- else can become of it, so whoever sends that version back in If-Match finds it.
CREATE OR REPLACE VIEW booking_descriptions WITH (security_invoker = true) AS
SELECT b.vendor_id, b.id, jsonb_build_object(
    'id', b.id, 'kind', b.kind, 'status', CASE WHEN hold.lapsed THEN 'expired' ELSE b.status END,
    'version', b.version + hold.lapsed::integer,
    'provider_id', b.provider_id, 'location_id', b.location_id, 'service_id', b.service_id,
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

-- Places of each slot that are free from its start to its end, by head-count. Lapsed holds count as free, as they do
-- everywhere: they never block.
CREATE OR REPLACE VIEW slot_availability WITH (security_invoker = true) AS
SELECT s.vendor_id, s.id AS slot_id, s.provider_id, s.location_id, s.during, s.capacity,
       s.capacity - COALESCE(taken.most, 0)::integer AS available_count
FROM slots s
LEFT JOIN LATERAL (
    SELECT max(level.taken) AS most
    FROM (
        SELECT sum(sum(edge.change)) OVER (ORDER BY edge.at) AS taken
        FROM claims c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        CROSS JOIN LATERAL (VALUES (lower(c.during), c.quantity), (upper(c.during), -c.quantity)) AS edge (at, change)
        WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id
          AND NOT (b.status = 'held' AND b.hold_expires_at <= now())
        GROUP BY edge.at
    ) AS level
) taken ON true;
