-- Promise: NULL, and until the commit the booking's service is not archived and its customer not erased; or
-- {"outcome", "facts"} when one of them already is.
-- Locks, in order: the service; the customer (both KEY SHARE). Whoever archives or erases waits for us with nothing
-- in hand that we could want. Raises: 55P03.
CREATE OR REPLACE FUNCTION keep_service_and_customer(p_booking bookings) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF p_booking.service_id IS NOT NULL THEN
        PERFORM FROM services s
        WHERE s.vendor_id = p_booking.vendor_id AND s.id = p_booking.service_id AND s.archived_at IS NULL FOR KEY SHARE;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('outcome', 'SERVICE_NOT_FOUND', 'facts', jsonb_build_object('service_id', p_booking.service_id));
        END IF;
    END IF;
    IF p_booking.customer_id IS NOT NULL THEN
        PERFORM FROM customers c
        WHERE c.vendor_id = p_booking.vendor_id AND c.id = p_booking.customer_id AND c.erased_at IS NULL FOR KEY SHARE;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('outcome', 'CUSTOMER_NOT_FOUND', 'facts', jsonb_build_object('customer_id', p_booking.customer_id));
        END IF;
    END IF;
    RETURN NULL;
END
$$;
