-- Promise: NULL while fewer than p_most bookings are open by the customer's mail address, and fewer by its
-- number, both compared as they are legible; otherwise the refusal. Other customers with the same address or number
-- count: a name is soon changed.
-- Locks: none. Only under lock_contacts does the answer hold until the commit. Raises: nothing.
CREATE OR REPLACE FUNCTION check_open_bookings(p_vendor_id uuid, p_customer jsonb, p_most integer) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_open integer;
BEGIN
    SELECT GREATEST(
        (SELECT count(*) FROM customers c
         JOIN bookings b ON b.vendor_id = p_vendor_id AND b.customer_id = c.id
         WHERE c.vendor_id = p_vendor_id AND folded(c.email) = NULLIF(folded(p_customer ->> 'email'), '') AND is_open(b)),
        (SELECT count(*) FROM customers c
         JOIN bookings b ON b.vendor_id = p_vendor_id AND b.customer_id = c.id
         WHERE c.vendor_id = p_vendor_id AND phone_digits(c.phone) = NULLIF(phone_digits(p_customer ->> 'phone'), '') AND is_open(b)))
    INTO v_open;
    RETURN CASE WHEN v_open >= p_most THEN jsonb_build_object(
        'outcome', 'BOOKING_LIMIT_REACHED', 'facts', jsonb_build_object('most', p_most)) END;
END
$$;
