-- Promise: the slot as every answer shows it, or NULL.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION describe_slot(p_vendor_id uuid, p_slot_id uuid) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT jsonb_build_object(
        'id', s.id, 'provider_id', s.provider_id, 'schedule_id', s.schedule_id, 'location_id', s.location_id,
        'start', utc(lower(s.during)), 'end', utc(upper(s.during)), 'time_zone', l.time_zone,
        'capacity', s.capacity, 'closed', times_json(s.closed), 'price', price_json(s.price_amount, s.price_currency), 'version', s.version,
        'created_at', utc(s.created_at), 'updated_at', utc(s.updated_at))
    FROM slots s
    JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
    WHERE s.vendor_id = p_vendor_id AND s.id = p_slot_id
$$;
