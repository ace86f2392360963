-- Promise: the slot, made by hand from now on and open from start to end, is as wanted, and its claims repeat its new shape;
-- with fewer places they are first dealt units among those that stay. RESIZED with the slot, or the refusal: {"outcome", "facts"}. The
-- caller has checked that its claims fit.
-- Locks, in order: bookings whose units are dealt again by id; claims; what put_busy_blocks locks. The caller holds the slot
-- FOR UPDATE. Raises: nothing of its own.
CREATE OR REPLACE FUNCTION reshape_slot(p_slot slots, p_wanted slot_wanted, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_during CONSTANT tstzrange := tstzrange(p_wanted.starts, p_wanted.ends);
    v_other  jsonb;
BEGIN
    IF p_wanted.capacity < p_slot.capacity
       AND NOT deal_again(p_slot.vendor_id, units_within(p_slot.vendor_id, p_slot, p_wanted.capacity)) THEN
        RAISE exclusion_violation;
    END IF;
    -- Both sides in one statement: law 3's key is checked when it ends, and holds then.
    WITH resized AS (
        UPDATE slots s
        SET during = v_during, capacity = p_wanted.capacity, location_id = p_wanted.location_id,
            price_amount = p_wanted.price_amount, price_currency = p_wanted.price_currency, schedule_id = NULL, closed = '{}',
            version = s.version + 1, updated_at = now()
        WHERE s.vendor_id = p_slot.vendor_id AND s.id = p_slot.id
        RETURNING s.during, s.capacity
    )
    UPDATE claims c SET slot_during = resized.during, slot_capacity = resized.capacity
    FROM resized WHERE c.vendor_id = p_slot.vendor_id AND c.slot_id = p_slot.id
      AND (c.slot_during, c.slot_capacity) IS DISTINCT FROM (resized.during, resized.capacity);
    PERFORM put_busy_blocks(p_slot.vendor_id, p_slot.provider_id, ARRAY[p_slot.id], p_actor);
    RETURN jsonb_build_object('outcome', 'RESIZED', 'facts', describe_slot(p_slot.vendor_id, p_slot.id));
EXCEPTION
    WHEN exclusion_violation THEN
        SELECT jsonb_build_object('slot_id', s.id, 'start', utc(lower(v_during)), 'end', utc(upper(v_during)),
                                  'other_start', utc(lower(s.during)), 'other_end', utc(upper(s.during)),
                                  'time_zone', location_time_zone(s.vendor_id, s.location_id))
        INTO v_other
        FROM slots s WHERE s.vendor_id = p_slot.vendor_id AND s.provider_id = p_slot.provider_id
          AND s.id <> p_slot.id AND s.during && v_during LIMIT 1;
        -- None: the rival's slot has gone again, or a raw writer took units, so the same change may now succeed.
        RETURN jsonb_build_object('outcome', CASE WHEN v_other IS NULL THEN 'CONCURRENCY_ABORT' ELSE 'SLOT_OVERLAP' END,
                                  'facts', COALESCE(v_other, '{}'));
    WHEN check_violation OR foreign_key_violation THEN
        -- A raw writer's claim was committed while we waited for the slot's key.
        RETURN jsonb_build_object('outcome', 'SLOT_IN_USE', 'facts', jsonb_build_object(
            'bookings', bookings_in(p_slot.vendor_id, p_slot.provider_id, p_slot.during)));
END
$$;
