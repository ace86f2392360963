-- Promise: true when all of these slots that are there are locked, with the lapsed holds on p_slot_ids expired and the blocks there
-- that stand for busy time lifted. p_others: slots that the caller works on afterwards, which do not change.
-- Locks, in order: those slots and p_others by id (FOR UPDATE what changes its shape, the others NO KEY UPDATE); lapsed holds
-- (expire_in_the_way); those blocks by id; their claims.
-- Raises: 55P03.
CREATE OR REPLACE FUNCTION lock_slots_to_change(p_vendor_id uuid, p_slot_ids uuid[], p_others uuid[], p_actor jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_slot record;
BEGIN
    -- One at a time, by key, as lock_slots does.
    FOR v_slot IN
        SELECT s.id, bool_or(s.changes) AS changes
        FROM (SELECT unnest(p_slot_ids) AS id, true AS changes UNION ALL SELECT unnest(p_others), false) AS s
        GROUP BY s.id ORDER BY s.id
    LOOP
        IF v_slot.changes THEN
            PERFORM FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = v_slot.id FOR UPDATE;
        ELSE
            PERFORM FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = v_slot.id FOR NO KEY UPDATE;
        END IF;
    END LOOP;
    PERFORM expire_in_the_way(p_vendor_id, p_slot_ids, '-infinity', ARRAY(
        SELECT DISTINCT c.booking_id
        FROM unnest(p_slot_ids) AS locked (id)
        CROSS JOIN LATERAL (
            SELECT c.booking_id FROM claims c WHERE c.vendor_id = p_vendor_id AND c.slot_id = locked.id OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT b.status, b.hold_expires_at FROM bookings b
            WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id OFFSET 0) AS b
        WHERE b.status = 'held' AND b.hold_expires_at <= clock_timestamp()), p_actor);
    PERFORM lift_busy_blocks(p_vendor_id, busy_blocks_in(p_vendor_id, p_slot_ids), p_actor);
    RETURN true;
END
$$;
