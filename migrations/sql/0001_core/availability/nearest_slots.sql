-- Promise: whole slots of the same provider with p_quantity places, nearest in time to the one
-- wanted, within two weeks either way. It walks outward along an index and stops at the first
-- p_limit that fit on each side, so a long sold-out run costs and a free neighbour does not.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION nearest_slots(
    p_vendor_id uuid, p_wanted slot_part, p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE sql STABLE
AS $$
    (SELECT ARRAY[s.id], s.provider_id, s.location_id, s.during, free.available
     FROM slots s
     CROSS JOIN LATERAL free_places(p_vendor_id, s.id, s.capacity, s.during) AS free (available)
     WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_wanted.provider_id
       AND lower(s.during) > lower(p_wanted.slot_during)
       AND lower(s.during) > now() AND lower(s.during) < lower(p_wanted.slot_during) + interval '14 days'
       AND s.capacity >= p_quantity AND free.available >= p_quantity
     ORDER BY lower(s.during) LIMIT p_limit)
    UNION ALL
    (SELECT ARRAY[s.id], s.provider_id, s.location_id, s.during, free.available
     FROM slots s
     CROSS JOIN LATERAL free_places(p_vendor_id, s.id, s.capacity, s.during) AS free (available)
     WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_wanted.provider_id
       AND lower(s.during) < lower(p_wanted.slot_during)
       AND lower(s.during) > now() AND lower(s.during) > lower(p_wanted.slot_during) - interval '14 days'
       AND s.capacity >= p_quantity AND free.available >= p_quantity
     ORDER BY lower(s.during) DESC LIMIT p_limit)
$$;
