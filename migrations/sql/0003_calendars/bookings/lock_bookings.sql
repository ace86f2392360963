-- Promise: returns true when all of these bookings that are there are locked.
-- Locks: the bookings by id (FOR NO KEY UPDATE). The caller holds the slots it cares about. Raises: 55P03.
CREATE OR REPLACE FUNCTION lock_bookings(p_vendor_id uuid, p_booking_ids uuid[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_booking_id uuid;
BEGIN
    -- One at a time, by key, as lock_slots does.
    FOR v_booking_id IN SELECT DISTINCT id FROM unnest(p_booking_ids) AS id ORDER BY id LOOP
        PERFORM FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = v_booking_id FOR NO KEY UPDATE;
    END LOOP;
    RETURN true;
END
$$;
