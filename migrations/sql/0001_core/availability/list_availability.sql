-- Promise: the vendor's slots that overlap [p_from, p_to), sold-out ones included, by start and id,
-- each with the places free throughout, and the stretches in which at least one place is free.
-- Lapsed holds count as free: they never block. Page on with the last row's start and id. A window that
-- ends before it begins is empty.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION list_availability(
    p_vendor_id uuid, p_from timestamptz, p_to timestamptz,
    p_provider_id uuid DEFAULT NULL, p_location_id uuid DEFAULT NULL, p_quantity integer DEFAULT 1,
    p_after_start timestamptz DEFAULT NULL, p_after_id uuid DEFAULT NULL, p_limit integer DEFAULT 100
) RETURNS TABLE (
    slot_id uuid, provider_id uuid, location_id uuid, slot_start timestamptz, slot_end timestamptz, time_zone text,
    capacity integer, available integer, status text, free jsonb, price_amount bigint, price_currency text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
-- Planning this anew takes longer than running it for a day or a week.
SET plan_cache_mode = force_generic_plan
AS $$
    WITH page AS MATERIALIZED (
        SELECT s.* FROM slots s
        -- The provider is chosen among providers: a slot is then found by provider and time, also in a
        -- plan that does not know which arguments are NULL.
        JOIN providers p ON p.vendor_id = s.vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
        WHERE s.vendor_id = p_vendor_id AND s.during && tstzrange(p_from, GREATEST(p_from, p_to))
          AND (p_provider_id IS NULL OR p.id = p_provider_id)
          AND (p_location_id IS NULL OR s.location_id = p_location_id)
          AND (p_after_start IS NULL OR (lower(s.during), s.id) > (p_after_start, p_after_id))
        ORDER BY lower(s.during), s.id LIMIT p_limit
    )
    SELECT page.id, page.provider_id, page.location_id, lower(page.during), upper(page.during), l.time_zone,
           page.capacity, page.capacity - units_count(COALESCE(taken.units, '{}')),
           CASE WHEN stretches.most >= COALESCE(p_quantity, 1) THEN 'available' ELSE 'sold_out' END,
           stretches.free, page.price_amount, page.price_currency
    FROM page
    JOIN locations l ON l.vendor_id = page.vendor_id AND l.id = page.location_id
    LEFT JOIN LATERAL (
        SELECT range_agg(c.units) AS units, array_agg(c.during) AS times, array_agg(c.quantity) AS quantities,
               array_agg(c.units) AS units_each
        FROM claims c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        WHERE c.vendor_id = page.vendor_id AND c.slot_id = page.id
          AND NOT (b.status = 'held' AND b.hold_expires_at <= now())
    ) AS taken ON true
    CROSS JOIN LATERAL free_stretches(
        page.during, page.capacity, taken.times, taken.quantities, taken.units_each) AS stretches
    ORDER BY lower(page.during), page.id
$$;
