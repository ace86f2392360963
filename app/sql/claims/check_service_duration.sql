-- Promise: NULL when the time shown is as long as the service takes (the time its parts occupy, less its
-- buffers), or, for a service without a duration, when every slot is taken whole; otherwise the refusal.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_service_duration(p_parts slot_part[], p_service services) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_part     slot_part := p_parts[1];
    v_occupied tstzrange := v_part.during;
BEGIN
    IF p_service.duration_minutes IS NULL THEN
        FOREACH v_part IN ARRAY p_parts LOOP
            IF v_part.during <> v_part.slot_during THEN
                RETURN invalid('start', 'whole_slots', jsonb_build_object(
                    'start', utc(lower(v_part.slot_during)), 'end', utc(upper(v_part.slot_during))));
            END IF;
        END LOOP;
        RETURN NULL;
    END IF;
    IF cardinality(p_parts) > 1 THEN
        SELECT tstzrange(min(lower(part.during)), max(upper(part.during))) INTO v_occupied FROM unnest(p_parts) AS part;
    END IF;
    IF upper(v_occupied) - lower(v_occupied) <> make_interval(
        mins => p_service.duration_minutes + p_service.buffer_before_minutes + p_service.buffer_after_minutes) THEN
        RETURN invalid('service_id', 'service_duration', jsonb_build_object(
            'minutes', p_service.duration_minutes, 'occupied_minutes',
            p_service.duration_minutes + p_service.buffer_before_minutes + p_service.buffer_after_minutes));
    END IF;
    RETURN NULL;
END
$$;
