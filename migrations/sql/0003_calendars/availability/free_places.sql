-- Promise: how many of the slot's p_capacity places are free at every moment of p_during, by head-count. IS TRUE keeps
-- the planner from searching by time, which would read what all of the vendor's slots have at that hour.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION free_places(
    p_vendor_id uuid, p_slot_id uuid, p_capacity integer, p_during tstzrange
) RETURNS SETOF integer
LANGUAGE sql STABLE
AS $$
    -- Where all claims take all of the time, as they mostly do, they need not be laid beside each other.
    SELECT p_capacity - CASE WHEN COALESCE(bool_and(c.during @> p_during), true) THEN COALESCE(sum(c.quantity), 0)::integer
                             ELSE most_taken(array_agg(c.during), array_agg(c.quantity), p_during) END
    FROM claims c
    WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id AND (c.during && p_during) IS TRUE
$$;
