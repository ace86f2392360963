-- Promise: the appointment is confirmed: a hold in time, a completed or missed one (undo), or a
-- cancelled one by claiming its places again. A lapsed hold becomes expired and is refused.
-- Locks, in order: the booking's slots by id; the booking; its claims. Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION confirm_booking(
    p_vendor_id uuid, p_booking_id uuid, p_actor jsonb DEFAULT '{}', p_expected_version integer DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT * FROM change_booking_status(
        p_vendor_id, p_booking_id, 'appointment', 'confirmed', ARRAY['requested', 'held', 'completed', 'no_show', 'cancelled'], p_actor, p_expected_version)
$$;
