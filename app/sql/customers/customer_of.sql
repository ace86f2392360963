-- Promise: the details {"name", "email", "phone"} of the booking's customer, those there are; NULL when nobody is named.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION customer_of(p_vendor_id uuid, p_booking_id uuid) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('name', c.name, 'email', c.email, 'phone', c.phone))
    FROM bookings b
    JOIN customers c ON c.vendor_id = p_vendor_id AND c.id = b.customer_id
    WHERE b.vendor_id = p_vendor_id AND b.id = p_booking_id
$$;
