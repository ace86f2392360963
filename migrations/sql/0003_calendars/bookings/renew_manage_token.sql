-- Promise: the appointment's manage_tokens so far open nothing any more, since each is good for one
-- token_version only, and an event tells that it was raised.
-- Locks, in order: the booking's slots by id; the booking; its claims if its hold has lapsed.
-- Raises: SK001, 55P03, 57014. Refusals are returned.
CREATE OR REPLACE FUNCTION renew_manage_token(
    p_vendor_id uuid, p_booking_id uuid, p_actor jsonb DEFAULT '{}', p_expected_version integer DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_booking bookings;
    v_refusal jsonb;
BEGIN
    v_booking := lock_current_booking(p_vendor_id, p_booking_id, 'appointment', p_actor);
    v_refusal := check_expected_booking(v_booking, p_booking_id, p_expected_version);
    IF v_refusal IS NOT NULL THEN
        RETURN QUERY SELECT v_refusal ->> 'outcome', v_booking.id, false, v_refusal -> 'facts';
        RETURN;
    END IF;
    WITH renewed AS (
        UPDATE bookings b
        SET token_version = b.token_version + 1, version = b.version + 1, updated_at = clock_timestamp()
        WHERE b.vendor_id = p_vendor_id AND b.id = p_booking_id
    )
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
    VALUES (p_vendor_id, p_booking_id, v_booking.version + 1, 'changed', actor_of(p_actor), p_actor ->> 'request_id',
            jsonb_build_object('token_version', jsonb_build_object(
                'from', v_booking.token_version, 'to', v_booking.token_version + 1)));
    RETURN QUERY SELECT 'RENEWED', p_booking_id, true, describe_booking(p_vendor_id, p_booking_id);
END
$$;
