-- Promise: NULL when the booking can be changed so by p_actor, otherwise {"outcome", "facts"}. p_customer
-- is what p_changes leaves of the customer. A customer changes what still stands, writes nothing that
-- is the vendor's, and remains somebody who can be reached; a vendor may always correct.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_booking_change(
    p_booking bookings, p_changes jsonb, p_customer jsonb, p_actor jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    -- As the door bounds it at a booking's creation.
    v_metadata_max CONSTANT integer := 16384;
    v_refusal      jsonb := check_claim_details(NULL, NULL, p_changes || jsonb_build_object('customer', p_customer));
BEGIN
    IF v_refusal IS NOT NULL THEN
        RETURN v_refusal;
    END IF;
    IF length(merge_patch(p_booking.metadata, p_changes -> 'metadata')::text)
       > GREATEST(v_metadata_max, length(p_booking.metadata::text)) THEN
        RETURN invalid('metadata', 'too_long', jsonb_build_object('most', v_metadata_max));
    END IF;
    IF p_actor ->> 'type' IS DISTINCT FROM 'customer' THEN
        RETURN NULL;
    END IF;
    IF p_changes ? 'internal_notes' THEN
        RETURN invalid('internal_notes', 'vendors_only');
    END IF;
    IF p_booking.status NOT IN ('requested', 'held', 'confirmed') THEN
        RETURN jsonb_build_object('outcome', 'BOOKING_STATE_CONFLICT', 'facts', jsonb_build_object(
            'status', p_booking.status, 'reason', 'closed_to_customers'));
    END IF;
    IF p_changes ? 'customer' AND p_customer ->> 'name' IS NULL THEN
        RETURN invalid('customer.name', 'name_needed');
    END IF;
    IF p_changes ? 'customer' AND COALESCE(p_customer ->> 'email', p_customer ->> 'phone') IS NULL THEN
        RETURN invalid('customer.email', 'contact_needed');
    END IF;
    IF p_changes ? 'customer' THEN
        v_refusal := (check_public_customer(p_booking.vendor_id, p_customer)).refusal;
        RETURN CASE WHEN v_refusal ->> 'outcome' = 'CUSTOMER_BANNED' THEN v_refusal END;
    END IF;
    RETURN NULL;
END
$$;
