-- Promise: of these bookings, the blocks that stand for busy time are lifted, and nothing takes their place; how many. The
-- caller puts blocks again on whatever is then there.
-- Locks, in order: those blocks by id (FOR UPDATE); their claims. The caller holds their slots. Raises: nothing of its own.
CREATE OR REPLACE FUNCTION lift_busy_blocks(p_vendor_id uuid, p_booking_ids uuid[], p_actor jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_booking_id uuid;
    v_block      bookings;
    v_lifted     integer := 0;
BEGIN
    FOR v_booking_id IN SELECT DISTINCT id FROM unnest(p_booking_ids) AS id ORDER BY id LOOP
        SELECT b.* INTO v_block FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = v_booking_id FOR UPDATE;
        DELETE FROM busy_blocks k WHERE k.vendor_id = p_vendor_id AND k.booking_id = v_booking_id;
        IF FOUND AND v_block.occupying THEN
            PERFORM move_booking(v_block, 'cancelled', p_actor);
            v_lifted := v_lifted + 1;
        END IF;
    END LOOP;
    RETURN v_lifted;
END
$$;
