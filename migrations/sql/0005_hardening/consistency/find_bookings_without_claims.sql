-- Promise: occupying bookings that lack some of their claims 1..claim_count, or have none at all.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_bookings_without_claims(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH found AS (
        SELECT b.vendor_id, b.id, b.status, b.claim_count, count(DISTINCT c.ordinal) AS claims_found,
               row_number() OVER (ORDER BY b.vendor_id, b.id) AS place
        FROM bookings_in_scope(p_vendor_id, p_since) b
        LEFT JOIN claims c ON c.vendor_id = b.vendor_id AND c.booking_id = b.id AND c.ordinal BETWEEN 1 AND b.claim_count
        WHERE b.status IN ('requested', 'held', 'confirmed', 'completed', 'no_show')
        GROUP BY b.vendor_id, b.id, b.status, b.claim_count
        HAVING count(DISTINCT c.ordinal) IS DISTINCT FROM b.claim_count OR b.claim_count < 1
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'booking_id', f.id, 'status', f.status, 'claim_count', f.claim_count,
        'claims_found', f.claims_found) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
