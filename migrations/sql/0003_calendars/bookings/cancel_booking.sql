-- Promise: the appointment is cancelled and its places are free in the same instant. p_reason, at most 500 characters,
-- is kept with it and shown to whoever sees it; of one that is cancelled already, the first reason stays.
-- Locks, in order: the booking's slots by id; the booking; its claims. Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION cancel_booking(
    p_vendor_id uuid, p_booking_id uuid, p_actor jsonb DEFAULT '{}', p_expected_version integer DEFAULT NULL,
    p_reason text DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT * FROM change_booking_status(
        p_vendor_id, p_booking_id, 'appointment', 'cancelled', ARRAY['requested', 'held', 'confirmed'], p_actor, p_expected_version,
        p_reason)
$$;
