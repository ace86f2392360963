-- Promise: the booking, locked together with its slots, as it is under the locks; NULL if there is
-- none of that kind. Every function that starts from a booking begins here.
-- Locks, in order: the booking's slots by id; the booking. They are found by reading the booking
-- without a lock, so it is read again under the locks and the search begins anew if it moved.
-- Raises: nothing of its own.
CREATE OR REPLACE FUNCTION lock_booking(p_vendor_id uuid, p_booking_id uuid, p_kind text) RETURNS bookings
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_seen    bookings;
    v_booking bookings;
BEGIN
    LOOP
        SELECT b.* INTO v_seen FROM bookings b
        WHERE b.vendor_id = p_vendor_id AND b.id = p_booking_id AND b.kind = p_kind;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        PERFORM lock_slots(p_vendor_id, v_seen.slot_ids);
        SELECT b.* INTO v_booking FROM bookings b
        WHERE b.vendor_id = p_vendor_id AND b.id = p_booking_id FOR UPDATE;
        IF v_booking.slot_ids = v_seen.slot_ids THEN
            RETURN v_booking;
        END IF;
    END LOOP;
END
$$;
