-- Promise: other providers who have p_quantity places at exactly the time wanted, up to p_limit at the
-- same location and as many elsewhere: for a whole slot, a slot of the same times; for a part, a slot
-- that contains it. Each side stops looking when it has enough.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION same_time_elsewhere(
    p_vendor_id uuid, p_wanted slot_part, p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE sql STABLE
AS $$
    (SELECT ARRAY[s.id], s.provider_id, s.location_id, p_wanted.during, free.available
     FROM slots s
     JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
     CROSS JOIN LATERAL free_places(p_vendor_id, s.id, s.capacity, p_wanted.during) AS free (available)
     WHERE s.vendor_id = p_vendor_id AND s.during @> p_wanted.during AND s.during && p_wanted.during
       AND (p_wanted.during <> p_wanted.slot_during OR s.during = p_wanted.slot_during)
       AND s.provider_id <> p_wanted.provider_id AND s.location_id = p_wanted.location_id
       AND lower(p_wanted.during) > now() AND s.capacity >= p_quantity AND free.available >= p_quantity
     LIMIT p_limit)
    UNION ALL
    (SELECT ARRAY[s.id], s.provider_id, s.location_id, p_wanted.during, free.available
     FROM slots s
     JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
     CROSS JOIN LATERAL free_places(p_vendor_id, s.id, s.capacity, p_wanted.during) AS free (available)
     WHERE s.vendor_id = p_vendor_id AND s.during @> p_wanted.during AND s.during && p_wanted.during
       AND (p_wanted.during <> p_wanted.slot_during OR s.during = p_wanted.slot_during)
       AND s.provider_id <> p_wanted.provider_id AND s.location_id <> p_wanted.location_id
       AND lower(p_wanted.during) > now() AND s.capacity >= p_quantity AND free.available >= p_quantity
     LIMIT p_limit)
$$;
