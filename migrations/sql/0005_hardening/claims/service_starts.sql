-- Promise: from when to when a booking of the service may begin, both included: for the public after the
-- notice, never before earliest_start, so that what the search leaves out as begun is refused, too, and within the window
-- (days of 24 hours), counted from the transaction's beginning; for a vendor's key at any time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION service_starts(p_service services, p_public boolean) RETURNS tstzrange
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_public THEN tstzrange(
    GREATEST(now() + make_interval(mins => p_service.notice_minutes), earliest_start(true)),
    now() + make_interval(hours => p_service.window_days * 24), '[]')
    ELSE tstzrange(NULL, NULL) END;
