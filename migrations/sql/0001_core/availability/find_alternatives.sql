-- Promise: up to p_limit times that had p_quantity places when it looked, none of them past: the
-- best of each kind first (same provider nearest in time; same time at another provider; same time at
-- another location), then the second best of each.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_alternatives(
    p_vendor_id uuid, p_parts slot_part[], p_quantity integer, p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_first slot_part := p_parts[1];
    v_found jsonb;
BEGIN
    WITH found AS (
        SELECT * FROM nearest_slots(p_vendor_id, v_first, p_quantity, p_limit)
        WHERE cardinality(p_parts) = 1 AND v_first.during = v_first.slot_during
        UNION ALL
        SELECT * FROM nearest_parts(p_vendor_id, v_first, p_quantity, p_limit)
        WHERE cardinality(p_parts) = 1 AND v_first.during <> v_first.slot_during
        UNION ALL
        SELECT * FROM same_time_elsewhere(p_vendor_id, p_parts, p_quantity, p_limit)
    ), ranked AS (
        SELECT f.*, CASE WHEN f.provider_id = v_first.provider_id THEN 1
                         WHEN f.location_id = v_first.location_id THEN 2 ELSE 3 END AS kind
        FROM found f
    ), dealt AS (
        SELECT r.*, row_number() OVER (PARTITION BY r.kind ORDER BY
                   abs(extract(epoch FROM lower(r.during) - lower(v_first.during))), lower(r.during)) AS place
        FROM ranked r
    ), best AS (
        SELECT d.* FROM dealt d ORDER BY d.place, d.kind LIMIT p_limit
    )
    SELECT COALESCE(jsonb_agg(jsonb_build_object(
               'kind', (ARRAY['same_provider', 'same_time', 'other_location'])[b.kind],
               'slot_ids', to_jsonb(b.slot_ids), 'provider_id', b.provider_id, 'location_id', b.location_id,
               'start', utc(lower(b.during)), 'end', utc(upper(b.during)), 'time_zone', l.time_zone,
               'available', b.available) ORDER BY b.place, b.kind), '[]')
    INTO v_found
    FROM best b
    JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = b.location_id;
    RETURN v_found;
END
$$;
