-- Promise: whether the customer of this appointment is still expected: it stands, its hold has not lapsed, and
-- its time is not over.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION is_open(p_booking bookings) RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN p_booking.kind = 'appointment' AND upper(p_booking.during) > clock_timestamp()
    AND (p_booking.status IN ('requested', 'confirmed') OR p_booking.status = 'held' AND p_booking.hold_expires_at > clock_timestamp());
