-- Promise: of these bookings, those that are still held and past their time become expired and free
-- their places; how many. A hold that was confirmed or cancelled meanwhile is left alone.
-- Locks, in order: bookings by id; their claims; what free_booking locks. The caller holds the slots it cares about.
-- Raises: nothing of its own.
CREATE OR REPLACE FUNCTION expire_bookings(p_vendor_id uuid, p_booking_ids uuid[], p_actor jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_booking bookings;
    v_expired integer := 0;
BEGIN
    IF cardinality(p_booking_ids) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM FROM bookings b
    WHERE b.vendor_id = p_vendor_id AND b.id = ANY (p_booking_ids)
    ORDER BY b.id FOR UPDATE;
    -- A statement of its own: only now does the look see what the locks waited for.
    FOR v_booking IN
        SELECT b.* FROM bookings b
        WHERE b.vendor_id = p_vendor_id AND b.id = ANY (p_booking_ids)
          AND b.status = 'held' AND b.hold_expires_at <= clock_timestamp()
        ORDER BY b.id
    LOOP
        -- The clock expired it, whoever happened to notice.
        PERFORM free_booking(v_booking, 'expired', '{"type": "system"}'::jsonb || jsonb_strip_nulls(
            jsonb_build_object('request_id', p_actor ->> 'request_id')));
        v_expired := v_expired + 1;
    END LOOP;
    RETURN v_expired;
END
$$;
