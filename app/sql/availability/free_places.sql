-- Promise: how many units of the slot nobody claims at any moment of p_during. IS TRUE keeps the planner
-- from searching by time, which would read what all of the vendor's slots have at that hour.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION free_places(
    p_vendor_id uuid, p_slot_id uuid, p_capacity integer, p_during tstzrange
) RETURNS SETOF integer
LANGUAGE sql STABLE
AS $$
    SELECT p_capacity - units_count(COALESCE(range_agg(c.units), '{}'))
    FROM claims c
    WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id AND (c.during && p_during) IS TRUE
$$;
