-- Promise: the booking moves to p_status if the state machine allows it from where it is; doing again
-- what is done changes nothing and writes no event. One row: outcome, booking_id, changed, facts. p_reason is kept
-- with the booking for as long as it is cancelled.
-- Locks, in order: a customer's contacts, when they confirm and the vendor bounds open bookings; the booking's
-- slots by id; the booking; what claim_again locks; its claims.
-- Raises: SK001. Refusals are returned.
CREATE OR REPLACE FUNCTION change_booking_status(
    p_vendor_id uuid, p_booking_id uuid, p_kind text, p_status text, p_from text[], p_actor jsonb, p_expected_version integer,
    p_reason text DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    v_reason_max CONSTANT integer := 500;
    v_booking  bookings;
    v_refusal  jsonb;
    v_customer jsonb;
    v_public   public_check;
BEGIN
    IF p_actor ->> 'type' = 'customer' AND p_status = 'confirmed' THEN
        -- They may be about to claim again, which is booking in public: counted like any other.
        v_customer := customer_of(p_vendor_id, p_booking_id);
        v_public := check_public_customer(p_vendor_id, v_customer);
        IF v_public.open_bookings_max IS NOT NULL THEN
            PERFORM lock_contacts(p_vendor_id, v_customer);
            v_public := check_public_customer(p_vendor_id, v_customer);
        END IF;
    END IF;
    v_booking := lock_current_booking(p_vendor_id, p_booking_id, p_kind, p_actor);
    v_refusal := COALESCE(
        check_expected_booking(v_booking, p_booking_id, p_expected_version),
        CASE WHEN length(p_reason) > v_reason_max THEN invalid('reason', 'too_long', jsonb_build_object('most', v_reason_max)) END);
    IF v_refusal IS NOT NULL THEN
        RETURN QUERY SELECT v_refusal ->> 'outcome', v_booking.id, false, v_refusal -> 'facts';
    ELSIF v_booking.status = p_status THEN
        RETURN QUERY SELECT upper(p_status), p_booking_id, false, describe_booking(p_vendor_id, p_booking_id);
    ELSIF v_booking.status = 'expired' AND p_status = 'confirmed' THEN
        RETURN QUERY SELECT 'HOLD_EXPIRED', p_booking_id, false, jsonb_build_object(
            'hold_expires_at', utc(v_booking.hold_expires_at),
            'time_zone', location_time_zone(p_vendor_id, v_booking.location_id));
    ELSIF NOT v_booking.status = ANY (p_from) THEN
        RETURN QUERY SELECT 'BOOKING_STATE_CONFLICT', p_booking_id, false,
                            jsonb_build_object('status', v_booking.status, 'wanted', p_status);
    ELSIF p_status IN ('completed', 'no_show') AND lower(v_booking.during) > clock_timestamp()
          AND p_actor ->> 'type' IN ('vendor', 'customer') THEN
        -- Nobody came to, or missed, what has not begun. Imports and work by hand (system) may say so.
        RETURN QUERY SELECT 'BOOKING_STATE_CONFLICT', p_booking_id, false, jsonb_build_object(
            'status', v_booking.status, 'wanted', p_status, 'reason', 'not_begun', 'start', utc(lower(v_booking.during)),
            'time_zone', location_time_zone(p_vendor_id, v_booking.location_id));
    ELSIF p_actor ->> 'type' = 'customer' AND p_status = 'cancelled' AND lower(v_booking.during) <= clock_timestamp() THEN
        -- Whoever has not come could otherwise make it a cancellation, before the vendor says what it was.
        RETURN QUERY SELECT 'BOOKING_STATE_CONFLICT', p_booking_id, false, jsonb_build_object(
            'status', v_booking.status, 'wanted', p_status, 'reason', 'has_begun', 'start', utc(lower(v_booking.during)),
            'time_zone', location_time_zone(p_vendor_id, v_booking.location_id));
    ELSIF v_booking.status = 'cancelled' AND p_actor ->> 'type' = 'customer' AND cancelled_by(p_vendor_id, p_booking_id) <> 'customer' THEN
        RETURN QUERY SELECT 'BOOKING_STATE_CONFLICT', p_booking_id, false, jsonb_build_object(
            'status', v_booking.status, 'wanted', p_status, 'reason', 'cancelled_by_vendor');
    ELSIF v_booking.status = 'cancelled' AND COALESCE(v_public.closed, v_public.refusal) IS NOT NULL THEN
        RETURN QUERY SELECT r ->> 'outcome', p_booking_id, false, r -> 'facts' FROM COALESCE(v_public.closed, v_public.refusal) AS r;
    ELSIF v_booking.status = 'cancelled' THEN
        RETURN QUERY SELECT * FROM claim_again(v_booking, p_actor);
    ELSIF v_booking.status IN ('completed', 'no_show') AND p_status = 'confirmed' AND upper(v_booking.during) > clock_timestamp()
          AND EXISTS (SELECT FROM customers c WHERE c.vendor_id = p_vendor_id AND c.id = v_booking.customer_id AND c.erased_at IS NOT NULL) THEN
        -- Undone before its end, it would expect somebody again. No lock: who erases needs the booking's, which we hold.
        RETURN QUERY SELECT 'CUSTOMER_NOT_FOUND', p_booking_id, false, jsonb_build_object('customer_id', v_booking.customer_id);
    ELSE
        IF p_status = 'cancelled' THEN
            PERFORM free_booking(v_booking, p_status, p_actor, NULLIF(p_reason, ''));
        ELSE
            PERFORM move_booking(v_booking, p_status, p_actor, NULLIF(p_reason, ''));
        END IF;
        RETURN QUERY SELECT upper(p_status), p_booking_id, true, describe_booking(p_vendor_id, p_booking_id);
    END IF;
END
$$;
