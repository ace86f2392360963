-- Promise: the earliest moment at which something booked now may begin. For the public that is the next full minute:
-- what has begun is refused to it, and what begins this very moment has begun when the request arrives. For the
-- vendor (p_public false) it is -infinity.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION earliest_start(p_public boolean) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_public THEN date_trunc('minute', now() + interval '1 minute') ELSE '-infinity' END;
