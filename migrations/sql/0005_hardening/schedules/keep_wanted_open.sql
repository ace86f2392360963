-- Promise: of claims that nothing wanted holds, what is wanted of their time all the same stays open to new bookings, if that
-- can be cut, is at the same place and has places for all of them: they take its capacity and price, and the rest of
-- their time is closed. Of several that differ the first counts. The others are closed throughout; NULL as NULL.
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
    SELECT array_agg(CASE
        WHEN NOT h.in_the_way THEN h
        WHEN f.times IS NULL THEN ROW(h.slot_id, h.present, h.claimed, h.in_the_way, ROW(
               (h.target).schedule_id, (h.target).location_id, (h.target).during, (h.target).capacity, (h.target).price_amount,
               (h.target).price_currency, NULL, tstzmultirange((h.target).during))::scheduled_slot, NULL)::scheduled_change
        ELSE ROW(h.slot_id, h.present, h.claimed, h.in_the_way, ROW(
               f.schedule_id, f.location_id, (h.target).during, f.capacity, f.price_amount, f.price_currency, NULL,
               tstzmultirange((h.target).during) - f.times)::scheduled_slot, NULL)::scheduled_change END)
    FROM unnest(p_held) AS h
    LEFT JOIN LATERAL (
        SELECT f.* FROM forms f
        WHERE h.in_the_way AND f.location_id = (h.target).location_id AND f.capacity >= (h.target).capacity AND f.times && (h.target).during
        ORDER BY lower(f.times * (h.target).during::tstzmultirange), f.schedule_id LIMIT 1) AS f ON true
$$;
