-- Promise: of slots that claims keep where nothing wanted holds them, what is wanted of their time all the same stays open to
-- new bookings, if it is at the same place and has places for all their claims: such a slot takes its capacity and
-- price, and the rest of it is closed. Where what is wanted must not be cut, what is claimed (brought as closed) is closed, too, so that
-- only what lies between is had in parts. Of several that differ the first counts. The others are closed throughout; NULL as NULL.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION keep_wanted_open(p_wanted scheduled_slot[], p_held scheduled_change[]) RETURNS scheduled_change[]
LANGUAGE sql STABLE
AS $$
    -- A few forms with all their times each, instead of each slot with each that is wanted.
    WITH forms AS (
        SELECT w.schedule_id, w.location_id, w.capacity, w.price_amount, w.price_currency, w.whole, range_agg(w.during) AS times
        FROM unnest(p_wanted) AS w
        GROUP BY w.schedule_id, w.location_id, w.capacity, w.price_amount, w.price_currency, w.whole
    )
    SELECT array_agg(CASE
        WHEN NOT h.in_the_way THEN h
        WHEN f.times IS NULL THEN ROW(h.slot_id, h.present, h.claimed, h.in_the_way, ROW(
               (h.target).schedule_id, (h.target).location_id, (h.target).during, (h.target).capacity, (h.target).price_amount,
               (h.target).price_currency, NULL, tstzmultirange((h.target).during))::scheduled_slot)::scheduled_change
        ELSE ROW(h.slot_id, h.present, h.claimed, h.in_the_way, ROW(
               f.schedule_id, f.location_id, (h.target).during, f.capacity, f.price_amount, f.price_currency, NULL,
               (tstzmultirange((h.target).during) - f.times) + CASE WHEN f.whole THEN (h.target).closed ELSE '{}' END
               )::scheduled_slot)::scheduled_change END)
    FROM unnest(p_held) AS h
    LEFT JOIN LATERAL (
        SELECT f.* FROM forms f
        WHERE h.in_the_way AND f.location_id = (h.target).location_id AND f.capacity >= (h.target).capacity
          -- Of a slot that is claimed throughout a form that must not be cut leaves nothing open.
          AND CASE WHEN f.whole THEN f.times && (tstzmultirange((h.target).during) - (h.target).closed) ELSE f.times && (h.target).during END
        ORDER BY lower(f.times * (h.target).during::tstzmultirange), f.schedule_id, f.whole LIMIT 1) AS f ON true
$$;
