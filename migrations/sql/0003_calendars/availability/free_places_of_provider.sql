-- Promise: how many of a slot's p_capacity places are free at every moment of p_during, which lies in
-- the slot, by head-count. Searched by time, since a long slot may have thousands of claims at other times; slots of
-- a provider do not overlap, so all claims of that time are the slot's.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION free_places_of_provider(
    p_vendor_id uuid, p_provider_id uuid, p_capacity integer, p_during tstzrange
) RETURNS SETOF integer
LANGUAGE sql STABLE
AS $$
    SELECT p_capacity - CASE WHEN COALESCE(bool_and(c.during @> p_during), true) THEN COALESCE(sum(c.quantity), 0)::integer
                             ELSE most_taken(array_agg(c.during), array_agg(c.quantity), p_during) END
    FROM claims c
    WHERE c.vendor_id = p_vendor_id AND c.provider_id = p_provider_id AND c.during && p_during
$$;
