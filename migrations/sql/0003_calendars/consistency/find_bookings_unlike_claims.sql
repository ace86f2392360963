-- Promise: occupying bookings whose start and end (the buffers they were made with around them), provider or slots are
-- not those of their claims. (Those that lack claims are another check's.)
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_bookings_unlike_claims(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH claimed AS (
        SELECT c.vendor_id, c.booking_id, count(*) AS claims, min(lower(c.during)) AS starts, max(upper(c.during)) AS ends,
               array_agg(c.slot_id ORDER BY c.ordinal) AS slot_ids,
               (array_agg(c.provider_id ORDER BY c.ordinal))[1] AS provider_id
        FROM claims_in_scope(p_vendor_id, p_since) c
        GROUP BY c.vendor_id, c.booking_id
    ), compared AS (
        SELECT b.vendor_id, b.id, b.during, c.starts, c.ends, array_remove(ARRAY[
            CASE WHEN lower(b.during) - make_interval(mins => b.buffer_before_minutes) IS DISTINCT FROM c.starts THEN 'start' END,
            CASE WHEN upper(b.during) + make_interval(mins => b.buffer_after_minutes) IS DISTINCT FROM c.ends THEN 'end' END,
            CASE WHEN b.provider_id IS DISTINCT FROM c.provider_id THEN 'provider' END,
            CASE WHEN b.slot_ids IS DISTINCT FROM c.slot_ids THEN 'slots' END], NULL) AS reasons
        FROM claimed c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        WHERE c.claims = b.claim_count AND b.status IN ('requested', 'held', 'confirmed', 'completed', 'no_show')
    ), found AS (
        SELECT co.*, row_number() OVER (ORDER BY co.vendor_id, co.id) AS place
        FROM compared co WHERE cardinality(co.reasons) > 0
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'booking_id', f.id, 'reasons', to_jsonb(f.reasons), 'start', utc(lower(f.during)),
        'end', utc(upper(f.during)), 'claimed_start', utc(f.starts), 'claimed_end', utc(f.ends)) ORDER BY f.place)
        FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
