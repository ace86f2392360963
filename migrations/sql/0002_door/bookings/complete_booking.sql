-- Promise: the appointment is recorded as kept. It goes on occupying its time.
-- Not before its start, unless the system (an import, work by hand) says so.
-- Locks, in order: the booking's slots by id; the booking; its claims. Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION complete_booking(
    p_vendor_id uuid, p_booking_id uuid, p_actor jsonb DEFAULT '{}', p_expected_version integer DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT * FROM change_booking_status(
        p_vendor_id, p_booking_id, 'appointment', 'completed', ARRAY['confirmed', 'no_show'], p_actor, p_expected_version)
$$;
