-- Promise: NULL when the booking can be changed so by p_actor, otherwise {"outcome", "facts"}. p_known are the
-- customer's details as they are, p_customer as p_changes leaves them. A customer changes what still
-- stands, writes nothing that is the vendor's, remains somebody who can be reached, and takes no address
-- or number of somebody who is banned or has bookings enough, whether or not the vendor takes new ones in
-- public; a vendor may always correct. Another channel must lead to where the booking is, whoever asks.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_booking_change(
    p_booking bookings, p_changes jsonb, p_known jsonb, p_customer jsonb, p_actor jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    -- As the door bounds it at a booking's creation.
    v_metadata_max CONSTANT integer := 16384;
    v_field        text;
    v_refusal      jsonb := check_claim_details(NULL, NULL, p_changes || jsonb_build_object('customer', p_customer));
BEGIN
    IF v_refusal IS NOT NULL THEN
        RETURN v_refusal;
    END IF;
    IF length(merge_patch(p_booking.metadata, p_changes -> 'metadata')::text)
       > GREATEST(v_metadata_max, length(p_booking.metadata::text)) THEN
        RETURN invalid('metadata', 'too_long', jsonb_build_object('most', v_metadata_max));
    END IF;
    IF p_changes ? 'channel' AND p_changes ->> 'channel' IS DISTINCT FROM p_booking.channel THEN
        -- Otherwise whoever may not book here through a channel books through another, and renames it.
        v_refusal := check_channel_of(p_booking, p_changes ->> 'channel', p_actor);
        IF v_refusal IS NOT NULL THEN
            RETURN v_refusal;
        END IF;
    END IF;
    IF p_actor ->> 'type' IS DISTINCT FROM 'customer' THEN
        RETURN NULL;
    END IF;
    v_field := CASE WHEN p_changes ? 'customer_id' THEN 'customer_id'
                    WHEN p_changes ? 'internal_notes' THEN 'internal_notes'
                    WHEN p_changes ? 'metadata' THEN 'metadata' END;
    IF v_field IS NOT NULL THEN
        RETURN invalid(v_field, 'vendors_only');
    END IF;
    IF p_booking.status NOT IN ('requested', 'held', 'confirmed') THEN
        RETURN jsonb_build_object('outcome', 'BOOKING_STATE_CONFLICT', 'facts', jsonb_build_object(
            'status', p_booking.status, 'reason', 'closed_to_customers'));
    END IF;
    IF lower(p_booking.during) <= clock_timestamp() THEN
        RETURN jsonb_build_object('outcome', 'BOOKING_STATE_CONFLICT', 'facts', jsonb_build_object(
            'status', p_booking.status, 'reason', 'has_begun', 'start', utc(lower(p_booking.during)),
            'time_zone', location_time_zone(p_booking.vendor_id, p_booking.location_id)));
    END IF;
    IF p_changes ? 'customer' THEN
        IF p_customer ->> 'name' IS NULL THEN
            RETURN invalid('customer.name', 'name_needed');
        ELSIF COALESCE(p_customer ->> 'email', p_customer ->> 'phone') IS NULL THEN
            RETURN invalid('customer.email', 'contact_needed');
        END IF;
        -- By what is new alone: with what is not, this booking itself would count.
        RETURN (check_public_customer(p_booking.vendor_id, jsonb_build_object(
            'email', NULLIF(folded(p_customer ->> 'email'), folded(p_known ->> 'email')),
            'phone', NULLIF(phone_digits(p_customer ->> 'phone'), phone_digits(p_known ->> 'phone'))))).refusal;
    END IF;
    RETURN NULL;
END
$$;
