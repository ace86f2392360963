-- Promise: NULL when there is a booking and it is at p_expected_version (NULL: any will do), otherwise
-- {"outcome", "facts"}. p_booking: what lock_current_booking found of p_booking_id.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_expected_booking(p_booking bookings, p_booking_id uuid, p_expected_version integer) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN p_booking.id IS NULL THEN
        jsonb_build_object('outcome', 'BOOKING_NOT_FOUND', 'facts', jsonb_build_object('booking_id', p_booking_id))
    WHEN p_expected_version <> p_booking.version THEN
        jsonb_build_object('outcome', 'PRECONDITION_FAILED', 'facts', jsonb_build_object('version', p_booking.version)) END;
