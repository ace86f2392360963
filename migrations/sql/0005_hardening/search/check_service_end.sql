-- Promise: NULL when a booking of the service by its start may name this end (NULL: none), as far as the service itself tells; otherwise the
-- refusal. Which ends whole slots have is in the calendar.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_service_end(p_service services, p_start timestamptz, p_end timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    -- A text, since PostgreSQL would spell a parsed body's moments by the clock of whoever asks, and the check of functions compares.
    SELECT CASE
        WHEN p_start NOT BETWEEN '1900-01-01Z' AND '3000-01-01Z' OR p_end NOT BETWEEN '1900-01-01Z' AND '3000-01-01Z'
            THEN '{"outcome": "INVALID_DATE_RANGE", "facts": {"reason": "not_finite"}}'::jsonb
        WHEN p_end <= p_start THEN '{"outcome": "INVALID_DATE_RANGE", "facts": {"reason": "end_not_after_start"}}'::jsonb
        WHEN p_end <> p_start + make_interval(mins => p_service.duration_minutes)
            THEN invalid('end', 'service_end', jsonb_build_object('minutes', p_service.duration_minutes)) END
$$;
