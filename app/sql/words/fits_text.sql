-- Promise: whether a JSON value is a text of p_least to p_most characters, or none at all.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION fits_text(p_value jsonb, p_least integer, p_most integer) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_value IS NULL OR p_value = 'null'
    OR jsonb_typeof(p_value) = 'string' AND length(p_value #>> '{}') BETWEEN p_least AND p_most;
