-- Promise: other providers with p_quantity places at the time wanted: for a whole slot in a slot of exactly
-- the same times, for a part in a slot that contains it. Up to p_limit at the same location and as
-- many elsewhere, out of the first 32 found on each side: that is what a refusal may cost.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION same_time_elsewhere(
    p_vendor_id uuid, p_wanted slot_part, p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE sql STABLE
AS $$
    SELECT ARRAY[found.id], found.provider_id, found.location_id, p_wanted.during, found.available
    FROM (VALUES (true), (false)) AS side (here)
    CROSS JOIN LATERAL (
        SELECT near.*, free.available
        FROM (
            SELECT s.id, s.provider_id, s.location_id, s.capacity
            FROM (
                -- Two searches, of which one is run: equal times are found by the index of starts, many times faster.
                SELECT w.* FROM slots w
                WHERE p_wanted.during = p_wanted.slot_during AND w.vendor_id = p_vendor_id
                  AND lower(w.during) = lower(p_wanted.during) AND upper(w.during) = upper(p_wanted.during)
                UNION ALL
                SELECT w.* FROM slots w
                WHERE p_wanted.during <> p_wanted.slot_during AND w.vendor_id = p_vendor_id
                  AND w.during && p_wanted.during AND w.during @> p_wanted.during
            ) AS s
            JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
            WHERE s.provider_id <> p_wanted.provider_id AND (s.location_id = p_wanted.location_id) = side.here
              AND lower(p_wanted.during) > now() AND s.capacity >= p_quantity AND NOT s.closed && p_wanted.during
            LIMIT 32
        ) AS near
        CROSS JOIN LATERAL free_places(p_vendor_id, near.id, near.capacity, p_wanted.during) AS free (available)
        WHERE free.available >= p_quantity
        LIMIT p_limit
    ) AS found
$$;
