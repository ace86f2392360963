-- Promise: the p_quantity lowest of the free units, or all of them when there are fewer.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION lowest_units(p_free int4multirange, p_quantity integer) RETURNS int4multirange
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_first_run int4range := int4range(lower(p_free), lower(p_free) + p_quantity);
BEGIN
    -- Nearly always the first run of free units is long enough, and then no query is needed.
    IF v_first_run <@ p_free THEN
        RETURN int4multirange(v_first_run);
    END IF;
    RETURN (
        SELECT range_agg(int4range(first_unit, first_unit + LEAST(length, p_quantity - before)::integer))
        FROM (
            SELECT lower(r) AS first_unit,
                   upper(r) - lower(r) AS length,
                   COALESCE(sum(upper(r) - lower(r)) OVER (
                       ORDER BY lower(r) ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
            FROM unnest(p_free) AS r
        ) AS run
        WHERE before < p_quantity
    );
END
$$;
