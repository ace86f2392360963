-- Promise: up to p_limit times that had p_quantity places when it looked, none of them past: the
-- best of each kind first (same provider nearest in time; same time at another provider; same time at
-- another location), then the second best of each. With p_service, ways to book that (service_alternatives); for
-- a chain of whole slots, as long a chain of somebody else who does it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_alternatives(
    p_vendor_id uuid, p_parts slot_part[], p_quantity integer, p_limit integer,
    p_service services
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_first    slot_part := p_parts[1];
    v_openings opening[] := '{}';
    v_limit    integer := p_limit;
    v_providers integer;
    v_offered  services;
BEGIN
    IF p_service.id IS NOT NULL THEN
        SELECT count(DISTINCT part.provider_id) INTO v_providers FROM unnest(p_parts) AS part;
        IF p_service.duration_minutes IS NOT NULL OR cardinality(p_parts) = v_providers THEN
            -- As it is offered now: p_service may hold the buffers of a booking that is older.
            SELECT s.* INTO v_offered FROM services s WHERE s.vendor_id = p_vendor_id AND s.id = p_service.id;
            RETURN service_alternatives(
                p_vendor_id, v_offered, lower(v_first.during) + make_interval(mins => p_service.buffer_before_minutes), p_quantity,
                v_first.provider_id, NULL, NULL, p_limit);
        END IF;
        -- Not everybody does it, and nobody does a joint chain alone.
        v_limit := CASE WHEN v_providers = 1 THEN p_limit * 8 ELSE 0 END;
    END IF;
    -- One statement for each kind, so that a refusal pays only for those it can have.
    IF cardinality(p_parts) > 1 THEN
        v_openings := ARRAY(SELECT o FROM same_times_elsewhere(p_vendor_id, p_parts, p_quantity, v_limit) AS o);
    ELSE
        IF v_first.during = v_first.slot_during THEN
            v_openings := ARRAY(SELECT o FROM nearest_slots(p_vendor_id, v_first, p_quantity, v_limit) AS o);
        ELSE
            v_openings := ARRAY(SELECT o FROM nearest_parts(p_vendor_id, v_first, p_quantity, v_limit) AS o);
        END IF;
        v_openings := v_openings || ARRAY(SELECT o FROM same_time_elsewhere(p_vendor_id, v_first, p_quantity, v_limit) AS o);
    END IF;
    IF p_service.id IS NOT NULL THEN
        v_openings := ARRAY(SELECT o FROM unnest(v_openings) AS o WHERE service_has_provider(p_vendor_id, p_service.id, o.provider_id));
    END IF;
    RETURN rank_openings(p_vendor_id, v_first, v_openings, p_limit);
END
$$;
