-- Promise: what the request with this key made, as it is now, or IDEMPOTENCY_CONFLICT when the key
-- belongs to another request; no row when the key is not known.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION replay_booking(p_vendor_id uuid, p_key text, p_fingerprint bytea)
RETURNS TABLE (outcome text, booking_id uuid, replayed boolean, facts jsonb)
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN same THEN upper(e.kind) ELSE 'IDEMPOTENCY_CONFLICT' END,
           CASE WHEN same THEN k.booking_id END,
           same,
           CASE WHEN same THEN describe_booking(p_vendor_id, k.booking_id) ELSE '{}' END
    FROM idempotency_keys k
    CROSS JOIN LATERAL (SELECT k.fingerprint = p_fingerprint AND k.booking_id IS NOT NULL AS same) AS compared
    LEFT JOIN events e ON e.vendor_id = k.vendor_id AND e.booking_id = k.booking_id AND e.sequence = 1
    WHERE k.vendor_id = p_vendor_id AND k.key = p_key
$$;
