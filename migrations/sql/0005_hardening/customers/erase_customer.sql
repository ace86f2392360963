-- Promise: nothing is known of the customer any more: neither name, address, number nor note, nor what was
-- written with the bookings, a channel that the vendor has not mapped included; the bookings themselves and
-- their history stay, without a word of the person. Refused, naming them, while bookings to come need the customer. Doing it again changes nothing.
-- Locks: the customer and its bookings (lock_customer). Bookings in flight that refer to it finish first, and none
-- can refer to it until it is done.
-- Raises: SK001, 55P03, 57014. Refusals are returned.
CREATE OR REPLACE FUNCTION erase_customer(
    p_vendor_id uuid, p_customer_id uuid, p_actor jsonb DEFAULT '{}', p_expected_version integer DEFAULT NULL
) RETURNS TABLE (outcome text, customer_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_customer customers;
    v_bookings jsonb;
    v_channels jsonb;
    v_booking  bookings;
BEGIN
    IF p_vendor_id IS NULL OR p_customer_id IS NULL OR jsonb_typeof(p_actor) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_customer_id and p_actor (an object) are needed';
    END IF;
    v_customer := lock_customer(p_vendor_id, p_customer_id);
    IF v_customer.id IS NULL THEN
        RETURN QUERY SELECT 'CUSTOMER_NOT_FOUND', NULL::uuid, false, jsonb_build_object('customer_id', p_customer_id);
        RETURN;
    ELSIF v_customer.erased_at IS NOT NULL THEN
        RETURN QUERY SELECT 'ERASED', p_customer_id, false, '{}'::jsonb;
        RETURN;
    ELSIF p_expected_version <> v_customer.version THEN
        RETURN QUERY SELECT 'PRECONDITION_FAILED', p_customer_id, false, jsonb_build_object('version', v_customer.version);
        RETURN;
    END IF;
    SELECT jsonb_agg(jsonb_build_object('booking_id', o.id, 'start', utc(lower(o.during)), 'end', utc(upper(o.during)), 'quantity', o.quantity,
                                         'time_zone', location_time_zone(p_vendor_id, o.location_id))
                     ORDER BY lower(o.during), o.id)
    INTO v_bookings
    FROM (SELECT b.* FROM bookings b
          WHERE b.vendor_id = p_vendor_id AND b.customer_id = p_customer_id AND is_open(b)
          ORDER BY lower(b.during), b.id LIMIT 100) AS o;
    IF v_bookings IS NOT NULL THEN
        RETURN QUERY SELECT 'CUSTOMER_IN_USE', p_customer_id, false, jsonb_build_object('bookings', v_bookings);
        RETURN;
    END IF;
    -- The words of a caller, unless they are the vendor's own.
    SELECT v.channels INTO v_channels FROM vendors v WHERE v.id = p_vendor_id;
    FOR v_booking IN
        SELECT b.* FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.customer_id = p_customer_id ORDER BY b.id
    LOOP
        UPDATE bookings b
        SET notes = NULL, internal_notes = NULL, cancellation_reason = NULL, metadata = '{}',
            channel = CASE WHEN v_channels ? b.channel THEN b.channel END, version = b.version + 1, updated_at = clock_timestamp()
        WHERE b.vendor_id = p_vendor_id AND b.id = v_booking.id;
        INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
        VALUES (p_vendor_id, v_booking.id, v_booking.version + 1, 'changed', actor_of(p_actor), p_actor ->> 'request_id',
                '{"customer": {}, "notes": {}, "internal_notes": {}, "cancellation_reason": {}, "metadata": {}}'::jsonb
                || CASE WHEN v_channels ? v_booking.channel THEN '{}' ELSE jsonb_strip_nulls(jsonb_build_object(
                    'channel', CASE WHEN v_booking.channel IS NOT NULL THEN '{}'::jsonb END)) END);
    END LOOP;
    UPDATE customers c
    SET name = NULL, email = NULL, phone = NULL, note = NULL, banned_at = NULL, erased_at = clock_timestamp(),
        version = c.version + 1, updated_at = clock_timestamp()
    WHERE c.vendor_id = p_vendor_id AND c.id = p_customer_id;
    -- A file may have called them by their address, and what an import makes up for a booking (#…) says who it is for.
    DELETE FROM import_refs r WHERE r.vendor_id = p_vendor_id AND r.row_id = p_customer_id;
    DELETE FROM import_refs r
    USING bookings b
    WHERE b.vendor_id = p_vendor_id AND b.customer_id = p_customer_id
      AND r.vendor_id = p_vendor_id AND r.row_id = b.id AND r.kind = 'bookings' AND r.ref LIKE '#%';
    RETURN QUERY SELECT 'ERASED', p_customer_id, true, '{}'::jsonb;
END
$$;
