-- Promise: up to p_limit times that had p_quantity places when it looked, none of them past: the
-- best of each kind first (same provider nearest in time; same time at another provider; same time at
-- another location), then the second best of each.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_alternatives(
    p_vendor_id uuid, p_parts slot_part[], p_quantity integer, p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_first    slot_part := p_parts[1];
    v_openings opening[] := '{}';
BEGIN
    -- One statement for each kind, so that a refusal pays only for those it can have.
    IF cardinality(p_parts) > 1 THEN
        v_openings := ARRAY(SELECT o FROM same_times_elsewhere(p_vendor_id, p_parts, p_quantity, p_limit) AS o);
    ELSE
        IF v_first.during = v_first.slot_during THEN
            v_openings := ARRAY(SELECT o FROM nearest_slots(p_vendor_id, v_first, p_quantity, p_limit) AS o)
                || ARRAY(SELECT o FROM same_slot_elsewhere(p_vendor_id, v_first, p_quantity, p_limit) AS o);
        ELSE
            v_openings := ARRAY(SELECT o FROM nearest_parts(p_vendor_id, v_first, p_quantity, p_limit) AS o)
                || ARRAY(SELECT o FROM same_part_elsewhere(p_vendor_id, v_first, p_quantity, p_limit) AS o);
        END IF;
    END IF;
    RETURN rank_openings(p_vendor_id, v_first, v_openings, p_limit);
END
$$;
