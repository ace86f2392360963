-- Promise: as lock_booking, and a hold whose time is over has become expired: whoever changes a
-- booking begins here and sees it as it is at this moment. NULL if there is none of that kind.
-- Locks, in order: the booking's slots by id; the booking; its claims. Raises: SK001.
CREATE OR REPLACE FUNCTION lock_current_booking(
    p_vendor_id uuid, p_booking_id uuid, p_kind text, p_actor jsonb
) RETURNS bookings
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_booking bookings;
BEGIN
    IF p_vendor_id IS NULL OR p_booking_id IS NULL OR jsonb_typeof(p_actor) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_booking_id and p_actor (an object) are needed';
    END IF;
    v_booking := lock_booking(p_vendor_id, p_booking_id, p_kind);
    -- The lock was waited for; only the clock after it says whether the hold was still good.
    IF v_booking.status = 'held' AND v_booking.hold_expires_at <= clock_timestamp() THEN
        PERFORM expire_bookings(p_vendor_id, ARRAY[p_booking_id], p_actor);
        SELECT b.* INTO v_booking FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = p_booking_id;
    END IF;
    RETURN v_booking;
END
$$;
