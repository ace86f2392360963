-- Promise: rows that name another which is not there, whether or not a key stands for it, or could. (Claims
-- and events without a booking, claims without a slot, and idempotency keys are other checks'.) With p_since: bookings
-- changed since, with what stands for busy time, and their slots alone.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_orphans(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH lost AS (
        SELECT b.vendor_id, 'booking' AS kind, b.id, array_remove(ARRAY[
            CASE WHEN p.id IS NULL THEN 'provider' END,
            CASE WHEN l.id IS NULL THEN 'location' END,
            CASE WHEN b.service_id IS NOT NULL AND se.id IS NULL THEN 'service' END,
            CASE WHEN b.customer_id IS NOT NULL AND cu.id IS NULL THEN 'customer' END], NULL) AS missing, NULL::jsonb AS more
        FROM bookings_in_scope(p_vendor_id, p_since) b
        LEFT JOIN providers p ON p.vendor_id = b.vendor_id AND p.id = b.provider_id
        LEFT JOIN locations l ON l.vendor_id = b.vendor_id AND l.id = b.location_id
        LEFT JOIN services se ON se.vendor_id = b.vendor_id AND se.id = b.service_id
        LEFT JOIN customers cu ON cu.vendor_id = b.vendor_id AND cu.id = b.customer_id
        UNION ALL
        SELECT s.vendor_id, 'slot', s.id, array_remove(ARRAY[
            CASE WHEN p.id IS NULL THEN 'provider' END, CASE WHEN l.id IS NULL THEN 'location' END,
            CASE WHEN s.schedule_id IS NOT NULL AND sc.id IS NULL THEN 'schedule' END], NULL), NULL
        FROM slots_in_scope(p_vendor_id, p_since) s
        LEFT JOIN providers p ON p.vendor_id = s.vendor_id AND p.id = s.provider_id
        LEFT JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
        LEFT JOIN schedules sc ON sc.vendor_id = s.vendor_id AND sc.id = s.schedule_id
        UNION ALL
        SELECT k.vendor_id, 'busy_block', k.booking_id, array_remove(ARRAY[
            CASE WHEN b.id IS NULL THEN 'booking' END, CASE WHEN t.id IS NULL THEN 'busy_time' END], NULL), NULL
        FROM busy_blocks_in_scope(p_vendor_id, p_since) k
        LEFT JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id
        LEFT JOIN busy_times t ON t.vendor_id = k.vendor_id AND t.id = k.busy_time_id
        UNION ALL
        SELECT c.* FROM orphans_of_catalogue(p_vendor_id) c WHERE p_since IS NULL
        UNION ALL
        SELECT r.* FROM refs_to_nowhere(p_vendor_id) r WHERE p_since IS NULL
        UNION ALL
        SELECT s.* FROM settings_to_nowhere(p_vendor_id) s WHERE p_since IS NULL
    ), found AS (
        SELECT l.*, row_number() OVER (ORDER BY l.vendor_id, l.kind, l.id) AS place
        FROM lost l WHERE cardinality(l.missing) > 0
    )
    SELECT count(*), COALESCE(jsonb_agg(COALESCE(f.more, '{}') || jsonb_build_object(
        'vendor_id', f.vendor_id, 'kind', f.kind, 'id', f.id, 'missing', to_jsonb(f.missing)) ORDER BY f.place)
        FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
