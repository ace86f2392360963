-- Promise: the refusal that names the first slot of the request that overlaps a published one, or
-- else the first that overlaps another of the same request (slot_id is then null).
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION name_slot_overlap(p_vendor_id uuid, p_provider_id uuid, p_wanted slot_wanted[]) RETURNS jsonb
LANGUAGE sql VOLATILE
AS $$
    WITH wanted AS (
        SELECT w.ordinal, tstzrange(w.starts, w.ends) AS during,
               max(w.ends) OVER earlier AS reached, first_value(w.starts) OVER earlier AS others_start
        FROM unnest(p_wanted) AS w
        WINDOW earlier AS (ORDER BY w.starts, w.ordinal ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)
    ), offenders AS (
        -- OFFSET 0 makes each slot wanted a search of its own. As a join it may read all slots of
        -- the provider for each of them: of vendor and provider together the planner expects few.
        (SELECT w.ordinal, w.during, s.id, s.during AS other
         FROM wanted w
         CROSS JOIN LATERAL (
             SELECT s.id, s.during FROM slots s
             WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id AND s.during && w.during
             OFFSET 0) AS s
         ORDER BY w.ordinal LIMIT 1)
        UNION ALL
        (SELECT w.ordinal, w.during, NULL, tstzrange(w.others_start, w.reached)
         FROM wanted w WHERE w.reached > lower(w.during) ORDER BY w.ordinal LIMIT 1)
    )
    -- No offender left: the rival's slot has gone again, so the same request may now succeed.
    SELECT COALESCE((
        SELECT jsonb_build_object('outcome', 'SLOT_OVERLAP', 'facts', jsonb_build_object(
            'index', o.ordinal - 1, 'start', utc(lower(o.during)), 'end', utc(upper(o.during)),
            'slot_id', o.id, 'other_start', utc(lower(o.other)), 'other_end', utc(upper(o.other)),
            'time_zone', location_time_zone(p_vendor_id, COALESCE(
                (SELECT s.location_id FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = o.id),
                (SELECT p.location_id FROM providers p WHERE p.vendor_id = p_vendor_id AND p.id = p_provider_id)))))
        FROM offenders o ORDER BY o.id IS NULL, o.ordinal LIMIT 1),
        jsonb_build_object('outcome', 'CONCURRENCY_ABORT', 'facts', '{}'::jsonb))
$$;
