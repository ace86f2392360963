-- Promise: returns true when all of these slots that are there are locked. Every function that works on
-- several slots locks them here, and so in one order.
-- Locks: the slots by id (FOR NO KEY UPDATE). Raises: 55P03.
CREATE OR REPLACE FUNCTION lock_slots(p_vendor_id uuid, p_slot_ids uuid[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_sorted  uuid[] := p_slot_ids;
    v_slot_id uuid;
BEGIN
    IF cardinality(p_slot_ids) > 1 THEN
        v_sorted := ARRAY(SELECT id FROM unnest(p_slot_ids) AS id ORDER BY id);
    END IF;
    -- One at a time, by key. For id = ANY (…) the planner may choose any index that begins with the
    -- vendor, and then each claim reads the entries of all its slots.
    FOREACH v_slot_id IN ARRAY v_sorted LOOP
        PERFORM FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = v_slot_id FOR NO KEY UPDATE;
    END LOOP;
    RETURN true;
END
$$;
