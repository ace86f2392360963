-- Promise: a cancelled booking is confirmed once more, by claiming its places again like anybody
-- else, for what they cost now; refused when its service is archived or its customer erased, when its slots have gone, changed
-- under it, are closed or taken, and to a customer when its time has begun.
-- Locks, in order: service and customer (keep_service_and_customer); lapsed holds in the way by id; bookings
-- whose units are dealt again by id; claims. The caller holds the slots and the booking.
-- Raises: a 23503 or 23514 (raw writers) that three looks did not cure.
CREATE OR REPLACE FUNCTION claim_again(p_booking bookings, p_actor jsonb)
RETURNS TABLE (outcome text, booking_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    v_attempts_max CONSTANT integer := 3;
    v_attempt integer := 0;
    v_service services;
    v_price   jsonb;
    v_look    slots_look;
    v_places  uuid[];
    v_refusal jsonb;
    -- The buffers it was made with, whatever the service's are now.
    v_occupied tstzrange := tstzrange(lower(p_booking.during) - make_interval(mins => p_booking.buffer_before_minutes),
                                      upper(p_booking.during) + make_interval(mins => p_booking.buffer_after_minutes));
BEGIN
    IF p_actor ->> 'type' = 'customer' AND lower(p_booking.during) < now() THEN
        v_refusal := invalid('start', 'in_the_past');
    ELSE
        v_refusal := keep_service_and_customer(p_booking);
    END IF;
    SELECT s.* INTO v_service FROM services s WHERE s.vendor_id = p_booking.vendor_id AND s.id = p_booking.service_id;
    v_service.buffer_before_minutes := p_booking.buffer_before_minutes;
    v_service.buffer_after_minutes := p_booking.buffer_after_minutes;
    SELECT channel_places(v.channels, p_booking.channel, p_actor ->> 'type' IS NOT DISTINCT FROM 'customer') INTO v_places
    FROM vendors v WHERE v.id = p_booking.vendor_id;
    WHILE v_refusal IS NULL LOOP
        v_look := look_at_slots(p_booking.vendor_id, p_booking.slot_ids, lower(v_occupied), upper(v_occupied),
                                p_booking.quantity);
        IF tstzrange((SELECT min(lower(part.during)) FROM unnest(v_look.parts) AS part),
                     (SELECT max(upper(part.during)) FROM unnest(v_look.parts) AS part)) IS DISTINCT FROM v_occupied
           OR EXISTS (SELECT FROM unnest(v_look.parts) AS part WHERE isempty(part.during) OR part.closed && part.during)
           OR cardinality(v_look.parts) <> p_booking.claim_count
           OR v_look.parts[1].location_id <> p_booking.location_id THEN
            v_refusal := '{"outcome": "SLOT_NOT_FOUND", "facts": {"reason": "slots_changed"}}';
            EXIT;
        END IF;
        v_refusal := CASE WHEN v_places IS NOT NULL THEN check_places(v_look.parts, v_places) END;
        EXIT WHEN v_refusal IS NOT NULL;
        IF v_look.available < p_booking.quantity THEN
            IF cardinality(v_look.lapsed) > 0 THEN
                PERFORM expire_in_the_way(p_booking.vendor_id, p_booking.slot_ids, lower(v_occupied), v_look.lapsed, p_actor);
                CONTINUE;
            END IF;
            v_refusal := explain_refusal(p_booking.vendor_id, v_look.parts, p_booking.quantity, 3, v_service);
            EXIT;
        END IF;
        v_price := COALESCE(price_of_parts(v_look.parts, p_booking.quantity, v_service), 'null');
        IF v_price ? 'mixed' THEN
            v_refusal := invalid('slot_ids', 'mixed_currency');
            EXIT;
        END IF;
        v_attempt := v_attempt + 1;
        BEGIN
            IF v_look.scattered THEN
                v_look.parts := make_room(p_booking.vendor_id, v_look.parts, p_booking.quantity);
            END IF;
            PERFORM move_booking(p_booking, 'confirmed', p_actor, p_price => v_price);
            IF insert_claims(p_booking.vendor_id, p_booking.id, v_look.parts, p_booking.quantity) THEN
                RETURN QUERY SELECT 'CONFIRMED', p_booking.id, true, describe_booking(p_booking.vendor_id, p_booking.id);
                RETURN;
            END IF;
            RAISE SQLSTATE 'SK002';
        EXCEPTION
            -- A raw writer was quicker: look again.
            WHEN SQLSTATE 'SK002' THEN
                IF v_attempt >= v_attempts_max THEN
                    v_refusal := '{"outcome": "CONCURRENCY_ABORT", "facts": {}}';
                END IF;
            WHEN foreign_key_violation OR check_violation THEN
                IF v_attempt >= v_attempts_max THEN
                    RAISE;
                END IF;
        END;
    END LOOP;
    RETURN QUERY SELECT v_refusal ->> 'outcome', p_booking.id, false, v_refusal -> 'facts';
END
$$;
