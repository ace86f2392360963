-- Promise: the appointment has the customer, notes, guests, channel, metadata and internal_notes that the
-- JSON merge patch p_changes asks for, and an event tells which of them changed, what may be
-- personal by name only. What changes nothing writes nothing. No customer's row is changed, whoever
-- asks: other details are another customer, found or made, and customer_id is one who is there.
-- Locks, in order: the contacts a customer asks for, if the vendor bounds open bookings; the booking's slots by id; the
-- booking; its claims if its hold has lapsed; the customer named, or the key of the details while a twin is being made.
-- Raises: SK001, 55P03, 57014. Refusals are returned.
CREATE OR REPLACE FUNCTION change_booking(
    p_vendor_id uuid, p_booking_id uuid, p_changes jsonb, p_actor jsonb DEFAULT '{}', p_expected_version integer DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_booking  bookings;
    v_new      bookings;
    v_customer jsonb;
    v_wanted   jsonb;  -- What p_changes leaves of v_customer.
    v_refusal  jsonb;
    v_changes  jsonb;
BEGIN
    IF jsonb_typeof(p_changes) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_changes (an object) is needed';
    END IF;
    IF p_actor ->> 'type' = 'customer' AND jsonb_typeof(p_changes -> 'customer') = 'object' THEN
        PERFORM lock_contacts(p_vendor_id, p_changes -> 'customer')
        FROM vendors v WHERE v.id = p_vendor_id AND v.open_bookings_max IS NOT NULL;
    END IF;
    v_booking := lock_current_booking(p_vendor_id, p_booking_id, 'appointment', p_actor);
    v_refusal := check_expected_booking(v_booking, p_booking_id, p_expected_version);
    IF v_refusal IS NOT NULL THEN
        RETURN QUERY SELECT v_refusal ->> 'outcome', v_booking.id, false, v_refusal -> 'facts';
        RETURN;
    END IF;
    SELECT jsonb_strip_nulls(jsonb_build_object('name', c.name, 'email', c.email, 'phone', c.phone)) INTO v_customer
    FROM customers c WHERE c.vendor_id = p_vendor_id AND c.id = v_booking.customer_id;
    v_wanted := NULLIF(CASE WHEN p_changes ? 'customer' THEN merge_patch(v_customer, p_changes -> 'customer') ELSE v_customer END, 'null');
    v_refusal := check_booking_change(v_booking, p_changes, v_customer, v_wanted, p_actor);
    IF v_refusal IS NOT NULL THEN
        RETURN QUERY SELECT v_refusal ->> 'outcome', p_booking_id, false, v_refusal -> 'facts';
        RETURN;
    END IF;
    v_new := v_booking;
    IF p_changes ? 'notes' THEN v_new.notes := p_changes ->> 'notes'; END IF;
    IF p_changes ? 'internal_notes' THEN v_new.internal_notes := p_changes ->> 'internal_notes'; END IF;
    IF p_changes ? 'guests' THEN v_new.guests := (p_changes ->> 'guests')::integer; END IF;
    IF p_changes ? 'channel' THEN v_new.channel := p_changes ->> 'channel'; END IF;
    IF p_changes ? 'metadata' THEN
        v_new.metadata := COALESCE(NULLIF(merge_patch(v_booking.metadata, p_changes -> 'metadata'), 'null'), '{}');
    END IF;
    IF p_changes ? 'customer_id' AND p_changes ->> 'customer_id' IS DISTINCT FROM v_booking.customer_id::text THEN
        -- Under its lock, since it may be erased at this moment.
        SELECT c.id INTO v_new.customer_id FROM customers c
        WHERE c.vendor_id = p_vendor_id AND c.id = (p_changes ->> 'customer_id')::uuid AND c.erased_at IS NULL FOR KEY SHARE;
        IF NOT FOUND AND p_changes ->> 'customer_id' IS NOT NULL THEN
            RETURN QUERY SELECT 'CUSTOMER_NOT_FOUND', p_booking_id, false, jsonb_build_object('customer_id', p_changes ->> 'customer_id');
            RETURN;
        END IF;
    ELSIF v_wanted IS DISTINCT FROM v_customer THEN
        v_new.customer_id := find_or_create_customer(p_vendor_id, v_wanted);
        IF v_new.customer_id = v_booking.customer_id THEN
            v_wanted := v_customer;  -- The same in other words.
        END IF;
    END IF;
    v_changes := booking_changes(v_booking, v_new, v_customer, v_wanted);
    IF v_changes <> '{}' THEN
        WITH changed AS (
            UPDATE bookings b
            SET customer_id = v_new.customer_id, notes = v_new.notes, internal_notes = v_new.internal_notes,
                guests = v_new.guests, channel = v_new.channel, metadata = v_new.metadata,
                version = b.version + 1, updated_at = clock_timestamp()
            WHERE b.vendor_id = p_vendor_id AND b.id = p_booking_id
        )
        INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
        VALUES (p_vendor_id, p_booking_id, v_booking.version + 1, 'changed', actor_of(p_actor), p_actor ->> 'request_id', v_changes);
    END IF;
    RETURN QUERY SELECT 'CHANGED', p_booking_id, v_changes <> '{}', describe_booking(p_vendor_id, p_booking_id);
END
$$;
