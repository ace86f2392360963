-- Promise: NULL when a claim of these parts keeps all rules of the service, otherwise {"outcome", "facts"} of
-- the first it breaks, with what would do. The parts hold the occupied time; what is said is the time shown. Who
-- does it, how long and for how many holds for everybody; notice, window and start step for the public
-- alone: a vendor's key may book at short notice, far ahead and off the step.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_service_rules(
    p_vendor_id uuid, p_service services, p_parts slot_part[], p_quantity integer, p_actor jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_first   slot_part := p_parts[1];
    v_part    slot_part;
    v_refusal jsonb;
    v_start   timestamptz;
    v_starts  tstzrange;
    v_on_grid timestamptz;
BEGIN
    v_refusal := COALESCE(check_service_providers(p_vendor_id, p_service.id, p_parts), check_service_duration(p_parts, p_service));
    IF v_refusal IS NOT NULL THEN
        RETURN in_time_of(p_vendor_id, v_first.location_id, v_refusal);
    END IF;
    v_refusal := check_service_quantity(p_service, p_quantity);
    IF v_refusal IS NOT NULL THEN
        RETURN v_refusal;
    END IF;
    IF p_actor ->> 'type' IS DISTINCT FROM 'customer' THEN
        RETURN NULL;
    END IF;
    -- The parts of the booking's provider come first, in order of time.
    v_start := lower(v_first.during) + make_interval(mins => p_service.buffer_before_minutes);
    v_starts := service_starts(p_service, true);
    IF v_start < lower(v_starts) THEN
        RETURN in_time_of(p_vendor_id, v_first.location_id, invalid('start', 'service_notice', jsonb_build_object(
            'minutes', p_service.notice_minutes, 'earliest', utc(lower(v_starts)))));
    END IF;
    IF v_start > upper(v_starts) THEN
        RETURN in_time_of(p_vendor_id, v_first.location_id, invalid('start', 'service_window', jsonb_build_object(
            'days', p_service.window_days, 'latest', utc(upper(v_starts)))));
    END IF;
    FOREACH v_part IN ARRAY p_parts LOOP
        IF v_part.provider_id = v_first.provider_id AND v_start <@ v_part.slot_during THEN
            v_on_grid := grid_start(v_start, v_part.slot_during, p_service.start_step_minutes);
            IF v_on_grid <> v_start THEN
                RETURN in_time_of(p_vendor_id, v_first.location_id, invalid('start', 'service_step', jsonb_build_object(
                    'minutes', p_service.start_step_minutes, 'previous', utc(v_on_grid),
                    'next', utc(v_on_grid + make_interval(mins => p_service.start_step_minutes)))));
            END IF;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
