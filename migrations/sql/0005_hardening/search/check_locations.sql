-- Promise: NULL when all of these are locations of the vendor, otherwise the refusal that names one that is not. One that has been archived
-- is: it is passed over in ranked lists, and nothing is found at it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_locations(p_vendor_id uuid, p_location_ids uuid[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT jsonb_build_object('outcome', 'LOCATION_NOT_FOUND', 'facts', jsonb_build_object('location_id', named.id))
    FROM unnest(p_location_ids) AS named (id)
    WHERE NOT EXISTS (SELECT FROM locations l WHERE l.vendor_id = p_vendor_id AND l.id = named.id)
    LIMIT 1
$$;
