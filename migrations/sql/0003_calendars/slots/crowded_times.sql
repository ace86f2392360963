-- Promise: the times at which more than p_capacity places of the slot are taken, by head-count.
-- Locks: none; the caller holds the slot. Raises: nothing.
CREATE OR REPLACE FUNCTION crowded_times(p_vendor_id uuid, p_slot_id uuid, p_capacity integer) RETURNS tstzmultirange
LANGUAGE sql STABLE
AS $$
    SELECT COALESCE(range_agg(tstzrange(level.at, level.until)), '{}')
    FROM (
        SELECT edge.at, lead(edge.at) OVER (ORDER BY edge.at) AS until, sum(sum(edge.change)) OVER (ORDER BY edge.at) AS taken
        FROM claims c
        CROSS JOIN LATERAL (VALUES (lower(c.during), c.quantity), (upper(c.during), -c.quantity)) AS edge (at, change)
        WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id
        GROUP BY edge.at
    ) AS level
    WHERE level.taken > p_capacity
$$;
