-- Promise: how many units a multirange names. Immutable: law 4 is a CHECK over it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION units_count(p_units int4multirange) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- The search path is left alone on purpose: with a SET clause it could not be planned once.
RETURN (SELECT COALESCE(sum(upper(r) - lower(r)), 0)::integer FROM unnest(p_units) AS r);
