-- Promise: of the provider's slots that came from schedules and begin in [p_from, p_to), how many are as they are wanted, and
-- the others; and of what is wanted, what is not there so.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION compare_schedules(
    p_vendor_id uuid, p_provider_id uuid, p_wanted scheduled_slot[], p_from timestamptz, p_to timestamptz
) RETURNS TABLE (kept integer, slots scheduled_change[], wanted scheduled_slot[])
LANGUAGE sql VOLATILE
AS $$
    -- Put together and grouped by shape, instead of joined: a join may compare each with each, since the planner expects few.
    WITH there AS (
        SELECT s.id, ROW(s.schedule_id, s.location_id, s.during, s.capacity, s.price_amount, s.price_currency, NULL, s.closed)::scheduled_slot AS shape
        FROM slots s
        WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id AND s.schedule_id IS NOT NULL
          AND lower(s.during) >= p_from AND lower(s.during) < p_to
    ), both_sides AS (
        SELECT t.shape, ROW(t.id, t.shape, false, false, NULL)::scheduled_change AS slot, NULL::scheduled_slot AS wanted FROM there t
        UNION ALL
        SELECT ROW(w.schedule_id, w.location_id, w.during, w.capacity, w.price_amount, w.price_currency, NULL, w.closed)::scheduled_slot, NULL, w
        FROM unnest(p_wanted) AS w
    ), pairs AS (
        SELECT (array_agg(b.slot) FILTER (WHERE (b.slot).slot_id IS NOT NULL))[1] AS slot,
               (array_agg(b.wanted) FILTER (WHERE (b.wanted).during IS NOT NULL))[1] AS wanted
        FROM both_sides b GROUP BY b.shape
    )
    SELECT count(*) FILTER (WHERE (p.slot).slot_id IS NOT NULL AND (p.wanted).during IS NOT NULL),
           array_agg(p.slot) FILTER (WHERE (p.wanted).during IS NULL), array_agg(p.wanted) FILTER (WHERE (p.slot).slot_id IS NULL)
    FROM pairs p
$$;
