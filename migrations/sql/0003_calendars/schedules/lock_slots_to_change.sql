-- Promise: the ids of the slots of a plan, which are now locked, with the lapsed holds on them expired and the blocks that
-- stand for busy time lifted.
-- Locks, in order: those slots by id (FOR UPDATE: their shape is about to change); lapsed holds (expire_in_the_way); those
-- blocks by id; their claims.
-- Raises: 55P03.
CREATE OR REPLACE FUNCTION lock_slots_to_change(p_vendor_id uuid, p_changes scheduled_change[], p_actor jsonb) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_slot_ids uuid[] := ARRAY(SELECT c.slot_id FROM unnest(p_changes) AS c WHERE c.slot_id IS NOT NULL ORDER BY c.slot_id);
    v_slot_id  uuid;
BEGIN
    -- One at a time, by key, as lock_slots does.
    FOREACH v_slot_id IN ARRAY v_slot_ids LOOP
        PERFORM FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = v_slot_id FOR UPDATE;
    END LOOP;
    PERFORM expire_in_the_way(p_vendor_id, v_slot_ids, '-infinity', ARRAY(
        SELECT DISTINCT c.booking_id
        FROM unnest(v_slot_ids) AS locked (id)
        CROSS JOIN LATERAL (
            SELECT c.booking_id FROM claims c WHERE c.vendor_id = p_vendor_id AND c.slot_id = locked.id OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT b.status, b.hold_expires_at FROM bookings b
            WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id OFFSET 0) AS b
        WHERE b.status = 'held' AND b.hold_expires_at <= clock_timestamp()), p_actor);
    PERFORM lift_busy_blocks(p_vendor_id, busy_blocks_in(p_vendor_id, v_slot_ids), p_actor);
    RETURN v_slot_ids;
END
$$;
