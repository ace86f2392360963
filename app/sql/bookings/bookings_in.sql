-- Promise: the bookings that claim some of the provider's time in p_during, first hundred by time, each once, with the
-- time it shows (of that provider: without buffers), without any customer's data: [{"booking_id", "start", "end", "time_zone", "quantity"}].
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION bookings_in(p_vendor_id uuid, p_provider_id uuid, p_during tstzrange) RETURNS jsonb
LANGUAGE sql VOLATILE
AS $$
    SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'booking_id', c.booking_id, 'start', utc(lower(shown.during)), 'end', utc(upper(shown.during)), 'time_zone', l.time_zone,
        'quantity', b.quantity) ORDER BY lower(shown.during), c.booking_id), '[]')
    FROM (
        SELECT c.booking_id, range_merge(range_agg(c.during)) AS during FROM claims c
        WHERE c.vendor_id = p_vendor_id AND c.provider_id = p_provider_id AND c.during && p_during
        GROUP BY c.booking_id ORDER BY min(lower(c.during)), c.booking_id LIMIT 100
    ) AS c
    JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id
    JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = b.location_id
    CROSS JOIN LATERAL (SELECT shown_time(c.during, b.during) AS during) AS shown
$$;
