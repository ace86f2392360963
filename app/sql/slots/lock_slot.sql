-- Promise: the slot, locked, with the lapsed holds on it expired; NULL if there is none.
-- Locks, in order: the slot (FOR UPDATE: its shape is about to change); lapsed holds (expire_in_the_way); their claims.
-- Raises: nothing of its own.
CREATE OR REPLACE FUNCTION lock_slot(p_vendor_id uuid, p_slot_id uuid, p_actor jsonb) RETURNS slots
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_slot slots;
BEGIN
    SELECT s.* INTO v_slot FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = p_slot_id FOR UPDATE;
    IF FOUND THEN
        PERFORM expire_in_the_way(p_vendor_id, ARRAY[p_slot_id], '-infinity', ARRAY(
            SELECT b.id FROM claims c
            JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id
            WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id
              AND b.status = 'held' AND b.hold_expires_at <= clock_timestamp()), p_actor);
    END IF;
    RETURN v_slot;
END
$$;
