-- Promise: like impossible, of a day.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION impossible_day(p_day date) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN p_day < date '0001-01-01' OR p_day >= date '10000-01-01' THEN p_day::text END
$$;
