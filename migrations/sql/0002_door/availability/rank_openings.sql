-- Promise: the p_limit best openings as an answer shows them: the best of each kind in the order of
-- kinds, then the second best of each, and within a kind the nearest in time first.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION rank_openings(
    p_vendor_id uuid, p_wanted slot_part, p_openings opening[], p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        WITH kinds AS (
            SELECT o.*, CASE WHEN o.provider_id = p_wanted.provider_id THEN 1
                             WHEN o.location_id = p_wanted.location_id THEN 2 ELSE 3 END AS kind
            FROM unnest(p_openings) AS o
        ), ranked AS (
            SELECT k.*, row_number() OVER (PARTITION BY k.kind ORDER BY
                       abs(extract(epoch FROM lower(k.during) - lower(p_wanted.during))), lower(k.during)) AS place
            FROM kinds k
        ), best AS (
            SELECT r.* FROM ranked r ORDER BY r.place, r.kind LIMIT p_limit
        )
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'kind', (ARRAY['same_provider', 'same_time', 'other_location'])[b.kind],
            'slot_ids', to_jsonb(b.slot_ids), 'provider_id', b.provider_id, 'location_id', b.location_id,
            'start', utc(lower(b.during)), 'end', utc(upper(b.during)), 'time_zone', l.time_zone,
            'available', b.available) ORDER BY b.place, b.kind), '[]')
        FROM best b
        JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = b.location_id AND l.archived_at IS NULL
    );
END
$$;
