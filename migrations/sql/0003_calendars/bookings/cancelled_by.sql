-- Promise: who cancelled the booking, the last time it was cancelled: customer, vendor or system; NULL: nobody did.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION cancelled_by(p_vendor_id uuid, p_booking_id uuid) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT e.actor ->> 'type'
    FROM events e
    WHERE e.vendor_id = p_vendor_id AND e.booking_id = p_booking_id AND e.kind = 'cancelled'
    ORDER BY e.sequence DESC
    LIMIT 1
$$;
