-- Promise: how many units a multirange names. Immutable: law 4 is a CHECK over it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION units_count(p_units int4multirange) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    -- Nearly always one run of units, and then no query is needed; this runs for every claim.
    IF int4multirange(range_merge(p_units)) = p_units THEN
        RETURN COALESCE(upper(p_units) - lower(p_units), 0);
    END IF;
    RETURN (SELECT sum(upper(r) - lower(r))::integer FROM unnest(p_units) AS r);
END
$$;
