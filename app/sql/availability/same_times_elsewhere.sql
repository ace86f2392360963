-- Promise: other providers who have p_quantity places at all the times wanted of several slots, one
-- slot for each: for whole slots, slots of the same times; for a stretch, slots that contain it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION same_times_elsewhere(
    p_vendor_id uuid, p_parts slot_part[], p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE sql STABLE
AS $$
    SELECT array_agg(s.id ORDER BY part.ordinal), s.provider_id, (array_agg(s.location_id ORDER BY part.ordinal))[1],
           tstzrange(min(lower(part.during)), max(upper(part.during))), min(free.available)
    FROM unnest(p_parts) AS part
    JOIN slots s ON s.vendor_id = p_vendor_id
        AND s.during && part.during AND s.during @> part.during
        AND (part.during <> part.slot_during OR s.during = part.slot_during)
    JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
    CROSS JOIN LATERAL free_places(p_vendor_id, s.id, s.capacity, part.during) AS free (available)
    WHERE s.provider_id <> ALL (ARRAY(SELECT taken.provider_id FROM unnest(p_parts) AS taken))
      AND s.capacity >= p_quantity AND free.available >= p_quantity AND lower(part.during) > now()
    GROUP BY s.provider_id
    -- Not one slot for two of them: joint slots of several providers lie at the same time.
    HAVING count(DISTINCT s.id) = cardinality(p_parts) AND count(*) = cardinality(p_parts)
    ORDER BY s.provider_id
    LIMIT p_limit
$$;
