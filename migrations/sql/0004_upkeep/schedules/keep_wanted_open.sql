-- Promise: of slots that claims keep where nothing wanted holds them, what is wanted of their time all the same stays open to
-- new bookings, if it may be cut, is at the same place and has places for all their claims: such a slot takes its capacity and
-- price, and the rest of it is closed. Of several that differ the first counts. The others are as they were; NULL as NULL.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION keep_wanted_open(p_wanted scheduled_slot[], p_held scheduled_change[]) RETURNS scheduled_change[]
LANGUAGE sql STABLE
AS $$
    -- A few forms with all their times each, instead of each slot with each that is wanted.
    WITH forms AS (
        SELECT w.schedule_id, w.location_id, w.capacity, w.price_amount, w.price_currency, range_agg(w.during) AS times
        FROM unnest(p_wanted) AS w WHERE NOT w.whole
        GROUP BY w.schedule_id, w.location_id, w.capacity, w.price_amount, w.price_currency
    )
    SELECT array_agg(CASE WHEN f.times IS NULL THEN h ELSE ROW(h.slot_id, h.present, h.claimed, h.in_the_way, ROW(
               f.schedule_id, f.location_id, (h.target).during, f.capacity, f.price_amount, f.price_currency, NULL,
               (h.target).closed - f.times)::scheduled_slot)::scheduled_change END)
    FROM unnest(p_held) AS h
    LEFT JOIN LATERAL (
        SELECT f.* FROM forms f
        WHERE h.in_the_way AND f.location_id = (h.target).location_id AND f.capacity >= (h.target).capacity
          AND f.times && (h.target).during
        ORDER BY lower(f.times * (h.target).closed), f.schedule_id LIMIT 1) AS f ON true
$$;
