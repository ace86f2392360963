-- Promise: all time that RFC 3339 can name in UTC. Slots lie inside it: what lies outside could be
-- published but not answered.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION years_of_four_digits() RETURNS tstzrange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '["0001-01-01 00:00:00+00","10000-01-01 00:00:00+00")'::tstzrange;
