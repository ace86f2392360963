-- Promise: the block is lifted and its time can be booked again. A block that stands for busy time goes with that alone,
-- and is refused.
-- Locks, in order: the booking's slots by id; the booking; its claims. Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION unblock_time(
    p_vendor_id uuid, p_booking_id uuid, p_actor jsonb DEFAULT '{}', p_expected_version integer DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- Unlocked: a block is made for a busy time or not, and that never changes while it stands.
    RETURN QUERY SELECT 'BOOKING_STATE_CONFLICT', p_booking_id, false, jsonb_build_object(
        'status', 'confirmed', 'wanted', 'cancelled', 'reason', 'busy_time', 'busy_time_id', k.busy_time_id)
    FROM busy_blocks k WHERE k.vendor_id = p_vendor_id AND k.booking_id = p_booking_id;
    IF NOT FOUND THEN
        RETURN QUERY SELECT * FROM change_booking_status(
            p_vendor_id, p_booking_id, 'block', 'cancelled', ARRAY['held', 'confirmed'], p_actor, p_expected_version);
    END IF;
END
$$;
