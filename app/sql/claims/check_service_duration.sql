-- Promise: NULL when the time booked is as long as the service takes, otherwise the refusal.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_service_duration(p_parts slot_part[], p_duration_minutes integer) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN max(upper(part.during)) - min(lower(part.during)) <> make_interval(mins => p_duration_minutes)
        THEN invalid('service_id', 'service_duration', jsonb_build_object('minutes', p_duration_minutes)) END
    FROM unnest(p_parts) AS part
$$;
