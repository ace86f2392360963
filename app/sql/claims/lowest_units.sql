-- Promise: the p_quantity lowest of the free units, or all of them when there are fewer.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION lowest_units(p_free int4multirange, p_quantity integer) RETURNS int4multirange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT range_agg(int4range(first_unit, first_unit + LEAST(length, p_quantity - before)::integer))
    FROM (
        SELECT lower(r) AS first_unit,
               upper(r) - lower(r) AS length,
               COALESCE(sum(upper(r) - lower(r)) OVER (
                   ORDER BY lower(r) ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM unnest(p_free) AS r
    ) AS piece
    WHERE before < p_quantity
);
