-- Promise: the most places taken at any one moment of p_during by claims of these times and quantities, by
-- head-count: whatever their number leaves over can be had, however units were dealt.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION most_taken(
    p_times tstzrange[], p_quantities integer[], p_during tstzrange
) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT COALESCE(max(level.taken), 0)::integer
    FROM (
        SELECT sum(sum(edge.change)) OVER (ORDER BY edge.at) AS taken
        FROM unnest(p_times, p_quantities) AS claimed (during, quantity)
        CROSS JOIN LATERAL (VALUES (GREATEST(lower(claimed.during), lower(p_during)), claimed.quantity),
                                   (upper(claimed.during), -claimed.quantity)) AS edge (at, change)
        WHERE edge.at < upper(p_during) AND claimed.during && p_during
        GROUP BY edge.at
    ) AS level
$$;
