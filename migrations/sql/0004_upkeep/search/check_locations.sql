-- Promise: NULL when all of these are locations of the vendor, otherwise the refusal that says so of p_field. It is asked where nothing was found
-- at them, and so costs nothing where something was.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_locations(p_vendor_id uuid, p_location_ids uuid[], p_field text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT invalid(p_field, 'unknown_location', jsonb_build_object('location_id', named.id))
    FROM unnest(p_location_ids) AS named (id)
    WHERE NOT EXISTS (SELECT FROM locations l WHERE l.vendor_id = p_vendor_id AND l.id = named.id AND l.archived_at IS NULL)
    LIMIT 1
$$;
