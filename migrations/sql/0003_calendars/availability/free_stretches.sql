-- Promise: the stretches of a slot in which places are free, given what is taken of it: [{"start", "end",
-- "available"}], and the most places free at any moment. Whoever asks for a time inside one stretch, and
-- no more than its places, finds them: it is cut wherever the set of free units changes, even when
-- their number does not, since nobody is moved from one unit to another on the way. What lies before
-- p_earliest is left out, and what goes on then begins there.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION free_stretches(
    p_during tstzrange, p_capacity integer, p_times tstzrange[], p_quantities integer[], p_units int4multirange[],
    p_earliest timestamptz
) RETURNS TABLE (free jsonb, most integer)
LANGUAGE sql STABLE
AS $$
    WITH edges AS (
        -- Before it begins and after it ends a slot is taken altogether.
        SELECT lower(p_during) AS at, p_capacity AS change, NULL AS taken, int4multirange(int4range(1, p_capacity + 1)) AS freed
        UNION ALL SELECT upper(p_during), -p_capacity, int4multirange(int4range(1, p_capacity + 1)), NULL
        UNION ALL SELECT lower(t), -q, u, NULL FROM unnest(p_times, p_quantities, p_units) AS claimed (t, q, u)
        UNION ALL SELECT upper(t), q, NULL, u FROM unnest(p_times, p_quantities, p_units) AS claimed (t, q, u)
    ), changes AS (
        SELECT at, sum(change) AS change
        FROM edges GROUP BY at HAVING range_agg(taken) IS DISTINCT FROM range_agg(freed)
    ), levels AS (
        SELECT GREATEST(at, p_earliest) AS start, lead(at) OVER (ORDER BY at) AS ends, sum(change) OVER (ORDER BY at) AS available
        FROM changes
    )
    SELECT COALESCE(jsonb_agg(jsonb_build_object('start', utc(start), 'end', utc(ends), 'available', available)
                              ORDER BY start) FILTER (WHERE available > 0), '[]'),
           COALESCE(max(available), 0)::integer
    FROM levels
    WHERE ends > start
$$;
