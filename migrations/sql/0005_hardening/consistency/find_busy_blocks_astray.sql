-- Promise: rows of busy_blocks whose booking is no block, holds nothing, or has another provider or end than they say; and
-- of those to come, the ones that stand for a busy time which is over with, another provider's, or elsewhere in time.
-- (Those without a booking or a busy time are another check's.)
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_busy_blocks_astray(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH compared AS (
        SELECT k.vendor_id, k.booking_id, k.busy_time_id, k.provider_id, array_remove(ARRAY[
            CASE WHEN b.kind <> 'block' OR b.kind IS NULL THEN 'no_block' END,
            CASE WHEN (b.status IN ('requested', 'held', 'confirmed', 'completed', 'no_show')) IS NOT TRUE THEN 'does_not_occupy' END,
            CASE WHEN b.provider_id IS DISTINCT FROM k.provider_id OR t.provider_id IS DISTINCT FROM k.provider_id THEN 'provider' END,
            CASE WHEN upper(b.during) IS DISTINCT FROM k.ends THEN 'end' END,
            -- What is over stays as it was. A minute: a busy time may be changed just when one of its blocks ends.
            CASE WHEN k.ends > now() + interval '1 minute' AND t.archived_at IS NOT NULL THEN 'busy_time_archived' END,
            CASE WHEN k.ends > now() + interval '1 minute' AND (b.during <@ t.during) IS NOT TRUE THEN 'outside_busy_time' END
            ], NULL) AS reasons
        FROM busy_blocks_in_scope(p_vendor_id, p_since) k
        JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id
        JOIN busy_times t ON t.vendor_id = k.vendor_id AND t.id = k.busy_time_id
    ), found AS (
        SELECT c.*, row_number() OVER (ORDER BY c.vendor_id, c.booking_id) AS place
        FROM compared c WHERE cardinality(c.reasons) > 0
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'booking_id', f.booking_id, 'busy_time_id', f.busy_time_id, 'provider_id', f.provider_id,
        'reasons', to_jsonb(f.reasons)) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
