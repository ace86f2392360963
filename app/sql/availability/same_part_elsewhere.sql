-- Promise: other providers with p_quantity places in a slot that contains the part wanted, up to p_limit at the same
-- location and as many elsewhere, out of the first 32 found on each side: that is what a refusal may cost.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION same_part_elsewhere(
    p_vendor_id uuid, p_wanted slot_part, p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE sql STABLE
AS $$
    (SELECT ARRAY[near.id], near.provider_id, near.location_id, p_wanted.during, free.available
     FROM (
         SELECT s.id, s.provider_id, s.location_id, s.capacity
         FROM slots s
         JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
         WHERE s.vendor_id = p_vendor_id AND s.during && p_wanted.during AND s.during @> p_wanted.during
           AND s.provider_id <> p_wanted.provider_id AND s.location_id = p_wanted.location_id
           AND lower(p_wanted.during) > now() AND s.capacity >= p_quantity
         LIMIT 32
     ) AS near
     CROSS JOIN LATERAL free_places(p_vendor_id, near.id, near.capacity, p_wanted.during) AS free (available)
     WHERE free.available >= p_quantity
     LIMIT p_limit)
    UNION ALL
    (SELECT ARRAY[near.id], near.provider_id, near.location_id, p_wanted.during, free.available
     FROM (
         SELECT s.id, s.provider_id, s.location_id, s.capacity
         FROM slots s
         JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
         WHERE s.vendor_id = p_vendor_id AND s.during && p_wanted.during AND s.during @> p_wanted.during
           AND s.provider_id <> p_wanted.provider_id AND s.location_id <> p_wanted.location_id
           AND lower(p_wanted.during) > now() AND s.capacity >= p_quantity
         LIMIT 32
     ) AS near
     CROSS JOIN LATERAL free_places(p_vendor_id, near.id, near.capacity, p_wanted.during) AS free (available)
     WHERE free.available >= p_quantity
     LIMIT p_limit)
$$;
