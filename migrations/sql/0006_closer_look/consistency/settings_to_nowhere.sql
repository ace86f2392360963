-- Promise: of what a vendor has set up, what leads nowhere though no key could say so: a time zone that PostgreSQL does not know,
-- a place that a channel leads to, a service's need between others, whoever could fill one; and of whoever was erased and is known all the same,
-- the rest of the erasure. As orphans_of_catalogue has them.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION settings_to_nowhere(p_vendor_id uuid)
RETURNS TABLE (vendor_id uuid, kind text, id uuid, missing text[], more jsonb)
LANGUAGE sql STABLE
AS $$
    SELECT zoned.vendor_id, zoned.kind, zoned.id, ARRAY['time_zone'], jsonb_build_object('time_zone', zoned.time_zone)
    FROM (
        SELECT v.id AS vendor_id, 'vendor' AS kind, v.id, v.time_zone FROM vendors v
        UNION ALL SELECT l.vendor_id, 'location', l.id, l.time_zone FROM locations l
    ) AS zoned
    WHERE NOT pg_input_is_valid('2000-01-01 00:00 ' || zoned.time_zone, 'timestamptz') AND (p_vendor_id IS NULL OR zoned.vendor_id = p_vendor_id)
    UNION ALL
    SELECT v.id, 'channel', v.id, ARRAY['location'], jsonb_build_object('channel', channel.name, 'location_id', place.id)
    FROM vendors v
    CROSS JOIN LATERAL jsonb_each(v.channels) AS channel (name, places)
    CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE WHEN jsonb_typeof(channel.places) = 'array' THEN channel.places ELSE '[]' END) AS place (id)
    WHERE (p_vendor_id IS NULL OR v.id = p_vendor_id)
      AND NOT EXISTS (SELECT FROM locations l WHERE l.vendor_id = v.id AND l.id::text = place.id)
    UNION ALL
    SELECT se.vendor_id, 'service', se.id, ARRAY['service_need'], NULL
    FROM services se
    -- They are numbered from one on, without a gap. One that somebody could fill is missed by whoever could.
    WHERE (p_vendor_id IS NULL OR se.vendor_id = p_vendor_id) AND se.archived_at IS NULL AND (
        SELECT max(known.need) <> count(*) FROM (
            SELECT n.need FROM service_needs n WHERE n.vendor_id = se.vendor_id AND n.service_id = se.id
            UNION SELECT sp.need FROM service_providers sp WHERE sp.vendor_id = se.vendor_id AND sp.service_id = se.id) AS known)
    UNION ALL
    SELECT n.vendor_id, 'service_need', n.service_id, ARRAY['provider'], jsonb_build_object('need', n.need)
    FROM service_needs n
    JOIN services se ON se.vendor_id = n.vendor_id AND se.id = n.service_id AND se.archived_at IS NULL
    WHERE (p_vendor_id IS NULL OR n.vendor_id = p_vendor_id) AND NOT EXISTS (
        SELECT FROM service_providers sp
        WHERE sp.vendor_id = n.vendor_id AND sp.service_id = n.service_id AND sp.need = n.need)
    UNION ALL
    SELECT cu.vendor_id, 'customer', cu.id, ARRAY['erasure'], NULL
    FROM customers cu
    WHERE (p_vendor_id IS NULL OR cu.vendor_id = p_vendor_id) AND cu.erased_at IS NOT NULL
      AND COALESCE(cu.name, cu.email, cu.phone, cu.note) IS NOT NULL
$$;
