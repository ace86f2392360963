-- Promise: the location's IANA time zone: facts that are shown to people carry it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION location_time_zone(p_vendor_id uuid, p_location_id uuid) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT l.time_zone FROM locations l WHERE l.vendor_id = p_vendor_id AND l.id = p_location_id
$$;
