-- Promise: the stretches of a slot in which places are free, given what is taken of it: [{"start", "end",
-- "available"}], cut where their number changes; the most places free at any moment, and how many are free
-- from its start to its end. Whoever asks for a time, and no more places than every stretch in it has, finds
-- them. What is taken may be more than there is: closed time counts for all places. What lies before p_earliest is left out of the stretches and of the most, and what goes on then begins there.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION free_stretches(
    p_during tstzrange, p_capacity integer, p_times tstzrange[], p_quantities integer[], p_earliest timestamptz
) RETURNS TABLE (free jsonb, most integer, throughout integer)
LANGUAGE sql STABLE
AS $$
    WITH edges AS (
        -- Before it begins and after it ends a slot is taken altogether.
        SELECT lower(p_during) AS at, p_capacity AS change
        UNION ALL SELECT upper(p_during), -p_capacity
        UNION ALL SELECT lower(t), -q FROM unnest(p_times, p_quantities) AS claimed (t, q)
        UNION ALL SELECT upper(t), q FROM unnest(p_times, p_quantities) AS claimed (t, q)
    ), changes AS (
        -- The beginning stays though nothing changes: when all is taken there, that is the least.
        SELECT at, sum(change) AS change
        FROM edges GROUP BY at HAVING sum(change) <> 0 OR at = lower(p_during)
    ), levels AS (
        SELECT at, GREATEST(at, p_earliest) AS start, lead(at) OVER (ORDER BY at) AS ends, sum(change) OVER (ORDER BY at) AS available
        FROM changes
    )
    SELECT COALESCE(jsonb_agg(jsonb_build_object('start', utc(start), 'end', utc(ends), 'available', available)
                              ORDER BY start) FILTER (WHERE available > 0 AND ends > start), '[]'),
           COALESCE(max(available) FILTER (WHERE ends > start), 0)::integer,
           GREATEST(min(available), 0)::integer
    FROM levels
    WHERE at < upper(p_during)
$$;
