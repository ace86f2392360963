-- Promise: of slots, bookings and what hangs on them, each time that is none (impossible), with its table, column and what finds the row
-- (as a key does, but for the vendor). One look at each row: its first and its last time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION impossible_times(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (vendor_id uuid, of text, row_key jsonb, name text, value text)
LANGUAGE sql STABLE
AS $$
    SELECT b.vendor_id, 'bookings', jsonb_build_object('id', b.id), t.name, impossible(t.at)
    FROM bookings_in_scope(p_vendor_id, p_since) b
    CROSS JOIN LATERAL (VALUES ('during', lower(b.during)), ('during', upper(b.during)), ('hold_expires_at', b.hold_expires_at),
                               ('created_at', b.created_at), ('updated_at', b.updated_at)) AS t (name, at)
    WHERE COALESCE(impossible(LEAST(lower(b.during), upper(b.during), b.hold_expires_at, b.created_at, b.updated_at)),
                   impossible(GREATEST(lower(b.during), upper(b.during), b.hold_expires_at, b.created_at, b.updated_at))) IS NOT NULL
    UNION ALL
    SELECT c.vendor_id, 'claims', jsonb_build_object('booking_id', c.booking_id, 'ordinal', c.ordinal), t.name, impossible(t.at)
    FROM claims_in_scope(p_vendor_id, p_since) c
    CROSS JOIN LATERAL (VALUES ('during', lower(c.during)), ('during', upper(c.during)),
                               ('slot_during', lower(c.slot_during)), ('slot_during', upper(c.slot_during))) AS t (name, at)
    WHERE COALESCE(impossible(LEAST(lower(c.during), upper(c.during), lower(c.slot_during), upper(c.slot_during))),
                   impossible(GREATEST(lower(c.during), upper(c.during), lower(c.slot_during), upper(c.slot_during)))) IS NOT NULL
    UNION ALL
    SELECT s.vendor_id, 'slots', jsonb_build_object('id', s.id), t.name, impossible(t.at)
    FROM slots_in_scope(p_vendor_id, p_since) s
    CROSS JOIN LATERAL (VALUES ('during', lower(s.during)), ('during', upper(s.during)), ('closed', lower(s.closed)),
                               ('closed', upper(s.closed)), ('created_at', s.created_at), ('updated_at', s.updated_at)) AS t (name, at)
    WHERE COALESCE(impossible(LEAST(lower(s.during), upper(s.during), lower(s.closed), s.created_at, s.updated_at)),
                   impossible(GREATEST(lower(s.during), upper(s.during), upper(s.closed), s.created_at, s.updated_at))) IS NOT NULL
    UNION ALL
    SELECT e.vendor_id, 'events', jsonb_build_object('booking_id', e.booking_id, 'sequence', e.sequence), 'occurred_at', impossible(e.occurred_at)
    FROM (
        SELECT e.* FROM events e WHERE p_vendor_id IS NULL AND p_since IS NULL
        UNION ALL
        SELECT e.* FROM events e WHERE e.vendor_id = p_vendor_id AND p_since IS NULL
        UNION ALL
        SELECT e.* FROM bookings_in_scope(p_vendor_id, p_since) b
        JOIN events e ON e.vendor_id = b.vendor_id AND e.booking_id = b.id
        WHERE p_since IS NOT NULL
    ) AS e
    UNION ALL
    -- The key itself may be a caller's secret: its digest finds it as well.
    SELECT k.vendor_id, 'idempotency_keys', jsonb_build_object('key_sha256', encode(sha256(convert_to(k.key, 'UTF8')), 'hex')),
           'created_at', impossible(k.created_at)
    FROM idempotency_keys k
    WHERE (p_vendor_id IS NULL OR k.vendor_id = p_vendor_id) AND p_since IS NULL AND impossible(k.created_at) IS NOT NULL
    UNION ALL
    SELECT k.vendor_id, 'busy_blocks', jsonb_build_object('booking_id', k.booking_id), 'ends', impossible(k.ends)
    FROM busy_blocks_in_scope(p_vendor_id, p_since) k
    UNION ALL
    SELECT c.* FROM impossible_times_of_catalogue(p_vendor_id) c WHERE p_since IS NULL
$$;
