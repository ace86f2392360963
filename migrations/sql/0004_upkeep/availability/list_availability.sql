-- Promise: the vendor's slots that overlap [p_from, p_to), sold-out ones included, by start and id,
-- each with the places free throughout, and the stretches in which at least one place is free.
-- Lapsed holds count as free: they never block; but not in busy time, which takes their place. Nothing is free in closed time, and a
-- slot that is closed altogether is left out. Page on with the last row's start and id. A window that
-- ends before it begins is empty. p_public: as the public may book. Slots that are over are left out, and of one
-- that goes on only the rest is free (earliest_start), and no place throughout. Only where the channel leads (channel_places).
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION list_availability(
    p_vendor_id uuid, p_from timestamptz, p_to timestamptz,
    p_provider_id uuid DEFAULT NULL, p_location_id uuid DEFAULT NULL, p_quantity integer DEFAULT 1,
    p_after_start timestamptz DEFAULT NULL, p_after_id uuid DEFAULT NULL, p_limit integer DEFAULT 100, p_public boolean DEFAULT false,
    p_channel text DEFAULT NULL
) RETURNS TABLE (
    slot_id uuid, provider_id uuid, location_id uuid, slot_start timestamptz, slot_end timestamptz, time_zone text,
    capacity integer, available integer, status text, free jsonb, price_amount bigint, price_currency text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
-- Planning this anew takes longer than running it for a day or a week.
SET plan_cache_mode = force_generic_plan
AS $$
    WITH lapsed AS (
        SELECT EXISTS (SELECT FROM bookings b WHERE b.vendor_id = p_vendor_id
                       AND b.status = 'held' AND b.hold_expires_at <= now()) AS some
    )
    SELECT s.id, s.provider_id, s.location_id, lower(s.during), upper(s.during), l.time_zone,
           s.capacity::integer, stretches.throughout,
           CASE WHEN stretches.most >= COALESCE(p_quantity, 1) THEN 'available' ELSE 'sold_out' END,
           stretches.free, s.price_amount::bigint, s.price_currency
    FROM (SELECT earliest_start(p_public) AS start, channel_places(v.channels, p_channel, p_public) AS places
          FROM vendors v WHERE v.id = p_vendor_id OFFSET 0) AS earliest
    CROSS JOIN LATERAL slots_in_window(
        p_vendor_id, GREATEST(p_from, earliest.start), p_to, p_provider_id, p_location_id, p_after_start, p_after_id, p_limit, earliest.places) AS s
    JOIN locations l ON l.vendor_id = s.vendor_id AND l.id = s.location_id
    CROSS JOIN LATERAL (
        SELECT array_agg(c.during) AS times, array_agg(c.quantity) AS quantities, COALESCE(sum(c.quantity), 0)::integer AS places,
               COALESCE(bool_and(c.during = s.during), true) AND lower(s.during) >= earliest.start AND s.closed = '{}' AS whole
        FROM (
            SELECT c.during, c.quantity FROM claims c
            WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id
              -- Asked once, and bookings are looked up only where some hold of the vendor has lapsed.
              AND (NOT (SELECT lapsed.some FROM lapsed)
                   OR NOT EXISTS (SELECT FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id
                                  AND b.status = 'held' AND b.hold_expires_at <= now()))
            UNION ALL
            SELECT h.during, h.quantity FROM lapsed_in_busy_time(p_vendor_id, s.provider_id, s.id) AS h
            WHERE (SELECT lapsed.some FROM lapsed)
        ) AS c
    ) AS taken
    CROSS JOIN LATERAL (
        -- Most slots are free or taken from start to end, and then there is one stretch or none.
        SELECT CASE WHEN taken.places < s.capacity THEN jsonb_build_array(jsonb_build_object(
                   'start', utc(lower(s.during)), 'end', utc(upper(s.during)), 'available', s.capacity - taken.places)) ELSE '[]' END,
               s.capacity - taken.places, s.capacity - taken.places
        WHERE taken.whole
        UNION ALL
        SELECT parts.free, parts.most, CASE WHEN lower(s.during) >= earliest.start THEN parts.throughout ELSE 0 END
        FROM free_stretches(
            s.during, s.capacity, taken.times || ARRAY(SELECT unnest(s.closed)),
            taken.quantities || ARRAY(SELECT s.capacity::integer FROM unnest(s.closed)), earliest.start) AS parts
        WHERE NOT taken.whole
    ) AS stretches (free, most, throughout)
    ORDER BY lower(s.during), s.id
$$;
