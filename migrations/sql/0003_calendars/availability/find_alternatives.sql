-- Promise: up to p_limit times that had p_quantity places when it looked, none of them past: the
-- best of each kind first (same provider nearest in time; same time at another provider; same time at
-- another location), then the second best of each. With p_service, those that p_actor may book for it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_alternatives(
    p_vendor_id uuid, p_parts slot_part[], p_quantity integer, p_limit integer,
    p_service services, p_actor jsonb
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_first    slot_part := p_parts[1];
    v_openings opening[] := '{}';
    v_limit    integer := p_limit;
BEGIN
    IF p_service.id IS NOT NULL THEN
        -- Not each of them keeps the service's rules.
        v_limit := p_limit * 8;
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
    RETURN rank_openings(p_vendor_id, v_first, v_openings, p_limit);
END
$$;
