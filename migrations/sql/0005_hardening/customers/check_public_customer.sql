-- Promise: whether the public may book here, and whether with these details. closed: the refusal {"outcome", "facts"}
-- when the vendor takes no public bookings, else NULL. refusal: the one when it has banned somebody with this mail
-- address (as it is legible, in whatever case) or this number (by its digits), or when as many bookings as it allows are open, be
-- it closed or not; else NULL. open_bookings_max: that maximum, NULL when it has none. channels: the vendor's, as they are.
-- service_required: whether a service has to be named.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_public_customer(p_vendor_id uuid, p_customer jsonb) RETURNS public_check
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_check  public_check;
    v_open   boolean;
    v_banned boolean;
BEGIN
    -- One statement for all of it: every public booking pays for this. IS TRUE: searched by address and number,
    -- never by who is banned.
    SELECT v.public_booking, v.open_bookings_max, v.channels, v.service_required,
           EXISTS (SELECT FROM customers c
                   WHERE c.vendor_id = p_vendor_id AND folded(c.email) = NULLIF(folded(p_customer ->> 'email'), '') AND (c.banned_at IS NOT NULL) IS TRUE)
           OR EXISTS (SELECT FROM customers c
                      WHERE c.vendor_id = p_vendor_id AND phone_digits(c.phone) = NULLIF(phone_digits(p_customer ->> 'phone'), '')
                        AND (c.banned_at IS NOT NULL) IS TRUE)
    INTO v_open, v_check.open_bookings_max, v_check.channels, v_check.service_required, v_banned
    FROM vendors v WHERE v.id = p_vendor_id;
    IF NOT v_open THEN
        v_check.closed := '{"outcome": "PUBLIC_BOOKING_OFF", "facts": {}}';
    END IF;
    IF v_banned THEN
        v_check.refusal := '{"outcome": "CUSTOMER_BANNED", "facts": {}}';
    ELSIF v_check.open_bookings_max IS NOT NULL THEN
        v_check.refusal := check_open_bookings(p_vendor_id, p_customer, v_check.open_bookings_max);
    END IF;
    RETURN v_check;
END
$$;
