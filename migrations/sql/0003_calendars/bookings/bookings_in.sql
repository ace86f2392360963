-- Promise: the bookings that claim some of the provider's time in p_during, first hundred by time,
-- without any customer's data: [{"booking_id", "start", "end", "time_zone", "quantity"}].
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION bookings_in(p_vendor_id uuid, p_provider_id uuid, p_during tstzrange) RETURNS jsonb
LANGUAGE sql VOLATILE
AS $$
    SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'booking_id', c.booking_id, 'start', utc(lower(c.during)), 'end', utc(upper(c.during)), 'time_zone', l.time_zone,
        'quantity', c.quantity) ORDER BY lower(c.during), c.booking_id), '[]')
    FROM (
        SELECT c.booking_id, c.slot_id, c.during, c.quantity FROM claims c
        WHERE c.vendor_id = p_vendor_id AND c.provider_id = p_provider_id AND c.during && p_during
        ORDER BY lower(c.during), c.booking_id LIMIT 100
    ) AS c
    JOIN slots s ON s.vendor_id = p_vendor_id AND s.id = c.slot_id
    JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id
$$;
