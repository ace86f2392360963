-- Promise: idempotency keys that name a booking which is not there, or was not made together with the key, or nothing at all: a
-- repeated request would be answered with nothing, with another's booking, or refused as another one. (Both rows are of one transaction, and
-- so of one moment.) With p_since: of the keys made since.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_keys_to_nowhere(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH scope AS (
        SELECT k.vendor_id, k.key, k.booking_id, k.made, k.created_at
        FROM idempotency_keys k WHERE p_vendor_id IS NULL AND p_since IS NULL
        UNION ALL
        SELECT k.vendor_id, k.key, k.booking_id, k.made, k.created_at
        FROM idempotency_keys k WHERE k.vendor_id = p_vendor_id AND p_since IS NULL
        UNION ALL
        SELECT k.vendor_id, k.key, k.booking_id, k.made, k.created_at
        FROM vendors v JOIN idempotency_keys k ON k.vendor_id = v.id AND k.created_at >= p_since
        WHERE p_vendor_id IS NULL OR v.id = p_vendor_id
    ), found AS (
        SELECT s.*, row_number() OVER (ORDER BY s.vendor_id, s.key) AS place
        FROM scope s LEFT JOIN bookings b ON b.vendor_id = s.vendor_id AND b.id = s.booking_id
        WHERE CASE WHEN s.booking_id IS NULL THEN s.made = '{}' ELSE b.created_at IS DISTINCT FROM s.created_at END
    )
    -- The key itself may be a caller's secret: its digest finds it as well.
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'key_sha256', encode(sha256(convert_to(f.key, 'UTF8')), 'hex'),
        'booking_id', f.booking_id, 'created_at', utc(f.created_at)) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
