-- Promise: the refusal, which names moments, with the time zone in which people at the location read them.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION in_time_of(p_vendor_id uuid, p_location_id uuid, p_refusal jsonb) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_set(p_refusal, '{facts,time_zone}', to_jsonb(location_time_zone(p_vendor_id, p_location_id)));
