-- Promise: the appointments that stand in these busy times of the provider (NULL: in all to come), the first hundred by time,
-- without any customer's data, and how many there are: {"in_the_way": [{"busy_time_id", "booking_id", "kind", "slot_id",
-- "start", "end", "time_zone", "quantity"}], "in_the_way_total"}. A lapsed hold is none.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION bookings_in_busy_time(
    p_vendor_id uuid, p_provider_id uuid, p_busy_time_ids uuid[] DEFAULT NULL
) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object('in_the_way', COALESCE(jsonb_agg(jsonb_build_object(
        'busy_time_id', f.busy_time_id, 'booking_id', f.booking_id, 'kind', 'appointment', 'slot_id', f.slot_id,
        'start', utc(lower(f.during)), 'end', utc(upper(f.during)), 'time_zone', l.time_zone, 'quantity', f.quantity)
        ORDER BY f.place) FILTER (WHERE f.place <= 100), '[]'), 'in_the_way_total', count(*))
    FROM (
        SELECT t.id AS busy_time_id, c.booking_id, c.slot_id, shown_time(c.during, b.during) AS during, c.quantity,
               row_number() OVER (ORDER BY lower(c.during), c.booking_id, t.id) AS place
        FROM busy_times t
        -- OFFSET 0: one search of the calendar for each busy time.
        CROSS JOIN LATERAL (
            SELECT c.booking_id, c.slot_id, c.during, c.quantity FROM claims c
            WHERE c.vendor_id = p_vendor_id AND c.provider_id = p_provider_id AND c.during && t.during OFFSET 0) AS c
        JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id AND b.kind = 'appointment'
        WHERE t.vendor_id = p_vendor_id AND t.provider_id = p_provider_id AND t.archived_at IS NULL
          AND t.during && tstzrange(now(), NULL) AND upper(c.during) > now()
          AND (p_busy_time_ids IS NULL OR t.id = ANY (p_busy_time_ids))
          AND NOT (b.status = 'held' AND b.hold_expires_at <= clock_timestamp())
    ) AS f
    JOIN slots s ON s.vendor_id = p_vendor_id AND s.id = f.slot_id
    JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id
$$;
