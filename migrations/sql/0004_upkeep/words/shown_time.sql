-- Promise: what a booking shows of the time that a claim of it occupies: without its buffers. Of a claim that is all buffer, the
-- booking's time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION shown_time(p_claimed tstzrange, p_booked tstzrange) RETURNS tstzrange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(NULLIF(p_claimed * p_booked, 'empty'), p_booked);
