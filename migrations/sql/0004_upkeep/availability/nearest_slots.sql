-- Promise: whole slots of the same provider with p_quantity places, nearest in time to the one
-- wanted: of the 32 on each side within two weeks, the first p_limit that fit. The number is
-- what a refusal may cost: in a sold-out season there would be no end to walking outward. (starts is
-- named so that the planner sees the order kept, and stops at the first that fit.)
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION nearest_slots(
    p_vendor_id uuid, p_wanted slot_part, p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE sql STABLE
AS $$
    (SELECT ARRAY[near.id], near.provider_id, near.location_id, near.during, free.available
     FROM (
         SELECT s.id, s.provider_id, s.location_id, s.during, s.capacity, lower(s.during) AS starts
         FROM slots s
         WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_wanted.provider_id AND s.capacity >= p_quantity AND s.closed = '{}'
           AND lower(s.during) > GREATEST(lower(p_wanted.slot_during), now())
           AND lower(s.during) < lower(p_wanted.slot_during) + interval '14 days'
         ORDER BY lower(s.during) LIMIT 32
     ) AS near
     CROSS JOIN LATERAL free_places(p_vendor_id, near.id, near.capacity, near.during) AS free (available)
     WHERE free.available >= p_quantity
     ORDER BY near.starts LIMIT p_limit)
    UNION ALL
    (SELECT ARRAY[near.id], near.provider_id, near.location_id, near.during, free.available
     FROM (
         SELECT s.id, s.provider_id, s.location_id, s.during, s.capacity, lower(s.during) AS starts
         FROM slots s
         WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_wanted.provider_id AND s.capacity >= p_quantity AND s.closed = '{}'
           AND lower(s.during) < lower(p_wanted.slot_during)
           AND lower(s.during) > GREATEST(lower(p_wanted.slot_during) - interval '14 days', now())
         ORDER BY lower(s.during) DESC LIMIT 32
     ) AS near
     CROSS JOIN LATERAL free_places(p_vendor_id, near.id, near.capacity, near.during) AS free (available)
     WHERE free.available >= p_quantity
     ORDER BY near.starts DESC LIMIT p_limit)
$$;
