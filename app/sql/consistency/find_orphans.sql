-- Promise: rows that name a vendor, location, provider, service or customer which is not there. (Claims
-- and events without a booking, and claims without a slot, are other checks'.) With p_since: bookings
-- changed since and their slots alone.
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
            CASE WHEN b.customer_id IS NOT NULL AND cu.id IS NULL THEN 'customer' END], NULL) AS missing
        FROM bookings_in_scope(p_vendor_id, p_since) b
        LEFT JOIN providers p ON p.vendor_id = b.vendor_id AND p.id = b.provider_id
        LEFT JOIN locations l ON l.vendor_id = b.vendor_id AND l.id = b.location_id
        LEFT JOIN services se ON se.vendor_id = b.vendor_id AND se.id = b.service_id
        LEFT JOIN customers cu ON cu.vendor_id = b.vendor_id AND cu.id = b.customer_id
        UNION ALL
        SELECT s.vendor_id, 'slot', s.id, array_remove(ARRAY[
            CASE WHEN p.id IS NULL THEN 'provider' END, CASE WHEN l.id IS NULL THEN 'location' END], NULL)
        FROM slots_in_scope(p_vendor_id, p_since) s
        LEFT JOIN providers p ON p.vendor_id = s.vendor_id AND p.id = s.provider_id
        LEFT JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
        UNION ALL
        SELECT p.vendor_id, 'provider', p.id, CASE WHEN l.id IS NULL THEN ARRAY['location'] END
        FROM providers p LEFT JOIN locations l ON l.vendor_id = p.vendor_id AND l.id = p.location_id
        WHERE p_since IS NULL
        UNION ALL
        SELECT named.vendor_id, named.kind, named.id, CASE WHEN v.id IS NULL THEN ARRAY['vendor'] END
        FROM (
            SELECT l.vendor_id, 'location' AS kind, l.id FROM locations l
            UNION ALL SELECT p.vendor_id, 'provider', p.id FROM providers p
            UNION ALL SELECT se.vendor_id, 'service', se.id FROM services se
            UNION ALL SELECT cu.vendor_id, 'customer', cu.id FROM customers cu
            UNION ALL SELECT a.vendor_id, 'api_key', a.id FROM api_keys a
        ) AS named LEFT JOIN vendors v ON v.id = named.vendor_id
        WHERE p_since IS NULL
    ), found AS (
        SELECT l.*, row_number() OVER (ORDER BY l.vendor_id, l.kind, l.id) AS place
        FROM lost l WHERE cardinality(l.missing) > 0 AND (p_vendor_id IS NULL OR l.vendor_id = p_vendor_id)
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'kind', f.kind, 'id', f.id, 'missing', to_jsonb(f.missing)) ORDER BY f.place)
        FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
