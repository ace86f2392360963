-- Promise: those of these slots that cannot be locked just now, because somebody else has them. It waits for nobody.
-- Locks: the slots (FOR SHARE, so that two who look do not see each other), and lets go of them again before it returns. Raises: nothing.
CREATE OR REPLACE FUNCTION locked_slots(p_vendor_id uuid, p_slot_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_locked  uuid[] := '{}';
    v_slot_id uuid;
BEGIN
    BEGIN
        FOREACH v_slot_id IN ARRAY p_slot_ids LOOP
            PERFORM FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = v_slot_id FOR SHARE SKIP LOCKED;
            IF NOT FOUND THEN
                v_locked := v_locked || v_slot_id;
            END IF;
        END LOOP;
        RAISE SQLSTATE 'SK003';
    EXCEPTION
        WHEN SQLSTATE 'SK003' THEN
            -- What was locked by looking is free again.
            NULL;
    END;
    RETURN v_locked;
END
$$;
