-- Promise: the stretches of a slot in which places are free, given what is taken of it, merged where
-- nothing changes: [{"start", "end", "available"}], and the most places free at any moment.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION free_stretches(
    p_during tstzrange, p_capacity integer, p_times tstzrange[], p_quantities integer[]
) RETURNS TABLE (free jsonb, most integer)
LANGUAGE sql STABLE
AS $$
    WITH changes AS (
        SELECT at, sum(change) AS change
        FROM (
            SELECT lower(p_during) AS at, p_capacity AS change
            UNION ALL SELECT upper(p_during), -p_capacity
            UNION ALL SELECT lower(t), -q FROM unnest(p_times, p_quantities) AS taken (t, q)
            UNION ALL SELECT upper(t), q FROM unnest(p_times, p_quantities) AS taken (t, q)
        ) AS edges
        GROUP BY at HAVING sum(change) <> 0
    ), levels AS (
        SELECT at AS start, lead(at) OVER (ORDER BY at) AS ends, sum(change) OVER (ORDER BY at) AS available
        FROM changes
    )
    SELECT COALESCE(jsonb_agg(jsonb_build_object('start', utc(start), 'end', utc(ends), 'available', available)
                              ORDER BY start) FILTER (WHERE available > 0), '[]'),
           COALESCE(max(available), 0)::integer
    FROM levels
$$;
