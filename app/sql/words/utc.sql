-- Promise: the instant as RFC 3339 in UTC, whatever the session's time zone; fractions only when
-- there are some.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION utc(p_instant timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(p_instant AT TIME ZONE 'UTC', CASE
    WHEN date_trunc('second', p_instant) = p_instant THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
    ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END);
