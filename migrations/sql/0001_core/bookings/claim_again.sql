-- Promise: a cancelled booking is confirmed once more, by claiming its places again like anybody
-- else; refused when its slots have gone, changed under it, or are taken.
-- Locks: lapsed holds in the way by id; claims. The caller holds the slots and the booking.
-- Raises: 23503, 23514 where a raw writer has changed what was looked at.
CREATE OR REPLACE FUNCTION claim_again(p_booking bookings, p_actor jsonb)
RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    v_attempts_max CONSTANT integer := 3;
    v_parts     slot_part[];
    v_available integer;
    v_refusal   jsonb;
BEGIN
    FOR v_attempt IN 1..v_attempts_max LOOP
        PERFORM expire_bookings(p_booking.vendor_id, lapsed_holds_in(p_booking.vendor_id, v_parts), p_actor);
        SELECT array_agg(part ORDER BY part.ordinal), min(units_count(part.free)) INTO v_parts, v_available
        FROM look_at_slots(p_booking.vendor_id, p_booking.slot_ids, lower(p_booking.during), upper(p_booking.during)) AS part;
        IF tstzrange((SELECT min(lower(part.during)) FROM unnest(v_parts) AS part),
                     (SELECT max(upper(part.during)) FROM unnest(v_parts) AS part)) IS DISTINCT FROM p_booking.during
           OR cardinality(v_parts) <> p_booking.claim_count THEN
            RETURN QUERY SELECT 'SLOT_NOT_FOUND', p_booking.id, false, jsonb_build_object('reason', 'slots_changed');
            RETURN;
        END IF;
        IF v_available < p_booking.quantity THEN
            CONTINUE WHEN v_attempt = 1 AND cardinality(lapsed_holds_in(p_booking.vendor_id, v_parts)) > 0;
            v_refusal := explain_refusal(p_booking.vendor_id, v_parts, p_booking.quantity, 3);
            RETURN QUERY SELECT v_refusal ->> 'outcome', p_booking.id, false, v_refusal -> 'facts';
            RETURN;
        END IF;
        BEGIN
            PERFORM move_booking(p_booking, 'confirmed', p_actor);
            IF insert_claims(p_booking.vendor_id, p_booking.id, v_parts, p_booking.quantity) THEN
                RETURN QUERY SELECT 'CONFIRMED', p_booking.id, true, describe_booking(p_booking.vendor_id, p_booking.id);
                RETURN;
            END IF;
            RAISE SQLSTATE 'SK002';
        EXCEPTION WHEN SQLSTATE 'SK002' THEN
            NULL;  -- A raw writer was quicker: look again.
        END;
    END LOOP;
    RETURN QUERY SELECT 'CONCURRENCY_ABORT', p_booking.id, false, '{}'::jsonb;
END
$$;
