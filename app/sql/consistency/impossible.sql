-- Promise: the moment as text in UTC, where it is none that programs can tell: infinite, or not of the years 1 to 9999. Otherwise NULL.
-- (A text, for how PostgreSQL spells a moment depends on who asks, and the seal compares spellings.)
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION impossible(p_moment timestamptz) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN p_moment < timestamptz '0001-01-01 00:00Z' OR p_moment >= timestamptz '10000-01-01 00:00Z' THEN (p_moment AT TIME ZONE 'UTC')::text
    END
$$;
