-- Promise: whether it was the customer who cancelled the booking, the last time it was cancelled.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION was_cancelled_by_customer(p_booking bookings) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT e.actor ->> 'type' = 'customer'
    FROM events e
    WHERE e.vendor_id = p_booking.vendor_id AND e.booking_id = p_booking.id AND e.kind = 'cancelled'
    ORDER BY e.sequence DESC
    LIMIT 1
$$;
